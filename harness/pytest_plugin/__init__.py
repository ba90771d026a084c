"""Tests of a user's own under pytest: a mark, a fixture, and what a failure looks like."""
