"""Steering a real kernel: which of its CPUs goes on, at places in its code, decided from outside."""
