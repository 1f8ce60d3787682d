"""Encodings that several formats share: PNG images and lines of numbers."""
