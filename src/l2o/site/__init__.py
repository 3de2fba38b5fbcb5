"""A static site of results and documentation that works from a file, without network."""
