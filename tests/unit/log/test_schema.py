"""The JSON Schema is made of the types, real logs satisfy it, and what is no line does not."""

from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from harness.log.registry import REGISTRY
from harness.log.schema import fields_of, line_type, make_schema
from tests.unit.log.recorded import recorded

LOGS = (("smp-mix", "v7.2", 1), ("spi-level", "v7.2+57", 40), ("timer-wfi", "v4.14", 1))
SCHEMA = make_schema()


@cache
def checker(kind: str) -> jsonschema.Draft202012Validator:
    definition = SCHEMA["$defs"][line_type(kind).__name__]
    return jsonschema.Draft202012Validator({**definition, "$defs": SCHEMA["$defs"]})


@cache
def lines() -> list[dict[str, Any]]:
    """Of each kind and shape some: to validate a line takes longer than to make it."""
    shapes: dict[object, list[dict[str, Any]]] = {}
    for name, variant, n in LOGS:
        for line in recorded(name, variant, n).lines:
            shapes.setdefault((line["event"], *line), []).append(line)
    return [line for some in shapes.values() for line in (*some[:2], some[-1])]


def test_it_is_a_schema_and_has_every_kind() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    kinds = {definition["properties"]["event"]["enum"][0]
             for definition in SCHEMA["$defs"].values()
             if "event" in definition["properties"]}  # fmt: skip
    assert kinds == set(REGISTRY)
    assert len(SCHEMA["oneOf"]) == len(REGISTRY)


def test_real_logs_satisfy_it() -> None:
    seen = set()
    for line in lines():
        checker(line["event"]).validate(line)
        seen.add(line["event"])
    assert {"header", "step", "rest", "violation", "footer", "lr-written", "lock"} <= seen


def test_a_line_is_of_one_kind_only() -> None:
    whole = jsonschema.Draft202012Validator(SCHEMA)
    few = {line["event"]: line for line in lines()}
    for kind in ("header", "step", "entry", "violation", "footer"):
        whole.validate(few[kind])
    assert not whole.is_valid({**few["entry"], "event": "exit"})


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("entry", {"vcpu": "0"}), ("entry", {"x": 1}), ("entry", {"seq": 0}),
        ("step", {"op": None}), ("step", {"step": -1}), ("violation", {"value.x": [1]}),
        ("footer", {"count.x": "3"}), ("header", {"setting": {}, "x": 1}), ("rest", {"phase": 3}),
        ("lr-written", {"after_state": "pending"}), ("lock", {"irqs_off": 1}),
    ],
)  # fmt: skip
def test_what_is_no_line_does_not(kind: str, change: dict[str, Any]) -> None:
    line = next(line for line in lines() if line["event"] == kind)
    assert not checker(kind).is_valid({**line, **change})


def test_a_missing_field_is_noticed_where_it_is_always_there() -> None:
    few = {line["event"]: line for line in lines()}
    for kind, line in few.items():
        for field in fields_of(kind):
            less = {name: value for name, value in line.items() if name != field.name}
            assert checker(kind).is_valid(less) != field.is_sure, (kind, field.name)


def test_the_fields_are_told_in_the_order_in_which_they_stand() -> None:
    for line in lines():
        names = [name for name in line if name != "event" and not name.startswith("count.")]
        told = {field.name for field in fields_of(line["event"])}
        assert {name for name in names if not name.startswith("value.")} <= told
        assert {field.name for field in fields_of(line["event"]) if field.is_sure} <= set(names)


def test_types_decode_what_the_recorder_writes() -> None:
    for line in lines():
        if line["event"] not in ("violation", "footer"):
            msgspec.convert(line, line_type(line["event"]), strict=True)
