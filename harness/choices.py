"""What could have been written, where a word was given that is none of a few.

The schemas say it in their types; msgspec's own message only says that the word is wrong.
"""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from harness.errors import shortened

__all__ = ["told"]

WRONG = re.compile(r"Invalid enum value '(.*)' - at `\$\.?([^`]*)`", re.DOTALL)


def told(error: msgspec.ValidationError, schema: type[msgspec.Struct]) -> str:
    """Return what a validation error of a schema says, with the choices where there are some."""
    text = str(error)
    match = WRONG.fullmatch(text)
    if match is None:
        return text
    value, path = match.groups()
    names = re.findall(r"[A-Za-z_]\w*", path)
    words = choices(schema, names)
    if not words:
        return text
    given = shortened(repr(value), 200)
    return f"{names[-1]} is {given}, expected one of: {', '.join(words)} - at `$.{path}`"


def choices(schema: Any, names: list[str]) -> list[str]:
    """Return the words that a field may be, by the names on the way to it; [] if it has none."""
    for name in names:
        schema = next(structs(schema), None)
        hints = {} if schema is None else get_type_hints(schema, include_extras=True)
        if name not in hints:
            return []
        schema = hints[name]
    return [word for kind in flat(schema) if get_origin(kind) is Literal for word in get_args(kind)]


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs in a type."""
    for each in flat(kind):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            yield each


def flat(kind: Any) -> list[Any]:
    """Return the types that a type is made of: what is annotated, a union's, a container's."""
    origin = get_origin(kind)
    if origin is Annotated:
        return flat(get_args(kind)[0])
    if origin in (Union, UnionType, tuple, list, dict):
        return [each for arg in get_args(kind) for each in flat(arg)]
    return [kind]
