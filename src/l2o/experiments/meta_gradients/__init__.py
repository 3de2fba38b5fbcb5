"""Estimators of the meta-gradient: bias, variance, and what is learned with them."""
