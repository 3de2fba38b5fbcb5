"""Denoisers that are trained for plug-and-play methods, one file each."""
