"""Figure 8: training of networks."""
