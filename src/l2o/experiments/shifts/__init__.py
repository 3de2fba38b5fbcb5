"""Out of distribution, without training again."""
