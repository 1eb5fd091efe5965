"""What `gate doctor` finds out: each finding with its repair beside it."""
