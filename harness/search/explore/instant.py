"""A reading of the clock that notes what becomes of it.

Nearly all code only compares the time with a deadline, and that answer changes once. So the clock
of an audited step gives a number that notes with what it is compared; anything else that is done
with it (arithmetic, or keeping it) counts as a read of the time itself.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import msgspec

from harness.engine.encoding import SCALARS

__all__ = ["Instant", "LostError", "plain"]

ARITHMETIC = (
    "add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "rfloordiv", "truediv", "rtruediv",
    "mod", "rmod", "divmod", "rdivmod", "pow", "rpow", "and", "rand", "or", "ror", "xor", "rxor",
    "lshift", "rlshift", "rshift", "rrshift", "neg", "pos", "abs", "invert", "int", "index",
    "float", "bool", "hash", "str", "repr", "format", "round", "trunc", "floor", "ceil", "eq", "ne",
)  # fmt: skip


class Recorder(Protocol):
    """Who is told what becomes of a reading."""

    def compares(self, time: int) -> None:
        """It was asked whether a time (virtual ns) has come."""

    def use(self) -> None:
        """Anything else was done with it."""


class Instant(int):
    """A reading of the clock. ``recorder`` is told what becomes of it, of all of them."""

    recorder: ClassVar[Recorder | None] = None


class LostError(Exception):
    """A reading of the clock is used outside the step that made it."""


def told() -> Recorder:
    """Return who is told.

    Raises:
        LostError: nobody is.

    """
    recorder = Instant.recorder
    if recorder is None:
        raise LostError("a reading of the clock was kept where nobody looks")
    return recorder


def used(name: str) -> Callable[..., Any]:
    """Return a method of numbers that notes that it was called."""
    method = getattr(int, name)

    def does(self: int, *arguments: Any) -> Any:
        told().use()
        return method(self, *map(plain, arguments))

    return does


def compared(name: str, later: int) -> Callable[[int, Any], Any]:
    """Return a comparison that notes with what it is made; ``later`` if that is one ns later."""
    method = getattr(int, name)

    def compare(self: int, other: Any) -> Any:
        if other.__class__ is int:
            told().compares(other + later)
        else:
            told().use()
        return method(self, plain(other))

    return compare


for each in ARITHMETIC:
    setattr(Instant, f"__{each}__", used(f"__{each}__"))
for each, ns in (("ge", 0), ("lt", 0), ("gt", 1), ("le", 1)):
    setattr(Instant, f"__{each}__", compared(f"__{each}__", ns))


def scalar(value: Instant) -> int:
    """Return a reading that a task remembers as a number: it was used."""
    told().use()
    return int.__add__(value, 0)


SCALARS[Instant] = scalar


def plain(value: Any) -> Any:
    """Return a value with plain numbers in place of readings of the clock, tuples' and facts' too.

    A value without any is returned as it is.
    """
    cls = value.__class__
    if cls is int or cls is str or cls is bool or value is None:
        return value
    if cls is Instant:
        return int.__add__(value, 0)
    if isinstance(value, tuple):
        items = [plain(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return tuple(items)
    if isinstance(value, msgspec.Struct):
        changed = {
            name: new
            for name in value.__struct_fields__
            if (new := plain(old := getattr(value, name))) is not old
        }
        return msgspec.structs.replace(value, **changed) if changed else value
    return value
