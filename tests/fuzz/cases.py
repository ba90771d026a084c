"""The inputs: what each kind of them is, made from a seed and a number alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.fuzz import commands, corpus, grammar
from tests.fuzz.mutate import mutated

__all__ = ["KINDS", "SHARES", "Case", "case"]


@dataclass(frozen=True)
class Case:
    """A command line, with the files that it is run beside and what comes through stdin."""

    kind: str
    number: int
    args: tuple[str, ...]
    files: Mapping[str, bytes]
    stdin: bytes = b""


RUN = ("--strategy", "random", "--seed", "1", "--engine", "direct", "--knob", "steps_max=400")


def toml(rng: Random) -> tuple[list[str], dict[str, bytes], bytes]:
    """A scenario: made up, or a real one that was changed."""
    text = grammar.scenario(rng) if rng.random() < 0.5 else mutated(rng, corpus.scenarios())
    args = ["run", "--scenario-file", "x.toml", *RUN]
    if rng.random() < 0.2:
        args += [f"--{rng.choice(('pcpus', 'vcpus', 'lrs'))}", str(rng.choice((1, 2, 3, 16, 32)))]
    if rng.random() < 0.2:
        args += ["--variant", rng.choice(("v4.14", "v7.2+44", "v7.2+shipped"))]
    return args, {"x.toml": text}, b""


def schedule(rng: Random) -> tuple[list[str], dict[str, bytes], bytes]:
    """A schedule, as an argument, in a file, or through standard input."""
    data = mutated(rng, corpus.schedules())
    more = ["--expect", "clean"] if rng.random() < 0.3 else []
    how = rng.random()
    if how < 0.4 and b"\0" not in data:
        return ["replay", data.decode(errors="surrogateescape")[:50_000], *more], {}, b""
    if how < 0.7:
        return ["replay", "x.schedule", "--engine", "direct", *more], {"x.schedule": data}, b""
    return ["replay", "-", *more], {}, data


LOG_COMMANDS = (
    ("log", "show", "x.jsonl"), ("log", "show", "x.jsonl", "--json"), ("log", "check", "x.jsonl"),
    ("log", "show", "x.jsonl", "--columns", "--irq", "27"), ("log", "summary", "x.jsonl"),
    ("log", "summary", "x.jsonl", "--json"), ("log", "irq", "27", "x.jsonl"), ("replay", "x.jsonl"),
    ("log", "timeline", "x.jsonl"), ("log", "diff", "x.jsonl", "y.jsonl"), ("report", "x.jsonl"),
    ("report", "x.jsonl", "--text"), ("log", "sql", "x.jsonl", "select count(*) from events"),
    ("export", "perfetto", "x.jsonl", "-o", "x.pftrace"), ("log", "fields"),
    ("log", "show", "-"),
)  # fmt: skip


def log(rng: Random) -> tuple[list[str], dict[str, bytes], bytes]:
    """A log, or a trace of a real kernel, under every command that reads one."""
    if rng.random() < 0.2:
        args = list(rng.choice((("trace", "check", "x.txt"), ("trace", "follow", "x.txt"))))
        return args, {"x.txt": mutated(rng, corpus.traces())}, b""
    data = mutated(rng, corpus.logs())
    return list(rng.choice(LOG_COMMANDS)), {"x.jsonl": data, "y.jsonl": corpus.logs()[0]}, data


def args(rng: Random) -> tuple[list[str], dict[str, bytes], bytes]:
    """A command line."""
    words = [word.replace("\0", "") for word in commands.command_line(rng)]
    return words, commands.files(), rng.choice((b"", *corpus.schedules()))


def variant(rng: Random) -> tuple[list[str], dict[str, bytes], bytes]:
    """A variant: made up, or a real one that was changed."""
    if rng.random() < 0.7:
        text, name = grammar.variant(rng), "X"
    else:
        text = mutated(rng, corpus.variants())
        name = rng.choice(("Clean", "Global", "Sleeps", "Forgets", "Unlocked", "Raises", "Touches"))
    args = ["run", "timer-wfi", "--variant", f"x.py:{name}", *RUN]
    if rng.random() < 0.3:
        args[args.index("direct")] = "trio"
    if rng.random() < 0.05:
        args = [
            "stress",
            "timer-wfi",
            "--variant",
            f"x.py:{name}",
            "--schedules",
            "3",
            "--jobs",
            "1",
        ]
    return args, {"x.py": text}, b""


KINDS: dict[str, Callable[[Random], tuple[list[str], dict[str, bytes], bytes]]] = {
    "toml": toml, "schedule": schedule, "log": log, "args": args, "variant": variant,
}  # fmt: skip
SHARES = {"toml": 30, "schedule": 25, "log": 20, "args": 15, "variant": 10}
"""How many of a hundred inputs are of each kind."""
TURNS = [kind for kind, share in SHARES.items() for _ in range(share)]


def case(seed: int, number: int, kind: str | None = None) -> Case:
    """Input ``number`` of a run with this seed, of a kind if one is wanted."""
    rng = Random(f"{seed} {number} {kind}")
    chosen = kind or rng.choice(TURNS)
    args, files, stdin = KINDS[chosen](rng)
    return Case(chosen, number, tuple(args), files, stdin)
