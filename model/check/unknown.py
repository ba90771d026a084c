"""What is not known: a value that may be passed on, and that cannot be looked at.

A kernel trace begins in mid-life and loses events. There a state's value is unknown until a fact
tells it. ``UNKNOWN`` stands in for such a value: it may be copied from one state to another, which
is then unknown too, and whoever compares it, counts with it or asks it anything gets
:class:`Unknown`. :class:`UnknownBits` does the same for each bit of a mask by itself.
"""

from typing import Annotated, Any, NoReturn, TypeVar

__all__ = ["NO_BITS", "UNKNOWN", "Bits", "Debt", "Unknown", "UnknownBits"]

T = TypeVar("T")

Bits = Annotated[int, "bits"]
"""A mask with a bit per interrupt, or per anything else; each bit may be unknown by itself."""
Debt = Annotated[T, "debt"]
"""A field whose initial value only ever makes a rule say less: what was seen to be owed, or done.

Where it is not known it is initial: a debt that was not seen to be made is none.
"""


class Unknown(Exception):  # noqa: N818  # no error: it ends the handler that asked, and no more
    """Something was asked that the facts heard so far do not tell."""


class _Unknown:
    """The class of ``UNKNOWN``."""

    __slots__ = ()

    def _ask(self, *_args: object) -> NoReturn:
        raise Unknown

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _ask
    __add__ = __radd__ = __sub__ = __rsub__ = __and__ = __rand__ = __or__ = __ror__ = _ask
    __rshift__ = __rrshift__ = __lshift__ = __rlshift__ = __invert__ = __neg__ = _ask
    __iter__ = __len__ = __contains__ = __getitem__ = __index__ = __int__ = __str__ = _ask
    __getattr__ = __format__ = _ask

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()


class UnknownBits:
    """A mask of which some bits are known: ``value`` where ``known`` is set.

    It answers what its known bits answer: ``bits >> n & 1`` if bit n is known, a plain number as
    soon as all that is left of it is known. ``known`` may be negative: all bits from some on.
    """

    __slots__ = ("known", "value")

    def __init__(self, value: int, known: int) -> None:
        self.value = value & known
        self.known = known

    def __or__(self, other: Any) -> Any:
        value, known = _parts(other)
        # A bit that is set on one side is known, whatever the other is.
        return _bits(self.value | value, self.known & known | self.value | value)

    def __and__(self, other: Any) -> Any:
        value, known = _parts(other)
        zero = self.known & ~self.value | known & ~value
        return _bits(self.value & value, self.known & known | zero)

    __ror__ = __or__
    __rand__ = __and__

    def __invert__(self) -> Any:
        return _bits(~self.value & self.known, self.known)

    def __rshift__(self, n: int) -> Any:
        return _bits(self.value >> n, self.known >> n)

    def __bool__(self) -> bool:
        if self.value:
            return True
        raise Unknown

    def _ask(self, *_args: object) -> NoReturn:
        raise Unknown

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _ask
    __neg__ = __index__ = __int__ = __add__ = __sub__ = bit_length = bit_count = _ask

    def __repr__(self) -> str:
        return f"UnknownBits({self.value:#x}, {self.known:#x})"


def _parts(bits: Any) -> tuple[int, int]:
    """Return the value and what is known of a mask, known in whole or in part."""
    if isinstance(bits, UnknownBits):
        return bits.value, bits.known
    return bits, -1


def _bits(value: int, known: int) -> Any:
    """Return a mask: a plain number if all of it is known."""
    return value if known == -1 else UnknownBits(value, known)


NO_BITS: Any = UnknownBits(0, 0)
"""A mask of which nothing is known."""
