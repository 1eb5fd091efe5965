"""Pixels in, probes out."""
