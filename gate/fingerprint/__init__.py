"""Fingers: images, templates in the standards' formats, quality, extraction and comparison."""
