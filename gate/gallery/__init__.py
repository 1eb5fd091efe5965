"""Who is expected, and for how long."""
