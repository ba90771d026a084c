"""A schedule is a value: printable, versioned, run-length coded and self-contained.

``v3;SCENARIO;variant=V;pcpus=2,vcpus=1,lrs=4;gic_lag=1;ORIGIN;preemptions:0/3,v0*12,l0,p0,v0``: the
format version, the scenario, the variant, the sizes, the knobs that differ from their defaults,
where it comes from, and the choices. A choice is a task's name, repeated ``*N`` times, or
``NAME:N/K`` for a draw of N out of K (0 to K - 1). What follows the last choice is the engine's
drain, which is deterministic and so not written down.

ORIGIN is ``scenario=D,variant=D,code=D``, digests of what it was recorded with, each as far as it
is known, and ``toml=T``: the scenario itself in base64, where its name alone would not find it.
Where rules of the user's were checked, ``rule=path/file.py:Class`` names each, and ``rules=D`` is
the digest of their sources. A schedule without any of these is written in format ``v2``, which
lacks the field.
"""

import base64
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.engine.choice import Choice, Draw, StepOf
from harness.errors import UsageError
from harness.intake import SCENARIO_MAX, SCHEDULE_MAX, read_text

__all__ = [
    "LINE_MAX", "VERSION", "Origin", "Schedule", "decode_choices", "encode_choices",
    "is_schedule",
]  # fmt: skip

VERSION = "v3"
BARE = "v2"
"""The format of a schedule that does not say where it comes from."""
LINE_MAX = 200
"""A schedule longer than this many characters is written to a file."""

ANY_VERSION = re.compile(r"v([0-9]{1,9})\Z")
DIGEST = re.compile(r"[0-9a-f]{4,64}\Z")
STEPS = re.compile(r"([a-z]+[0-9]*)(?:\*([0-9]{1,9}))?\Z")
DRAW = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*):([0-9]{1,9})/([0-9]{1,9})\Z")
REPEAT_MAX = 1_000_000
FORM = "SCENARIO;variant=V;SIZES;KNOBS;"
FORMS = {BARE: (6, f"{BARE};{FORM}CHOICES"), VERSION: (7, f"{VERSION};{FORM}ORIGIN;CHOICES")}


class Origin(msgspec.Struct, frozen=True):
    """What an execution was recorded with: digests (hex) of three things; "" is not known.

    ``scenario`` is that of what the scenario states, ``variant`` that of the sources of the
    variant's own classes, ``code`` that of all else that decides what an execution does, ``rules``
    that of the sources of the user's own rules.
    """

    scenario: str = ""
    variant: str = ""
    code: str = ""
    rules: str = ""


