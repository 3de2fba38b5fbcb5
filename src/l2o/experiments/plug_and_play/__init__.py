"""Plug-and-play restoration of pictures with learned denoisers, and classical priors."""
