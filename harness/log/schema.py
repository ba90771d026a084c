"""The lines of a log as types, and the JSON Schema that is generated from these.

One type per kind of line, made of the registry's records and of ``model.facts``: what a fact has in
the log follows from its type, as ``harness.log.flat`` writes it. Columns of ``log sql`` are of
these types, too.
"""

from functools import cache
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

from harness.log.flat import FLAT, SUBJECT
from harness.log.lives import ABOUT
from harness.log.registry import FORMAT, NEGATED, REGISTRY, Footer, Header, Rest, Step
from model.check.violation import Subject
from model.facts import KINDS, Fact
from model.gic.lr import Lr

__all__ = ["ANY_NUMBER_OF", "Field", "fields_of", "line_type", "make_schema", "said_of"]

Natural = Annotated[int, msgspec.Meta(ge=0)]
Number = Annotated[int, msgspec.Meta(ge=1)]
COMMON: dict[str, Any] = {"seq": Number, "t": int, "step": Natural, "task": str}
PLACES: dict[str, Any] = {"pcpu": int, "vcpu": int}
"""What the line of a step or fact may have of its task, where the fact does not say it itself."""
CLOCK = tuple[int, ...]
ANY_NUMBER_OF = {
    "violation": (r"^value\..+$", {"type": ["boolean", "integer", "string"]}),
    "footer": (r"^count\..+$", {"type": "integer", "minimum": 0}),
}
"""Kinds of lines with fields whose names are not known beforehand, and what these hold."""


class Field(NamedTuple):
    """A field of a kind of line. ``is_sure`` says that every such line has it."""

    name: str
    type: Any
    is_sure: bool


@cache
def fields_of(kind: str) -> tuple[Field, ...]:
    """Return the fields of a kind of line, in their order, but for ``event``.

    Raises:
        KeyError: there is no such kind.

    """
    match kind:
        case "header":
            return plain(Header)
        case "step":
            return tuple(
                field._replace(type=COMMON.get(field.name, stripped(field.type)))
                for field in plain(Step)
            )
        case "rest":
            return (*plain(Rest)[:3], Field("task", str, True), *plain(Rest)[3:])
        case "footer":
            return tuple(field for field in plain(Footer) if field.name != "counts")
        case "violation":
            return violation_fields()
    return fact_fields(KINDS[kind])


def plain(cls: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the fields of a record as they are; what has a default may be missing."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        Field(field.name, hints[field.name], field.name == "vc" or field.required or
              field.name == "knobs")
        for field in msgspec.structs.fields(cls)
    )  # fmt: skip


def stripped(kind: Any) -> Any:
    """Return a type without None, which is not written."""
    return int if kind == (int | None) else kind


def violation_fields() -> tuple[Field, ...]:
    """Return the fields of a violation, but for its values."""
    out = [Field("seq", Number, True), Field("t", int, True), Field("step", Natural, True)]
    out += [Field(name, str, True) for name in ("type", "rule", "alarm")]
    hints = get_type_hints(Subject)
    for name in Subject.__struct_fields__:
        if name in SUBJECT:
            parts = get_type_hints(SUBJECT[name])
            out += [Field(f"{name}_{part}", kind, False) for part, kind in parts.items()]
        else:
            out.append(Field(name, hints[name], False))
    return (*out, Field("text", str, True))


def fact_fields(cls: type[Fact]) -> tuple[Field, ...]:
    """Return the fields of a fact's lines."""
    found = {name: Field(name, kind, True) for name, kind in COMMON.items()}
    found |= {name: Field(name, kind, False) for name, kind in PLACES.items()}
    if cls.KIND in NEGATED:
        found["before"] = Field("before", bool, True)
    hints = get_type_hints(cls)
    for field in msgspec.structs.fields(cls):
        name, kind = field.name, hints[field.name]
        if field.type not in FLAT:
            found[name] = Field(name, kind, True)
            continue
        for part, part_kind in get_type_hints(field.type).items():
            if part in field.type.__struct_fields__:
                found[f"{name}_{part}"] = Field(f"{name}_{part}", part_kind, True)
        if field.type is Lr:
            found["vintid"] = Field("vintid", int, False)
    if cls in ABOUT:
        found["life"] = Field("life", Natural, False)
    return (*found.values(), Field("vc", CLOCK, True))


@cache
def line_type(kind: str) -> type[msgspec.Struct]:
    """Return the type of a kind of line: it refuses fields that such a line does not have."""
    title = "".join(word.title() for word in kind.split("-"))
    fields: list[Any] = [
        (field.name, field.type) if field.is_sure else (field.name, field.type | UnsetType, UNSET)
        for field in fields_of(kind)
    ]
    return msgspec.defstruct(
        f"{title}Line",
        fields,
        namespace={"__doc__": said_of(kind)},
        tag_field="event",
        tag=kind,
        kw_only=True,
        frozen=True,
        forbid_unknown_fields=True,
    )


def said_of(kind: str) -> str:
    """Return what a kind of line means, in a sentence."""
    text = (REGISTRY[kind].type.__doc__ or "").strip()
    return " ".join(text.split("\n\n")[0].split())


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema of one line of a log; ``$defs`` has a definition for each kind."""
    kinds = list(REGISTRY)
    references, components = msgspec.json.schema_components(
        [line_type(kind) for kind in kinds], ref_template="#/$defs/{name}"
    )
    for kind, (pattern, what) in ANY_NUMBER_OF.items():
        definition = components[line_type(kind).__name__]
        definition["patternProperties"] = {pattern: what}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of an execution's log, format {FORMAT}",
        "oneOf": list(references),
        "$defs": components,
    }
