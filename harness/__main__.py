"""``python -m harness``: the command line, for who has no ``vgic-race`` on the path.

Python puts the current folder in front of everything then: in one that has a ``harness/`` package
of its own, that is what runs.
"""

import sys

from harness.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
