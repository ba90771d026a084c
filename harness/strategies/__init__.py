"""What makes the choices: one strategy per file, under one contract (``harness.contract``)."""
