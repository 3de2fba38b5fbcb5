"""Black-box functions, searched by values alone."""
