"""The engine: one step at a time, every choice the strategy's, under Trio or without it."""
