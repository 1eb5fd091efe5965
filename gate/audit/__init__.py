"""What happened here, so that it can be proved: append-only, hash-chained, without personal data."""
