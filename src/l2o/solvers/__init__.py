"""Solvers of b = A x + noise for problems of users: trained, classical, compared."""
