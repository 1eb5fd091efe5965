"""The engine: every part put together, and one passage run through it. No transport."""
