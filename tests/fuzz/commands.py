"""Command lines made up from the commands' own declarations, and from what people mistype."""

from functools import cache
from random import Random

import click

from harness.cli.main import group
from tests.fuzz import corpus

__all__ = ["command_line"]

LEFT_OUT = {
    ("conform",), ("conform", "qemu"), ("log", "schema"),
    *(("kernel", name) for name in ("get", "run", "stress", "confirm", "build")),
}  # fmt: skip
"""Not run: QEMU, what fetches and builds, and what has no arguments."""
WORDS = (
    "timer-wfi", "spi-edge", "smp-mix", "timer-wfy", "v7.2", "v4.14", "44", "v7.2+44", "v7.2+F2",
    "v7.2+shipped", "v9", "a.toml", "a.jsonl", "b.jsonl", "a.txt", "a.schedule", "own.py:Clean",
    "own.py:Nothing", "nowhere.py:X", ".", "..", "/", "/dev/null", "/dev/zero", "-", "--", "", " ",
    "0", "1", "2", "27", "-1", "1e3", "nan", "inf", "x" * 500, "9" * 40, "a;b", "a\nb", "ü",
    "random", "pct", "round-robin", "mix", "gic_lag=1", "gic_lag=99", "gic_version=2", "x=", "=",
    "1:2", ":", "5:1", ":9", "1/2", "3/2", "guest", "kvm", "R1,R2", "R999", "scenarios", "rules",
    "R12", "F2", "gic_lag", "step", "entered", "v0", "select 1", "select * from events", "drop x",
    "violated", "--json", "--help", "--version", "--no-such", "-q", "-v", "no/such/folder/x",
)  # fmt: skip
NUMBERS = ("0", "1", "2", "3", "8", "16", "33", "-1", "x", "1.5", "", "9" * 30, "0x10", " 1", "1_0")


@cache
def commands() -> dict[tuple[str, ...], click.Command]:
    """All commands that have no commands of their own, by the words that name them."""
    found: dict[tuple[str, ...], click.Command] = {}
    todo: list[tuple[tuple[str, ...], click.Command]] = [((), group)]
    while todo:
        names, command = todo.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                todo.append(((*names, name), inner))
        elif names not in LEFT_OUT:
            found[names] = command
    return dict(sorted(found.items()))


def given(rng: Random, param: click.Parameter) -> str:
    """A value for a parameter: a good one as often as not."""
    kind = param.type
    if rng.random() < 0.2:
        return rng.choice(WORDS)
    if isinstance(kind, click.Choice):
        return str(rng.choice(kind.choices))
    if param.name in ("knobs", "knob"):
        return rng.choice(("gic_lag=1", "gic_lag=99", "x=", "steps_max=200", "eoimode=1", "gic=2"))
    if "RANGE" in type(kind).__name__.upper() or kind.name.startswith(("integer", "float")):
        return rng.choice(NUMBERS)
    name = param.name or ""
    words = {
        "scenarios": ("timer-wfi", "spi-edge", "timer-wfy"), "scenario": ("timer-wfi", "lpi", "x"),
        "variants": ("v7.2", "44", "v7.2+44", "own.py:Clean", "x"), "log": ("a.jsonl", "a.txt"),
        "variant": ("v7.2", "v7.2+44", "own.py:Clean", "x"), "logs": ("a.jsonl", "b.jsonl"),
        "schedule": ("a.schedule", "a.jsonl", "x"), "rules": ("guest", "R12", "x"),
        "files": ("a.toml", "a.txt"), "scenario_file": ("a.toml", "x.toml"),
        "query": ("select 1", "select count(*) from events", "select", "'"),
        "time": ("1:2", ":", "x"), "steps": ("1:20", "9:1"), "tasks": ("v0", "v", "x"),
    }  # fmt: skip
    return rng.choice(words.get(name, WORDS))


def command_line(rng: Random) -> list[str]:
    """A command line. One that would take its time is told to be quick."""
    if rng.random() < 0.08:
        return [rng.choice((*WORDS, "stres", "lst", "log")) for _ in range(rng.randrange(5))]
    names = rng.choice(list(commands()))
    command = commands()[names]
    words: list[str] = []
    for param in command.params:
        if isinstance(param, click.Argument):
            count = rng.choice((1, 1, 2)) if param.nargs == -1 else 1
            if rng.random() < 0.9:
                words += [given(rng, param) for _ in range(count)]
        elif isinstance(param, click.Option) and rng.random() < 0.15:
            words.append(rng.choice(param.opts))
            if not param.is_flag:
                words.append(given(rng, param))
    if rng.random() < 0.1:
        rng.shuffle(words)
    return [*names, *words, *quick(names, words)]


def quick(names: tuple[str, ...], words: list[str]) -> list[str]:
    """What makes a command quick whose words would not.

    A campaign runs two schedules in this process, unless it is another number that is asked for.
    """
    if names == ("stress",):
        few = [] if "--seconds" in words else ["--schedules", "2"]
        return [*few, "--jobs", "1", "--no-shrink", "--engine", "direct"]
    if names == ("shrink",):
        return ["--seconds", "0.5"]
    if names == ("why",):
        return ["--no-shrink"]
    if names == ("explore",):
        return ["--seconds", "1"]
    return []


def files() -> dict[str, bytes]:
    """The files that command lines name."""
    return {
        "a.toml": corpus.scenarios()[0],
        "a.jsonl": corpus.logs()[0],
        "b.jsonl": corpus.logs()[1],
        "a.txt": corpus.traces()[0],
        "a.schedule": corpus.schedules()[0],
        "own.py": corpus.variants()[0],
    }
