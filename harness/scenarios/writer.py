"""A scenario written back as TOML: what :func:`harness.scenarios.schema.parse` reads the same."""

from typing import Any

import msgspec

from harness.scenarios.schema import Scenario

__all__ = ["to_toml"]

WIDTH = 100


def to_toml(scenario: Scenario) -> str:
    """Return a scenario as the text of a ``.toml`` file; fields at their default are left out.

    So is what it says for exhaustive searches alone.
    """
    plain, tables = [], []
    for name, value in stated(scenario).items():
        if name == "explore":
            continue
        if isinstance(value, dict):
            lines = [f"{quoted(key)} = {written(each)}" for key, each in value.items()]
            tables.append("\n".join([f"[{name}]", *lines]))
        elif name in ("vcpu", "device", "forward"):
            for each in value:
                lines = [f"{key} = {written(v)}" for key, v in stated(each).items()]
                tables.append("\n".join([f"[[{name}]]", *lines]))
        else:
            plain.append(f"{name} = {written(value)}")
    tables.sort(key=lambda text: text.startswith("[sometimes]"))
    return "\n\n".join(["\n".join(plain), *tables]) + "\n"


def stated(struct: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that differ from their defaults, in order."""
    found = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if value != field.default and not (isinstance(value, dict) and not value):
            found[field.name] = value
    return found


def written(value: Any) -> str:
    """Return a string, a number, a bool or a list of them as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        items = [written(each) for each in value]
        line = f"[{', '.join(items)}]"
        if len(line) + len("program = ") <= WIDTH:
            return line
        return "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    return str(value)


def quoted(text: str) -> str:
    """Return a basic string of TOML: JSON's escapes are its own, but for DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
