"""The experiments of the benchmark: one room each, found by its folder."""
