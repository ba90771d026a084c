"""Packed states: one integer per state, by way of groups whose contents are numbered.

A state is a row of small numbers: where each task is, and the value of each part. The row is cut
into groups; the contents that a group has had are numbered, and a state is the numbers of its
groups, side by side in one integer (the tree compression of Laarman, van de Pol and Weber,
"Parallel Recursive State Compression for Free", SPIN 2011, one level deep). What a step does to a
group is numbered as well, so that the next state costs a look-up per group that changes.
"""

from collections.abc import Iterable, Sequence

__all__ = ["CHANGE_BITS", "MASK", "WIDTH", "Move", "Packing", "Row", "TooManyError"]

WIDTH = 24
"""The bits of a group's number in a state."""
MASK = (1 << WIDTH) - 1
CHANGE_BITS = 20

Row = tuple[int, ...]
Change = tuple[int, int]
"""A place in the row, and the number that is there from now on."""
Move = tuple[int, int]
"""A group, and the number of what is done to it."""


class TooManyError(Exception):
    """A group has had more contents, or more is done to one, than there are numbers for."""


class Group:
    """A stretch of the row: its contents, and what is done to it, by number.

    ``goes`` is by (contents, change), as one number, what to add to a state that is so changed.
    """

    __slots__ = ("changes", "contents", "goes", "numbers", "shift", "start", "stop")

    def __init__(self, start: int, stop: int, shift: int) -> None:
        self.start = start
        self.stop = stop
        self.shift = shift
        self.contents: list[Row] = []
        self.numbers: dict[Row, int] = {}
        self.changes: list[tuple[Change, ...]] = []
        self.goes: dict[int, int] = {}

    def number(self, row: Row) -> int:
        """Return the number of these contents.

        Raises:
            TooManyError: there are more than a state can name.

        """
        found = self.numbers.get(row)
        if found is None:
            found = self.numbers[row] = len(self.contents)
            if found > MASK:
                raise TooManyError(f"more than {MASK} contents of a group of parts")
            self.contents.append(row)
        return found

    def go(self, number: int, change: int) -> int:
        """Return what to add to a state with these contents, to change them."""
        row = list(self.contents[number])
        for place, value in self.changes[change]:
            row[place - self.start] = value
        then = self.number(tuple(row))
        delta = self.goes[number << CHANGE_BITS | change] = (then - number) << self.shift
        return delta


class Packing:
    """How rows are cut into groups, and packed.

    Args:
        sizes: how many places of the row each group has, in order.

    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.groups: list[Group] = []
        start = 0
        for n, size in enumerate(sizes):
            self.groups.append(Group(start, start + size, n * WIDTH))
            start += size
        self.group_of = [n for n, size in enumerate(sizes) for _ in range(size)]
        self.moves_of: dict[tuple[Change, ...], tuple[Move, ...]] = {}
        self.numbers: list[dict[tuple[Change, ...], int]] = [{} for _ in sizes]

    def pack(self, row: Row) -> int:
        """Return the state of a row."""
        return sum(g.number(row[g.start : g.stop]) << g.shift for g in self.groups)

    def unpack(self, state: int) -> Row:
        """Return the row of a state."""
        row: Row = ()
        for group in self.groups:
            row += group.contents[state >> group.shift & MASK]
        return row

    def moves(self, changes: Iterable[Change]) -> tuple[Move, ...]:
        """Return what changes of a row do to the groups.

        Raises:
            TooManyError: more different things are done to a group than have numbers.

        """
        key = tuple(changes)
        found = self.moves_of.get(key)
        if found is not None:
            return found
        by_group: dict[int, list[Change]] = {}
        for change in key:
            by_group.setdefault(self.group_of[change[0]], []).append(change)
        moves = []
        for n, done in by_group.items():
            numbers, what = self.numbers[n], tuple(done)
            if what not in numbers:
                if len(numbers) >> CHANGE_BITS:
                    raise TooManyError(f"more than {1 << CHANGE_BITS} changes of a group of parts")
                numbers[what] = len(numbers)
                self.groups[n].changes.append(what)
            moves.append((n, numbers[what]))
        found = self.moves_of[key] = tuple(moves)
        return found

    def tables(self) -> dict[str, object]:
        """Return what is needed to read states again, as plain values."""
        sizes = [group.stop - group.start for group in self.groups]
        return {"sizes": sizes, "contents": [group.contents for group in self.groups]}

    def restore(self, contents: Sequence[list[Row]]) -> None:
        """Take up the contents that groups had (of :meth:`tables`)."""
        for group, rows in zip(self.groups, contents, strict=True):
            group.contents = rows
            group.numbers = {row: n for n, row in enumerate(rows)}
