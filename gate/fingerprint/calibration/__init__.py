"""What a score means: how often strangers reach it, and how much it says for and against one finger."""
