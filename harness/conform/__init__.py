"""Conformance: the model held against implementations no one here wrote."""
