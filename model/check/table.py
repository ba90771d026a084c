"""Maps and sets as immutable values: what a state may hold in place of a dict or a set.

A table is a tuple of pairs sorted by key, a set a sorted tuple of its members; both are small. The
functions here also take the :class:`UnknownTable` that stands in for one in a trace that begins in
mid-life.
"""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from model.check.unknown import Unknown

__all__ = ["Keys", "Table", "UnknownTable", "add", "drop", "get", "has", "put", "remove"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

Table = Annotated[tuple[tuple[K, V], ...], "table"]
"""Pairs of key and value, sorted by key."""
Keys = Annotated[tuple[K, ...], "keys"]
"""The members of a set, sorted."""


def get(table: tuple[tuple[K, V], ...], key: K, default: T) -> V | T:
    """Return what ``table`` has for ``key``, or ``default``."""
    if table.__class__ is not tuple:
        return table.get(key, default)  # type: ignore[attr-defined, no-any-return]
    for k, value in table:
        if k == key:
            return value
    return default


def put(table: tuple[tuple[K, V], ...], key: K, value: V) -> tuple[tuple[K, V], ...]:
    """Return ``table`` with ``value`` for ``key``."""
    if not table:
        return ((key, value),)
    if table.__class__ is not tuple:
        return table.put(key, value)  # type: ignore[attr-defined, no-any-return]
    if len(table) == 1 and table[0][0] == key:
        return ((key, value),)
    pairs: list[Any] = [pair for pair in table if pair[0] != key]
    pairs.append((key, value))
    pairs.sort()
    return tuple(pairs)


def drop(table: tuple[tuple[K, V], ...], key: K) -> tuple[tuple[K, V], ...]:
    """Return ``table`` without ``key``, which need not be in it."""
    if table.__class__ is not tuple:
        return table.drop(key)  # type: ignore[attr-defined, no-any-return]
    return tuple([pair for pair in table if pair[0] != key])


def has(keys: tuple[K, ...], key: K) -> bool:
    """Tell whether ``key`` is in a set."""
    if keys.__class__ is not tuple:
        return keys.get(key, False)  # type: ignore[attr-defined, no-any-return]
    return key in keys


def add(keys: tuple[K, ...], key: K) -> tuple[K, ...]:
    """Return the set with ``key`` in it."""
    if keys.__class__ is not tuple:
        return keys.put(key, True)  # type: ignore[attr-defined, no-any-return]
    if key in keys:
        return keys
    members: list[Any] = [*keys, key]
    members.sort()
    return tuple(members)


def remove(keys: tuple[K, ...], key: K) -> tuple[K, ...]:
    """Return the set without ``key``, which need not be in it."""
    if keys.__class__ is not tuple:
        return keys.drop(key)  # type: ignore[attr-defined, no-any-return]
    return tuple([x for x in keys if x != key]) if key in keys else keys


class UnknownTable:
    """A table or a set of which some keys are known: to be in it with a value, or not to be.

    ``universe`` are all keys that there can be, if that is known; once each of them is, the table
    is a plain one again. ``keys`` says that it is a set.
    """

    __slots__ = ("is_set", "known", "universe")

    def __init__(
        self,
        known: dict[Any, tuple[Any, ...]] | None = None,
        universe: tuple[Any, ...] = (),
        *,
        is_set: bool = False,
    ) -> None:
        self.known = known or {}
        self.universe = universe
        self.is_set = is_set

    def _with(self, key: Any, value: tuple[Any, ...]) -> Any:
        known = {**self.known, key: value}
        if self.universe and all(k in known for k in self.universe):
            there = sorted(k for k, v in known.items() if v)
            return tuple(there) if self.is_set else tuple((k, known[k][0]) for k in there)
        return UnknownTable(known, self.universe, is_set=self.is_set)

    def get(self, key: Any, default: Any) -> Any:
        """Return what is known for ``key``: its value, or ``default`` if it is not in the table.

        Raises:
            Unknown: nothing is known of it.

        """
        value = self.known.get(key)
        if value is None:
            raise Unknown
        return value[0] if value else default

    def put(self, key: Any, value: Any) -> Any:
        """Return the table with ``key`` known to be in it."""
        return self._with(key, (value,))

    def drop(self, key: Any) -> Any:
        """Return the table with ``key`` known not to be in it."""
        return self._with(key, ())

    def __bool__(self) -> bool:
        return True  # ``put`` asks; nobody else may

    def __iter__(self) -> Iterator[Any]:
        raise Unknown

    def __len__(self) -> int:
        raise Unknown

    def __contains__(self, key: object) -> bool:
        return bool(self.get(key, ()) != ())
