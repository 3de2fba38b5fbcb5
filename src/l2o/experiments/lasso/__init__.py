"""Figure 6: minimising LASSO."""
