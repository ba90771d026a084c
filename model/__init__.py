"""What the machine is and what must hold of it: pure, synchronous and deterministic.

Nothing here awaits, draws, reads a clock or does I/O, and nothing imports ``harness``.
"""
