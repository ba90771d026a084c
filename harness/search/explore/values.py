"""The values that each part has had, by number: a state is made of small numbers.

The number of a value is that of its first appearance, so that equal searches number alike.
"""

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Any

from model.part import Part

__all__ = ["Get", "Values", "getter"]

Get = Any
"""Takes a state's numbers and returns some of them as one hashable value."""


class Values:
    """The values that one part has had.

    ``now`` is the number of what is in the part at present, -1 if that is not known.
    """

    __slots__ = ("canonical", "keys", "now", "numbers", "part")

    def __init__(self, part: Part, *, dead: bool = True) -> None:
        self.part = part
        self.keys: list[Hashable] = []
        self.numbers: dict[Hashable, int] = {}
        canonical = getattr(part, "canonical", part.key) if dead else part.key
        self.canonical: Callable[[], Hashable] = canonical
        self.now = -1
        self.now = self.read()

    def read(self) -> int:
        """Return the number of the value that the part has."""
        key = self.canonical()
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.keys)
            self.keys.append(key)
        # What is dead may still be there; whoever goes on from this number must not see it.
        self.now = number if key == self.part.key() else -1
        return number

    def restore(self, keys: list[Hashable]) -> None:
        """Take up the values that the part has had, in the order of their numbers.

        Raises:
            ValueError: it does not begin as they do.

        """
        if keys[:1] != self.keys[:1]:
            raise ValueError(f"a {type(self.part).__name__} begins with another value")
        self.keys = keys
        self.numbers = {key: n for n, key in enumerate(keys)}
        self.now = -1

    def put(self, number: int) -> None:
        """Give the part the value of this number."""
        if self.now != number:
            self.part.restore(self.keys[number])
            self.now = number


def getter(slots: "list[int] | tuple[int, ...]") -> Get:
    """Return what takes the numbers at these places out of a state."""
    if not slots:
        return nothing
    return itemgetter(*slots)


def nothing(_flat: tuple[int, ...]) -> tuple[int, ...]:
    """Take nothing."""
    return ()
