"""What the engine says about itself, without saying anything about a traveller."""
