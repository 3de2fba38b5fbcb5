"""Compressive sensing of pictures by blocks, by classical solvers and by unrolled nets."""
