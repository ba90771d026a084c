"""What a task remembers across an await, as values: scalars as they are, wiring by its name.

Whatever could change behind a position's back is refused: iterators, generators, dicts, sets, lists
of anything but wiring, and objects of a type that nobody has declared.
"""

from collections.abc import Callable, Hashable
from enum import Enum
from functools import partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar

import msgspec

from harness.engine.slot import Slot
from model.part import Part

__all__ = ["SCALARS", "UndeclaredError", "code_name", "encode", "wiring"]

T = TypeVar("T")
Encoder = Callable[[Any], Hashable]


class UndeclaredError(Exception):
    """A value whose state no position can hold; the text says what it is."""


def wiring(cls: type[T], name: Callable[[T], Hashable] | None = None) -> None:
    """Declare that objects of ``cls`` (and of its subclasses) are wiring.

    Wiring is there before an execution begins and is the same in every one; what of it changes is
    in the machine's state. A position names it, and does not look inside.

    Args:
        cls: the type.
        name: what tells one object of the type from another, the same in every world of one
            specification; None if a world has only one.

    """
    DECLARED[cls] = name if name is not None else nameless
    ENCODERS.clear()
    ENCODERS.update(SCALARS)


def encode(value: object) -> Hashable:
    """Return ``value`` as a hashable value: equal ones mean the same from here on.

    Raises:
        UndeclaredError: it is, or holds, what may not live across an await.

    """
    cls = type(value)
    encoder = ENCODERS.get(cls)
    if encoder is None:
        encoder = ENCODERS[cls] = encoder_of(cls)
    return encoder(value)


def encoder_of(cls: type) -> Encoder:
    """Return what encodes objects of a type."""
    for base in cls.__mro__:
        if base in DECLARED:
            kind, name = base.__name__, DECLARED[base]
            return lambda value: (kind, name(value))
        if base in BUILT_IN:
            return BUILT_IN[base]
    if issubclass(cls, msgspec.Struct) and cls.__struct_config__.frozen:
        return encode_struct
    return refuse


def is_wiring(value: object) -> bool:
    """Tell whether the type of ``value`` was declared."""
    return any(base in DECLARED for base in type(value).__mro__)


# -- one encoder per kind of value ----------------------------------------------------------------


def nameless(_value: object) -> Hashable:
    """Return the name of what a world has only one of."""
    return ""


def itself(value: Hashable) -> Hashable:
    """Return a scalar."""
    return value


def encode_bool(value: bool) -> Hashable:
    """Tell True from 1, which are equal."""
    return ("bool", value)


def encode_enum(value: Enum) -> Hashable:
    """Name a member."""
    return (type(value).__qualname__, value.name)


def encode_tuple(value: tuple[object, ...]) -> Hashable:
    """Return the tuple of what its items are."""
    return ("tuple", *map(encode, value))


def encode_list(value: list[object]) -> Hashable:
    """Name the objects in a list; anything else in it would make it state."""
    if not all(map(is_wiring, value)):
        return refuse(value)
    return ("list", *map(encode, value))


def encode_struct(value: msgspec.Struct) -> Hashable:
    """Return what a frozen struct holds, by its type and its fields."""
    fields = value.__struct_fields__
    return (type(value).__qualname__, *[encode(getattr(value, name)) for name in fields])


def encode_function(function: FunctionType) -> Hashable:
    """Name a function's code, and add what it closes over and its defaults."""
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        return encode(wrapped)
    found: list[Hashable] = [code_name(function.__code__, function.__module__)]
    for cell in function.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:
            found.append("unset")
            continue
        found.append("itself" if held is function else encode(held))
    for defaults in (function.__defaults__, tuple((function.__kwdefaults__ or {}).items())):
        found.append(encode(defaults))
    return ("function", *found)


def encode_method(method: MethodType | BuiltinFunctionType) -> Hashable:
    """Name a method and the object it is bound to."""
    owner = method.__self__
    if isinstance(owner, ModuleType | None):
        return ("function", f"{method.__module__}.{method.__qualname__}")
    return ("method", method.__qualname__, encode(owner))


def encode_partial(call: "partial[object]") -> Hashable:
    """Return a call that is ready to be made."""
    arguments = (encode(call.args), encode(tuple(sorted(call.keywords.items()))))
    return ("partial", encode(call.func), *arguments)


def encode_class(cls: type) -> Hashable:
    """Name a class."""
    return ("class", f"{cls.__module__}.{cls.__qualname__}")


def encode_module(module: ModuleType) -> Hashable:
    """Name a module."""
    return ("module", module.__name__)


def refuse(value: object) -> Hashable:
    """Refuse what may not live across an await.

    Raises:
        UndeclaredError: always.

    """
    name = type(value).__name__
    if hasattr(type(value), "__next__"):
        raise UndeclaredError(f"an iterator ({name})")
    raise UndeclaredError(f"a {name}, which is neither a scalar nor declared as wiring")


def part_bit(part: Part) -> int:
    """Return the resource bit of a part.

    Raises:
        UndeclaredError: no machine was made of it.

    """
    if not part.bit:
        raise UndeclaredError(f"a {type(part).__name__} that belongs to no machine")
    return part.bit


def slot_name(slot: Slot) -> str:
    """Return the name of a task."""
    return slot.name


NAMES: dict[tuple[str, CodeType], str] = {}


def code_name(code: CodeType, module: str) -> str:
    """Return a stable name of a function's code.

    Functions within functions may share a name (two lambdas); they are told apart by their place.
    """
    key = (code.co_filename, code)  # equal code of another file is another function
    name = NAMES.get(key)
    if name is None:
        name = f"{module}.{code.co_qualname}"
        if "<" in code.co_qualname:
            columns = [c for _, _, c, _ in code.co_positions() if c]
            name += f":{code.co_firstlineno}:{min(columns, default=0)}"
        NAMES[key] = name
    return name


SCALARS: dict[type, Encoder] = {
    int: itself,
    str: itself,
    type(None): itself,
    float: itself,
    bytes: itself,
    bool: encode_bool,
}
BUILT_IN: dict[type, Encoder] = {
    Enum: encode_enum,
    tuple: encode_tuple,
    list: encode_list,
    FunctionType: encode_function,
    MethodType: encode_method,
    BuiltinFunctionType: encode_method,
    partial: encode_partial,
    type: encode_class,
    ModuleType: encode_module,
}
DECLARED: dict[type, Callable[[Any], Hashable]] = {}
ENCODERS: dict[type, Encoder] = {}
"""The encoders of the types seen so far."""

wiring(Part, part_bit)
wiring(Slot, slot_name)
