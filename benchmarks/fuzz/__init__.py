"""Fuzzing of every reader that takes bytes from outside beside camera frames: manifests, zones, face records."""
