"""A schedule is a value: printable, versioned, run-length coded and self-contained.

``v1;SCENARIO;variant=V;pcpus=2,vcpus=1,lrs=4;gic_lag=1;v0*12,l0,p0,=2,v0``: the format version, the
scenario, the variant, the sizes, the knobs that differ from their defaults, and the choices. A
choice is a task's name, repeated ``*N`` times, or ``=N`` for a draw of N. What follows the last
choice is the engine's drain, which is deterministic and so not written down.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.errors import UsageError

__all__ = ["LINE_MAX", "VERSION", "Schedule", "decode_choices", "encode_choices"]

VERSION = "v1"
LINE_MAX = 200
"""A schedule longer than this many characters is written to a file."""

TOKEN = re.compile(r"(?:([a-z]+[0-9]*)(?:\*([0-9]{1,9}))?|=([0-9]{1,9}))\Z")
REPEAT_MAX = 1_000_000


class Schedule(msgspec.Struct, frozen=True):
    """The recorded choices of one execution, and all that is needed to run it again.

    ``scenario`` is a built-in scenario's name or the path of a file; ``knobs`` are pairs in order
    of name; ``choices`` are task names, or ``"=N"`` for draws.
    """

    scenario: str
    variant: str
    pcpus: int
    vcpus: int
    lrs: int
    knobs: tuple[tuple[str, str], ...]
    choices: tuple[str, ...]

    def __str__(self) -> str:
        knobs = ",".join(f"{name}={value}" for name, value in self.knobs)
        sizes = f"pcpus={self.pcpus},vcpus={self.vcpus},lrs={self.lrs}"
        head = f"{VERSION};{self.scenario};variant={self.variant};{sizes};{knobs}"
        return f"{head};{encode_choices(self.choices)}"

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read a schedule back.

        Raises:
            UsageError: what is wrong with it, and where.

        """
        fields = text.strip().split(";")
        if not fields[0]:
            raise UsageError("the schedule is empty")
        if fields[0] != VERSION:
            raise UsageError(
                f"not a schedule: it begins with {fields[0][:20]!r}, expected {VERSION!r}"
            )
        if len(fields) != 6:
            raise UsageError(
                f"garbled schedule: {len(fields)} fields separated by ';', expected 6: "
                f"{VERSION};SCENARIO;variant=V;SIZES;KNOBS;CHOICES"
            )
        _, scenario, variant, sizes, knobs, choices = fields
        if not variant.startswith("variant="):
            raise UsageError(f"garbled schedule: field 3 is {variant!r}, expected 'variant=...'")
        numbers = {}
        for name, value in pairs(sizes, "field 4 (sizes)"):
            if not value.isdecimal() or len(value) > 9:
                raise UsageError(f"garbled schedule: size {name}={value!r} is not a number")
            numbers[name] = int(value)
        if sorted(numbers) != ["lrs", "pcpus", "vcpus"]:
            raise UsageError(
                f"garbled schedule: sizes are {sizes!r}, expected pcpus=N,vcpus=N,lrs=N"
            )
        return cls(
            scenario=scenario,
            variant=variant.removeprefix("variant="),
            knobs=tuple(pairs(knobs, "field 5 (knobs)")),
            choices=tuple(decode_choices(choices)),
            **numbers,
        )

    @classmethod
    def load(cls, text_or_path: str) -> "Schedule":
        """Read a schedule given as itself or as the path of a file that holds it."""
        if text_or_path.startswith(f"{VERSION};"):
            return cls.parse(text_or_path)
        path = Path(text_or_path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise UsageError(
                f"{text_or_path[:80]!r} is neither a schedule (it would begin with '{VERSION};') "
                f"nor a file that can be read: {reason}"
            ) from None
        return cls.parse(text)


def pairs(text: str, where: str) -> list[tuple[str, str]]:
    """Split ``a=1,b=2``."""
    out = []
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"garbled schedule: {item!r} in {where}, expected NAME=VALUE")
        out.append((name, value))
    return out


def encode_choices(choices: Iterable[str]) -> str:
    """Run-length code the choices."""
    out: list[str] = []
    last, count = "", 0
    for choice in [*choices, ""]:
        if choice == last and not choice.startswith("="):
            count += 1
            continue
        if last:
            out.append(f"{last}*{count}" if count > 1 else last)
        last, count = choice, 1
    return ",".join(out)


def decode_choices(text: str) -> list[str]:
    """Undo :func:`encode_choices`."""
    out: list[str] = []
    if not text:
        return out
    for position, token in enumerate(text.split(","), 1):
        match = TOKEN.match(token)
        if not match:
            raise UsageError(
                f"garbled schedule: choice {position} is {token[:20]!r}, "
                "expected a task (v0), a task repeated (v0*3) or a draw (=1)"
            )
        name, repeat, draw = match.groups()
        if draw is not None:
            out.append(f"={int(draw)}")
            continue
        times = int(repeat or 1)
        if not 0 < times <= REPEAT_MAX - len(out):
            raise UsageError(f"garbled schedule: choice {position} repeats {times} times")
        out.extend([name] * times)
    return out


def name_choices(choices: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """Turn an execution's recorded choices (indices, -1 - n for draws) into their names."""
    return tuple(names[c] if c >= 0 else f"={-1 - c}" for c in choices)
