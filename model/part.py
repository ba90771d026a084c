"""A part of the machine: a few named values that are read and written together.

A part is the unit of the footprint (one resource bit per part), of hashing (:meth:`Part.key`) and
of copying. Its state fields hold only immutable values: ints, bools, strings, tuples, ``None`` and
frozen structs. A list or dict would let a change slip past the audit of footprints, past
``key`` and past ``copy``.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, ClassVar, Self

__all__ = ["Part", "bits_of"]


class Part:
    """Base of every stateful object of the machine.

    Subclasses list their state in ``FIELDS``; wiring that never changes goes into further slots.
    ``bit`` is the part's resource bit, set when the machine is put together (0 until then).
    """

    __slots__ = ("bit",)
    FIELDS: ClassVar[tuple[str, ...]] = ()
    _state: ClassVar[Callable[[Any], Any]]

    bit: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.FIELDS:
            cls._state = attrgetter(*cls.FIELDS)

    def __init__(self) -> None:
        self.bit = 0

    def key(self) -> object:
        """Return the state as one hashable value: the one field, or a tuple of the fields.

        Parts of the same kind with equal keys behave alike from there on.
        """
        return type(self)._state(self)

    def canonical(self) -> Any:
        """Return a key in which what can never be read again is as if it had never been set.

        It is a key of the same form, and :meth:`restore` takes it: from there all goes on as it
        would have, and is told in the same facts, but for the number of instructions in
        ``Exited``, of which only none and some are told apart. What is dead stays so until it is
        set anew: two machines whose parts have equal canonical keys still do after any step that
        both make. That holds for KVM as in its eras and in the museum; a variant of a user's that
        reads what KVM does not is another matter.
        """
        return self.key()

    def restore(self, key: Any) -> None:
        """Go to the state that ``key`` is the key of.

        Raises:
            ValueError: the key is not one of this kind of part: it has another number of fields.
        """
        if key == self.key():
            return  # about half of the parts at a reset
        fields = self.FIELDS
        if len(fields) == 1:
            setattr(self, fields[0], key)
        else:
            for name, value in zip(fields, key, strict=True):
                setattr(self, name, value)
        self.derive()

    def derive(self) -> None:
        """Recompute what is derived from the state; called after it was set from outside."""

    def copy_to(self, other: Self) -> None:
        """Give ``other`` the state of this part; wiring stays its own."""
        for name in self.FIELDS:
            setattr(other, name, getattr(self, name))
        other.derive()

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.FIELDS)
        return f"{type(self).__name__}({state})"


def bits_of(parts: Iterable[Part]) -> int:
    """Return the resource bits of several parts, as the footprint of a look at all of them."""
    bits = 0
    for part in parts:
        bits |= part.bit
    return bits
