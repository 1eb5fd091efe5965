"""The face-verification engine inside a contactless border e-gate."""

__version__ = "0.1.0"
