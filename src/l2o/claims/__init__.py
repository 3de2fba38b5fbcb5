"""What the paper says of its figures, tested on tables of our own; the claims are in the rooms."""
