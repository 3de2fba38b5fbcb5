"""The commands of Figure 6."""
