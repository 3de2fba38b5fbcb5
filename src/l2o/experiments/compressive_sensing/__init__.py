"""Figure 2: unrolled networks against ISTA and FISTA."""
