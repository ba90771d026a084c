"""The mutants that change nothing that anyone could see, each with its reason.

They stand in ``equivalent.toml``, by file, function and the changed lines, so that they are found
when lines move.
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutant import Mutant

__all__ = ["STEP", "Equivalent", "read", "reason_of"]

FILE = Path(__file__).with_name("equivalent.toml")
STEP = (
    "a bare step left out: what follows it is done within the step before, so each of its "
    "executions is one of the original's too"
)
"""Why a mutant that leaves out a bare step, and survives, breaks nothing."""


class Equivalent(NamedTuple):
    """A mutant by its place and its change (``Mutant.change``), and why it is none."""

    file: str
    function: str
    change: str
    reason: str


def read() -> dict[tuple[str, str, str], str]:
    """Read the list: the reason by file, function and change.

    Raises:
        ValueError: an entry stands twice, or has no reason.

    """
    found: dict[tuple[str, str, str], str] = {}
    for raw in tomllib.loads(FILE.read_text("utf-8")).get("equivalent", []):
        x = Equivalent(raw["file"], raw["function"], raw["change"].strip(), raw["reason"].strip())
        key = (x.file, x.function, x.change)
        if key in found or not x.reason:
            raise ValueError(f"{FILE.name}: {x.function}: {x.change!r} stands twice or says no why")
        found[key] = x.reason
    return found


def reason_of(mutant: Mutant, known: dict[tuple[str, str, str], str]) -> str:
    """Return why a mutant that survived is equivalent, or nothing."""
    return known.get((mutant.path, mutant.function, mutant.change()), STEP if mutant.step else "")
