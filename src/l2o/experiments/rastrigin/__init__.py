"""Figure 7: minimising the Rastrigin family."""
