"""Figure 3: how long to unroll, and what it costs."""
