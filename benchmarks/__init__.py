"""Measurements of the engine against floors and peers that run beside it. docs/benchmarks.md says how to read them."""
