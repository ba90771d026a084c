"""Exhaustive search: every interleaving of a case within bounds that are stated."""
