"""One sealed SQLite file: keys, seals, transactions. Knows nothing of travellers."""
