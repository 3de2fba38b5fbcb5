"""Minimax problems, by hand-made and by learned methods."""
