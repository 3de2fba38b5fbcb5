"""Update rules that a search has found."""
