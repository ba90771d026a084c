"""The patches of the museum as parameters of tests: a sample by default, all of them in long."""

from collections.abc import Iterable
from typing import Any

import pytest

from harness.catalogue.shows import SHOWS

__all__ = ["ALWAYS", "shown"]

ALWAYS = 33
"""So many of the table, its first, are in the default run: each rule that one breaks is there."""
ONE_IN = 6


def shown(names: Iterable[str] = SHOWS) -> list[Any]:
    """Return variants, those of the table by default; most of its later ones are marked as long."""
    late = {name for n, name in enumerate(SHOWS) if n >= ALWAYS and n % ONE_IN}
    return [pytest.param(name, marks=pytest.mark.long) if name in late else name for name in names]
