"""What a view or a rule remembers: small states of named values, each a part like the machine's."""

from collections.abc import Callable, Collection
from dataclasses import make_dataclass
from inspect import get_annotations
from typing import Any, ClassVar, Generic, TypeVar, cast, get_origin

from model.check.table import UnknownTable
from model.check.unknown import NO_BITS, UNKNOWN
from model.part import Part

__all__ = ["Members", "MembersPart", "State", "tracked"]

S = TypeVar("S", bound="State")
Written = list[tuple["State", str]]

STANDS_IN: dict[str, Any] = {
    "bits": NO_BITS,
    "table": UnknownTable(),
    "keys": UnknownTable(is_set=True),
}
"""By the mark of a field's annotation (``Bits``, ``Table``, ``Keys``) what is there if unknown."""


class StateMeta(type):
    """Makes the annotated names of a state slots: small, close together, and nothing but fields."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> "StateMeta":
        own = [field for field, a in names.get("__annotations__", {}).items() if is_field(a)]
        for field in own:
            if field not in names:
                raise TypeError(f"{name}.{field} has no initial value")
        names["BEGINS"] = tuple((field, names.pop(field)) for field in own)
        names["__slots__"] = tuple(own)
        return super().__new__(cls, name, bases, names)


def is_field(annotation: Any) -> bool:
    """Tell whether an annotation is that of a field, and not of the class."""
    return get_origin(annotation) is not cast("Any", ClassVar)


class State(Part, metaclass=StateMeta):
    """A few named values; a subclass annotates them, each with its initial value.

    ``count: int = 0`` makes a field. Fields hold immutable values only: numbers, strings, tuples,
    None, frozen structs; a mask is annotated ``Bits``, a map ``Table[K, V]``, a set ``Keys[K]``
    (``model.check.table``), and what may be taken for nothing if it is not known ``Debt[...]``.
    """

    BEGINS: ClassVar[tuple[tuple[str, Any], ...]] = ()
    START: ClassVar[tuple[tuple[str, Any], ...]] = ()
    UNKNOWNS: ClassVar[tuple[Any, ...]] = ()

    def __init_subclass__(cls) -> None:
        if cls.BEGINS:
            notes = get_annotations(cls, eval_str=True)
            cls.FIELDS = (*cls.FIELDS, *(name for name, _ in cls.BEGINS))
            cls.START = (*cls.START, *cls.BEGINS)
            cls.UNKNOWNS = (
                *cls.UNKNOWNS,
                *(_stands_in(notes[name], value) for name, value in cls.BEGINS),
            )
            cls.reset = _initially(cls.START)  # type: ignore[assignment]
        super().__init_subclass__()

    def __init__(self) -> None:
        self.bit = 0
        self.reset()

    def reset(self) -> None:
        """Go back to the initial values; a class with fields has its own, made of them."""

    def restore(self, key: Any) -> None:
        """Go to the state that ``key`` is the key of."""
        values = (key,) if len(self.FIELDS) == 1 else key
        for name, value in zip(self.FIELDS, values, strict=True):
            setattr(self, name, value)

    def forget(self, but: Collection[tuple["State", str]] = ()) -> None:
        """Make everything unknown ``but`` the named fields (of a state, by name)."""
        for name, unknown in zip(self.FIELDS, self.UNKNOWNS, strict=True):
            if (self, name) not in but:
                setattr(self, name, unknown)


def _initially(start: tuple[tuple[str, Any], ...]) -> Callable[[Any], None]:
    """Return ``reset`` with one assignment per field: all states are reset in every execution.

    Such a function is what a dataclass has for ``__init__``, and it takes any object.
    """
    fields = [(name, object, value) for name, value in start]
    made: Any = make_dataclass("Start", fields, repr=False, eq=False, match_args=False)
    reset: Callable[[Any], None] = made.__init__
    return reset


def _stands_in(annotation: Any, initial: Any) -> Any:
    """Return what is in a field of this annotation and initial value while it is unknown."""
    marks = getattr(annotation, "__metadata__", ())
    if "debt" in marks:
        return initial
    return STANDS_IN[marks[0]] if marks else UNKNOWN


class Members(dict[Any, S], Generic[S]):
    """States by a key, such as an interrupt's; one that is asked for the first time is initial."""

    def __init__(self, make: Callable[[], S]) -> None:
        super().__init__()
        self.make = make
        self.known = True

    def __missing__(self, key: Any) -> S:
        member = self[key] = self.make()
        if not self.known:
            member.forget()
        return member


class MembersPart(Part, Generic[S]):
    """Those members as one part: one resource, one key."""

    FIELDS = ("members",)
    __slots__ = ("initial", "members")

    def __init__(self, make: Callable[[], S]) -> None:
        super().__init__()
        self.members: Members[S] = Members(make)
        self.initial = make().key()

    def reset(self) -> None:
        """Have no members."""
        self.members.clear()
        self.members.known = True

    def key(self) -> object:
        """Return the members that are not as they began, sorted."""
        keys = [(k, member.key()) for k, member in self.members.items()]
        if self.members.known:
            keys = [pair for pair in keys if pair[1] != self.initial]
        return tuple(sorted(keys, key=_first))

    def canonical(self) -> object:
        """Return the members that are not as they began, each without what is dead, sorted."""
        keys = [(k, member.canonical()) for k, member in self.members.items()]
        if self.members.known:
            keys = [pair for pair in keys if pair[1] != self.initial]
        return tuple(sorted(keys, key=_first))

    def restore(self, key: Any) -> None:
        """Go to the state that ``key`` is the key of."""
        self.members.clear()
        for k, state in key:
            self.members[k].restore(state)

    def copy_to(self, other: "MembersPart[S]") -> None:
        """Give ``other`` the same members."""
        other.members.known = self.members.known
        other.restore(self.key())

    def forget(self, but: Collection[tuple["State", str]] = ()) -> None:
        """Make all members unknown, and all that there may be; ``but`` is as a state's."""
        self.members.known = False
        for member in self.members.values():
            member.forget(but)


def _first(pair: tuple[Any, object]) -> Any:
    return pair[0]


def tracked(cls: type[S], written: Written) -> type[S]:
    """Return a subclass of ``cls`` that notes in ``written`` which fields are set, and when."""
    put = object.__setattr__

    def setattribute(self: Any, name: str, value: Any) -> None:
        written.append((self, name))
        put(self, name, value)

    return type(f"Tracked{cls.__name__}", (cls,), {"__setattr__": setattribute})
