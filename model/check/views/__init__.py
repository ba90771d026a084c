"""The views: one idea each."""
