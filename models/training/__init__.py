"""How the model packs are made: data, mask-state model, student embedder, evaluation. Needs the `train` extra."""
