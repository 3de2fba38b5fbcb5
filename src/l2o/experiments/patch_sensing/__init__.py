"""Compressive sensing of image patches by unrolled networks."""
