"""How facts and violations are written as flat objects, and read back.

A field that is an identity or a List Register is written as several: ``actor_kind``,
``lock_intid``, ``before_state``. A violation's values are written as ``value.NAME``, so that no
name of a rule's own can be mistaken for a field of every line.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.log.registry import NEGATED
from model.check.violation import Subject, Value, Violation
from model.facts import KINDS, Fact
from model.gic.lr import Lr
from model.identity import Actor, LockId

__all__ = ["fact_fields", "fact_from", "violation_fields", "violation_from"]

FLAT = (Lr, Actor, LockId)
VALUE = "value."
SUBJECT: dict[str, type] = {"actor": Actor, "lock": LockId}
NUMBERS = tuple(name for name in Subject.__struct_fields__ if name not in SUBJECT)
"""The fields of a violation's subject that are numbers; -1 is not written."""


def fact_fields(fact: Fact) -> dict[str, Any]:
    """Return the fields of a fact, flat, as they stand in a log line."""
    out: dict[str, Any] = {}
    if fact.KIND in NEGATED:
        out["before"] = not getattr(fact, NEGATED[fact.KIND])
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if type(value) in FLAT:
            out.update(flattened(name, value))
            if isinstance(value, Lr) and value.vintid:
                out["vintid"] = value.vintid
        else:
            out[name] = value
    return out


def fact_from(line: Mapping[str, Any]) -> Fact:
    """Build the fact of a log line.

    Raises:
        msgspec.ValidationError: a field is missing or of the wrong type.

    """
    cls = KINDS[line["event"]]
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(cls):
        name = field.name
        if field.type in FLAT:
            values[name] = gathered(name, field.type, line)
        elif name in line:
            values[name] = line[name]
    return msgspec.convert(values, cls)


def violation_fields(violation: Violation) -> dict[str, Any]:
    """Return the fields of a violation, flat, as they stand in a log line; the text comes last."""
    out: dict[str, Any] = {
        "step": violation.step,
        "type": violation.type,
        "rule": violation.rule,
        "alarm": violation.alarm,
    }
    subject = violation.subject
    for name in SUBJECT:
        if (value := getattr(subject, name)) is not None:
            out.update(flattened(name, value))
    for name in NUMBERS:
        if (number := getattr(subject, name)) >= 0:
            out[name] = number
    out.update({f"{VALUE}{name}": value for name, value in violation.values})
    out["text"] = violation.text
    return out


def violation_from(line: Mapping[str, Any]) -> Violation:
    """Build the violation of a log line.

    Raises:
        msgspec.ValidationError: a field is missing or of the wrong type.

    """
    subject: dict[str, Any] = {name: line[name] for name in NUMBERS if name in line}
    for name, cls in SUBJECT.items():
        if any(key.startswith(f"{name}_") for key in line):
            subject[name] = gathered(name, cls, line)
    values = {k[len(VALUE) :]: v for k, v in line.items() if k.startswith(VALUE)}
    return msgspec.convert(
        {
            **{k: line[k] for k in ("step", "type", "rule", "alarm") if k in line},
            "subject": subject,
            "values": sorted(msgspec.convert(values, dict[str, Value]).items()),
        },
        Violation,
    )


def flattened(name: str, value: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of ``value``, each under ``name`` and its own."""
    return {f"{name}_{part}": getattr(value, part) for part in value.__struct_fields__}


def gathered(name: str, cls: type[msgspec.Struct], line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`flattened` spread out.

    Raises:
        msgspec.ValidationError: a part is missing.

    """
    out = {}
    for part in cls.__struct_fields__:
        key = f"{name}_{part}"
        if key not in line:
            raise msgspec.ValidationError(f"Object missing required field `{key}`")
        out[part] = line[key]
    return out
