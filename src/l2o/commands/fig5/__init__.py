"""The commands of Figure 5."""
