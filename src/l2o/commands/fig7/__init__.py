"""The commands of Figure 7."""
