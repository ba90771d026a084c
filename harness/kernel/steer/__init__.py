"""Steering a real kernel: which of its CPUs goes on at places in its code is decided outside."""
