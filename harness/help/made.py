"""The parts of the reference that registries know: made from them, written nowhere twice."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

__all__ = ["MADE"]

OPTIONS_WIDTH = 76


def rows(head: tuple[str, ...], items: Iterable[tuple[str, ...]]) -> str:
    """Return a table."""
    lines = [head, tuple("-" for _ in head), *items]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """Return what stands in a cell: one line, in which a bar divides nothing."""
    return " ".join(text.split()).replace("|", r"\|")


# -- commands, verdicts ----------------------------------------------------------------------------


def commands() -> str:
    """Return every command with its usage, what it does, and its options."""
    from harness.cli.main import group

    return "\n\n".join(told for command in walk(group, "vgic-race") for told in command)


def walk(group: click.Group, name: str) -> Iterator[tuple[str, str]]:
    """Name the commands of a group, those of groups within it too; each with its text."""
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if command is None or command.hidden:
            continue
        full = f"{name} {word}"
        if isinstance(command, click.Group):
            yield from walk(command, full)
            continue
        inner = click.Context(command, info_name=full, terminal_width=OPTIONS_WIDTH)
        formatter = inner.make_formatter()
        command.format_usage(inner, formatter)
        command.format_help_text(inner, formatter)
        command.format_options(inner, formatter)
        yield f"## {full}", f"```\n{formatter.getvalue().rstrip()}\n```"


def exit_codes() -> str:
    """Return the exit codes."""
    from harness.verdict import MEANINGS

    return rows(("code", "what it says"), [(str(n), text) for n, text in MEANINGS.items()])


# -- what there is to choose from ------------------------------------------------------------------


def listed(module: str, name: str) -> str:
    """Return a dictionary of names and their lines as a table."""
    table: dict[str, str] = getattr(import_module(module), name)
    return rows(("name", "what it is"), table.items())


def variants() -> str:
    """Return the bugs that can be put back: id, eras, title, source."""
    from harness.museum import patches
    from harness.variants import ERAS

    return rows(
        ("patch", "eras", "what it does"),
        [
            (x.id, " ".join(e for e in ERAS if e not in x.refused), f"{x.title} ({x.source})")
            for x in patches().values()
        ],
    )


def hooks() -> str:
    """Return what a variant may override."""
    from harness.kvm.hooks import hooks as all_hooks

    return rows(("hook", "what it is"), all_hooks().items())


def rules() -> str:
    """Return the rules of vgic-race: id, whom it is about, claim and section."""
    from harness.cli.list import about
    from model.rules.registry import RULES

    return rows(
        ("rule", "about", "claim"),
        [(x.id, about(x), f"{x.title} [{x.section}]") for x in RULES.values()],
    )


def facts() -> str:
    """Return what a rule can hear: the class of each fact, its fields, and what it says."""
    from harness.log.registry import REGISTRY
    from model.facts import KINDS

    return rows(
        ("fact", "fields", "says"),
        [
            (f"facts.{cls.__name__}", ", ".join(cls.__struct_fields__), REGISTRY[kind].text)
            for kind, cls in KINDS.items()
        ],
    )


def views() -> str:
    """Return what a rule can look at: the class of each view and what it keeps."""
    from model.check import views as package
    from model.check.view import View

    found = []
    for module in sorted(x.name for x in iter_modules(package.__path__)):
        name = f"{package.__name__}.{module}"
        for cls in vars(import_module(name)).values():
            if isinstance(cls, type) and issubclass(cls, View) and cls.__module__ == name:
                found.append((f"{name}.{cls.__name__}", first_part(cls)))
    return rows(("view", "what it keeps"), found)


def first_part(cls: type) -> str:
    """Return the first paragraph of a class's documentation."""
    return (inspect.getdoc(cls) or "").partition("\n\n")[0].replace("``", "`")


# -- scenarios -------------------------------------------------------------------------------------


def instructions() -> str:
    """Return the instructions of guest programs, and what each does."""
    from harness.scenarios.instructions import entries

    return rows(("line", "what the guest does"), [(x.form, x.what) for x in entries()])


def fields() -> str:
    """Return the fields of a scenario file, each with its type, range and default."""
    from harness.scenarios import schema

    parts = []
    for name, cls in (
        ("At the top", schema.Scenario), ("[[vcpu]]", schema.VcpuSpec),
        ("[[device]]", schema.DeviceSpec), ("[[forward]]", schema.ForwardSpec),
    ):  # fmt: skip
        parts.append(f"## {name}\n\n{documentation(cls)}\n\n{table_of(cls)}")
    return "\n\n".join(parts)


def documentation(cls: type) -> str:
    """Return what a class says of itself."""
    return (inspect.getdoc(cls) or "").replace("``", "`")


def table_of(cls: Any) -> str:
    """Return the fields of a type with their types, ranges and defaults."""
    import msgspec

    schema = msgspec.json.schema(cls)
    return rows(
        ("field", "type", "default"),
        [
            (name, type_text(value), default_text(value, name in needed))
            for needed in [schema["$defs"][cls.__name__].get("required", [])]
            for name, value in schema["$defs"][cls.__name__]["properties"].items()
        ],
    )


def type_text(schema: dict[str, Any]) -> str:
    """Return a JSON schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(type_text(x) for x in schema["anyOf"] if x.get("type") != "null")
    if "enum" in schema:
        return " or ".join(f'"{x}"' for x in schema["enum"])
    if "$ref" in schema:
        return "table"
    kinds = {"integer": "number", "string": "text", "boolean": "true or false", "object": "table"}
    if schema.get("type") == "array":
        return f"list of {type_text(schema['items'])}"
    text = kinds.get(schema.get("type", ""), "?")
    if "minimum" in schema and "maximum" in schema:
        text += f" {schema['minimum']} to {schema['maximum']}"
    return text + (f", by {schema['multipleOf']}" if "multipleOf" in schema else "")


def default_text(schema: dict[str, Any], needed: bool) -> str:
    """Return a field's default; it must be given if there is none."""
    if needed:
        return "must be given"
    default = schema.get("default")
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default not in ([], {}, "") else "none"


def states() -> str:
    """Return the states that a scenario can name as its reason to exist."""
    from model.rules.sometimes import NAMES

    return "\n".join(f"- {name}" for name in NAMES)


# -- logs, tests -----------------------------------------------------------------------------------


def events() -> str:
    """Return the kinds of lines in a log, and what each says."""
    from harness.log.registry import REGISTRY

    return rows(("event", "says"), [(kind.name, kind.text) for kind in REGISTRY.values()])


def marks() -> str:
    """Return the arguments of the mark ``race``."""
    import msgspec

    from harness.pytest_plugin.wanted import Wanted

    return rows(
        ("argument", "default"),
        [
            (x.name, "must be given" if x.required else repr(default_of(x)))
            for x in msgspec.structs.fields(Wanted)
        ],
    )


def default_of(field: Any) -> object:
    """Return the default of a field, made if it has to be."""
    import msgspec

    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory()


MADE: dict[str, Callable[[], str]] = {
    "commands": commands,
    "events": events,
    "exit-codes": exit_codes,
    "facts": facts,
    "fields": fields,
    "hooks": hooks,
    "instructions": instructions,
    "knobs": lambda: listed("harness.spec", "KNOBS"),
    "marks": marks,
    "rules": rules,
    "states": states,
    "strategies": lambda: listed("harness.campaign.plan", "STRATEGIES"),
    "variants": variants,
    "views": views,
}
"""What a mark in a topic's text can name."""
