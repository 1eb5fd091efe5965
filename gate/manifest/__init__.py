"""Advance passenger information and check-in data to records: who is said to travel, and what was odd about it."""