class Schedule(msgspec.Struct, frozen=True):
    """The recorded choices of one execution, and all that is needed to run it again.

    ``scenario`` is a built-in scenario's name or the path of a file; with ``toml``, the text of the
    scenario itself, it is only what the scenario is called. ``knobs`` are pairs in order of name.
    ``own`` are the names of the user's rules that were checked, in order.
    """

    scenario: str
    variant: str
    pcpus: int
    vcpus: int
    lrs: int
    knobs: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]
    origin: Origin = Origin()
    toml: str = ""
    own: tuple[str, ...] = ()

    def __str__(self) -> str:
        knobs = ",".join(f"{name}={value}" for name, value in self.knobs)
        sizes = f"pcpus={self.pcpus},vcpus={self.vcpus},lrs={self.lrs}"
        head = f"{self.scenario};variant={self.variant};{sizes};{knobs}"
        choices = encode_choices(self.choices)
        origin = encode_origin(self.origin, self.toml, self.own)
        if not origin:
            return f"{BARE};{head};{choices}"
        return f"{VERSION};{head};{origin};{choices}"

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read a schedule back.

        Raises:
            UsageError: what is wrong with it, where, and what was expected.

        """
        fields = text.strip().split(";")
        check_version(fields[0])
        count, form = FORMS[fields[0]]
        if len(fields) != count:
            raise UsageError(
                f"garbled schedule: {len(fields)} fields separated by ';', expected {count}: {form}"
            )
        _, scenario, variant, sizes, knobs, *origin, choices = fields
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
        known, toml, own = decode_origin(origin[0] if origin else "")
        return cls(
            scenario=scenario,
            variant=variant.removeprefix("variant="),
            knobs=tuple(pairs(knobs, "field 5 (knobs)")),
            choices=tuple(decode_choices(choices)),
            origin=known,
            toml=toml,
            own=own,
            **numbers,
        )

    @classmethod
    def load(cls, text_or_path: str) -> "Schedule":
        """Read a schedule given as itself or as the path of a file that holds it.

        Raises:
            UsageError: it is neither, or garbled.

        """
        if is_schedule(text_or_path):
            return cls.parse(text_or_path)
        try:
            text = read_text(Path(text_or_path), SCHEDULE_MAX)
        except UsageError as error:
            raise UsageError(
                f"{text_or_path[:80]!r} is neither a schedule (it would begin with '{VERSION};') "
                f"nor a file that can be read: {error}"
            ) from None
        return cls.parse(text)


def is_schedule(text: str) -> bool:
    """Tell a schedule, of whatever version, from the path of a file."""
    version, semicolon, _ = text.partition(";")
    return bool(semicolon and ANY_VERSION.match(version))


def check_version(version: str) -> None:
    """Refuse what is no schedule, or one of another version.

    Raises:
        UsageError: which of the two, and what was expected.

    """
    if not version:
        raise UsageError("the schedule is empty")
    if version in FORMS:
        return
    match = ANY_VERSION.match(version)
    if not match:
        raise UsageError(f"not a schedule: it begins with {version[:20]!r}, expected {VERSION!r}")
    age = "an older" if int(match[1]) < int(VERSION[1:]) else "a newer"
    raise UsageError(
        f"the schedule is in format {version}, which {age} version of vgic-race wrote, expected "
        f"{VERSION}: record it again, or replay it with that version"
    )


def encode_origin(origin: Origin, toml: str, own: Iterable[str]) -> str:
    """Write down where a schedule comes from, its own rules, and the scenario if it carries it."""
    known = [*msgspec.structs.asdict(origin).items(), *(("rule", name) for name in own)]
    if toml:
        known.append(("toml", base64.urlsafe_b64encode(toml.encode()).decode().rstrip("=")))
    return ",".join(f"{name}={value}" for name, value in known if value)


def decode_origin(text: str) -> tuple[Origin, str, tuple[str, ...]]:
    """Undo :func:`encode_origin`.

    Raises:
        UsageError: what is wrong with it, and what was expected.

    """
    known: dict[str, str] = {}
    toml = ""
    own: list[str] = []
    for name, value in pairs(text, "field 6 (origin)"):
        if name == "toml":
            toml = decode_toml(value)
        elif name == "rule":
            own.append(value)
        elif name not in Origin.__struct_fields__:
            raise UsageError(
                f"garbled schedule: {name[:20]!r} in field 6 (origin), expected scenario, variant, "
                "code, rules, rule or toml"
            )
        elif not DIGEST.match(value):
            raise UsageError(
                f"garbled schedule: {name}={value[:20]!r} in field 6 (origin), expected a digest "
                "(hexadecimal)"
            )
        else:
            known[name] = value
    return Origin(**known), toml, tuple(own)


def decode_toml(value: str) -> str:
    """Return the scenario that a schedule carries.

    Raises:
        UsageError: it is not base64 of text, or too long.

    """
    if len(value) > SCENARIO_MAX * 4 // 3:
        raise UsageError(
            f"garbled schedule: a scenario of more than {SCENARIO_MAX} bytes in field 6"
        )
    try:
        data = base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
        return data.decode()
    except ValueError:
        raise UsageError(
            "garbled schedule: toml in field 6 (origin) is not base64 of a scenario"
        ) from None


def pairs(text: str, where: str) -> list[tuple[str, str]]:
    """Split ``a=1,b=2``.

    Raises:
        UsageError: an item is not of that form; ``where`` names the text in the message.

    """
    out = []
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"garbled schedule: {item!r} in {where}, expected NAME=VALUE")
        out.append((name, value))
    return out


def encode_choices(choices: Iterable[Choice]) -> str:
    """Write choices down, steps of one task in a row run-length coded."""
    out: list[str] = []
    last, count = "", 0
    for choice in choices:
        if type(choice) is StepOf and choice.task == last:
            count += 1
            continue
        if count > 1:
            out[-1] = f"{last}*{count}"
        out.append(str(choice))
        last, count = (choice.task, 1) if type(choice) is StepOf else ("", 0)
    if count > 1:
        out[-1] = f"{last}*{count}"
    return ",".join(out)


def decode_choices(text: str) -> list[Choice]:
    """Undo :func:`encode_choices`.

    Raises:
        UsageError: which choice is wrong, and what was expected.

    """
    out: list[Choice] = []
    if not text:
        return out
    for position, token in enumerate(text.split(","), 1):
        if drawn := DRAW.match(token):
            name, n, k = drawn[1], int(drawn[2]), int(drawn[3])
            if n >= k:
                raise UsageError(
                    f"garbled schedule: choice {position} is {token[:60]!r}, "
                    f"expected a number below {k}"
                )
            out.append(Draw(name, n, k))
        elif steps := STEPS.match(token):
            times = int(steps[2] or 1)
            if not 0 < times <= REPEAT_MAX - len(out):
                raise UsageError(f"garbled schedule: choice {position} repeats {times} times")
            out.extend([StepOf(steps[1])] * times)
        else:
            raise UsageError(
                f"garbled schedule: choice {position} is {token[:20]!r}, expected "
                "a task (v0), a task repeated (v0*3) or a draw (preemptions:1/3)"
            )
    return out
