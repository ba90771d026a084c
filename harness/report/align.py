"""Two executions beside each other: which turn of one is which turn of the other."""

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

from harness.report.course import Turn

__all__ = ["align"]


def align(left: Sequence[Turn], right: Sequence[Turn]) -> list[tuple[int, int]]:
    """Return pairs of indices, in order; -1 stands where one has no counterpart.

    Turns are counterparts if the same task makes the same operation, in the same order in both.
    """
    a, b = signs(left), signs(right)
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    pairs = [(i, i) for i in range(first)]
    matcher = SequenceMatcher(None, a[first:], b[first:], autojunk=False)
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        i, j = range(first + a0, first + a1), range(first + b0, first + b1)
        if tag == "equal":
            pairs += zip(i, j, strict=True)
        else:
            pairs += [(x, -1) for x in i]
            pairs += [(-1, y) for y in j]
    return pairs


def signs(turns: Sequence[Turn]) -> list[Hashable]:
    """Return what counterparts have in common."""
    return [(turn.who.task, turn.op) for turn in turns]
