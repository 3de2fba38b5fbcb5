"""The commands of Figure 8."""
