"""LASSO with structure: every instance has an A of its own."""
