"""``log fields`` and ``log schema``: what can stand in a log, for people and for programs."""

import types
from typing import Annotated, Any, get_args, get_origin

import click

from harness.cli.options import EPILOG, json_option

__all__ = ["fields", "schema"]


@click.command("schema", epilog=EPILOG)
def schema() -> int:
    """Print the JSON Schema of a log's lines; each line is one object."""
    import msgspec

    from harness.log.schema import make_schema

    click.echo(msgspec.json.format(msgspec.json.encode(make_schema()), indent=2).decode())
    return 0


@click.command("fields", epilog=EPILOG)
@click.argument("events", metavar="[EVENT]...", nargs=-1)
@json_option
def fields(events: tuple[str, ...], *, as_json: bool) -> int:
    """List every kind of event in a log, or the named ones, with its fields and their types.

    A field in brackets is there only where it applies. Every line has ``event``.
    """
    from harness.cli.output import print_json
    from harness.errors import unknown_name
    from harness.log.registry import REGISTRY
    from harness.log.schema import ANY_NUMBER_OF, fields_of, said_of

    for kind in events:
        if kind not in REGISTRY:
            raise unknown_name("event", kind, REGISTRY)
    chosen = list(events or REGISTRY)
    for kind in chosen:
        if as_json:
            print_json(
                {
                    "type": "event",
                    "event": kind,
                    "says": said_of(kind),
                    "fields": {
                        field.name: {"type": name_type(field.type), "always": field.is_sure}
                        for field in fields_of(kind)
                    },
                }
            )
            continue
        click.echo(f"{kind}: {said_of(kind)}")
        text = [
            f"{field.name} {name_type(field.type)}"
            if field.is_sure
            else f"[{field.name} {name_type(field.type)}]"
            for field in fields_of(kind)
        ]
        if kind in ANY_NUMBER_OF:
            text.append("any number of value.NAME" if kind == "violation" else "a count.KIND each")
        click.echo(click.wrap_text(", ".join(text), 100, "    ", "    "))
    if as_json:
        print_json({"type": "summary", "verdict": "clean", "violations": [], "count": len(chosen)})
    return 0


def name_type(kind: Any) -> str:
    """Return a type as a reader knows it from JSON."""
    if get_origin(kind) is Annotated:
        return name_type(get_args(kind)[0])
    if get_origin(kind) is types.UnionType:
        return " or ".join("null" if x is type(None) else name_type(x) for x in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {name_type(get_args(kind)[0])}"
    names = {int: "int", bool: "bool", str: "text"}
    return names.get(kind, "object")
