"""The commands of Figure 3."""
