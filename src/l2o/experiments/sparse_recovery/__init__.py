"""Figure 5: recovery of sparse signals."""
