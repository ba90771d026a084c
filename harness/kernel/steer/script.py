"""Scripts: what confirms a finding on a real kernel, as data.

A script is a list of steps, ``CPU PLACE`` each: this CPU alone goes on until it is at that place
(:mod:`harness.kernel.steer.places`). Until the first is reached all CPUs are free, and behind the
last one all are again. A case has a guest that judges itself, scripts (or none: then it shows what
it shows unsteered), and a control: a guest with which it cannot fail.
"""

import re
from importlib.resources import files
from pathlib import Path

import msgspec

from harness.errors import UsageError, unknown_name
from harness.kernel.steer.control import STEPS_MAX
from harness.kernel.steer.places import SYNTAX, Places, is_elsewhere

__all__ = ["Case", "Script", "case_names", "load_case", "read_case"]

CPUS_MAX = 8
WINDOWS = 200
OR = " or "
STEP = re.compile(r"(\d+) (.+)")


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order of places: its name, what it brings about, and its steps.

    A step may name several places, with "or" between them: the first that a kernel has is meant.
    With ``alone`` the first step's CPU goes on alone from the beginning of a window.
    """

    name: str
    what: str
    steps: tuple[str, ...]
    alone: bool = False

    def parsed(self) -> list[tuple[int, str]]:
        """Return each step's CPU and place."""
        return [(int(step.split(" ", 1)[0]), step.split(" ", 1)[1]) for step in self.steps]

    @property
    def places(self) -> list[str]:
        """The places that it names."""
        return [place for _, place in self.parsed()]

    def on(self, places: Places) -> "Script":
        """Return it for a kernel: of places of which one is to do, the first that is there."""
        steps = []
        for cpu, named in self.parsed():
            either = named.split(OR)
            there = (each for each in either if is_elsewhere(each) or places.addresses(each))
            steps.append(f"{cpu} {next(there, either[0])}")
        return msgspec.structs.replace(self, steps=tuple(steps))


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A guest with which the case cannot fail: its argument, and why not."""

    what: str
    argument: int


class Symptom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """More voluntary switches of a VCPU's thread than that, in an execution that hangs."""

    vcpu: int
    switches: int


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What confirms a finding, or an exhibit of the museum.

    ``guest`` is a file of ``guests/``, or a C file beside the case; ``argument`` is given to it.
    ``devices`` are words of a job (``host/job.c``). ``wrong`` says what the guest finds wrong.
    With a ``scenario`` instead (a built-in one, or a file beside the case) its guests are run, and
    judged by the rules; ``software``, ``jitter`` and ``preempt`` are as those of
    ``kernel run``.
    """

    wrong: str = "the guests' rules are broken, or there is no progress"
    guest: str = ""
    scenario: str = ""
    software: bool = False
    jitter: bool = False
    preempt: bool = False
    control: Control | None = None
    id: str = ""
    title: str = ""
    argument: int = 0
    vcpus: int = 2
    windows: int = WINDOWS
    devices: tuple[str, ...] = ()
    script: tuple[Script, ...] = ()
    symptom: Symptom | None = None
    folder: str = ""

    @property
    def source(self) -> Path:
        """Where its guest's source is."""
        if self.folder:
            return Path(self.folder) / self.guest
        return Path(str(files("harness.kernel.steer") / "guests" / self.guest))


def case_names() -> list[str]:
    """Return the ids of the built-in cases, in order."""
    folder = files("harness.kernel.steer") / "scripts"
    names = [each.name.removesuffix(".toml") for each in folder.iterdir()]
    return sorted((n for n in names if not n.startswith("_")), key=natural)


def natural(name: str) -> tuple[str, int]:
    """Return what orders F2 before F12."""
    number = re.search(r"\d+", name)
    return name[: number.start()] if number else name, int(number[0]) if number else 0


def load_case(name: str) -> Case:
    """Return a built-in case; large and small letters are the same.

    Raises:
        UsageError: there is none of that name.
    """
    known = {each.casefold(): each for each in case_names()}
    if name.casefold() not in known:
        raise unknown_name("finding with a script", name, known.values())
    text = (files("harness.kernel.steer") / "scripts" / f"{known[name.casefold()]}.toml").read_text(
        encoding="utf-8"
    )
    return read_case(text, known[name.casefold()])


def read_case(text: str, name: str, folder: str = "") -> Case:
    """Read a case in TOML; ``folder`` is where its guest is, if that is not a built-in one.

    Raises:
        UsageError: it is no TOML, lacks something, or has a step that is none; says which.
    """
    try:
        case = msgspec.toml.decode(text, type=Case)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"script {name!r}: {error}") from None
    for script in case.script:
        if not 0 < len(script.steps) <= STEPS_MAX:
            raise UsageError(f"script {name!r}: {script.name}: expected 1 to {STEPS_MAX} steps")
        for step in script.steps:
            check_step(step, f"script {name!r}: {script.name}")
    builtin = files("harness.kernel.steer") / "guests" / case.guest
    folder = "" if case.guest and builtin.is_file() else folder
    case = msgspec.structs.replace(case, id=case.id or name, folder=folder)
    if (case.guest == "") == (case.scenario == ""):
        raise UsageError(f"script {name!r}: expected either a guest or a scenario")
    if case.guest and not case.source.is_file():
        raise UsageError(f"script {name!r}: there is no guest {case.guest!r}")
    return case


def check_step(step: str, where: str) -> None:
    """Hold a step to the syntax.

    Raises:
        UsageError: it is none.
    """
    found = STEP.fullmatch(step)
    if found is None or int(found[1]) >= CPUS_MAX:
        raise UsageError(f"{where}: step {step!r}: expected CPU PLACE, CPU from 0 to 7")
    if any(SYNTAX.fullmatch(place) is None for place in found[2].split(OR)):
        raise UsageError(
            f"{where}: step {step!r}: expected a place: enter F, call F in G, return F, "
            'return F in G, guest F, or idle; several with " or " between them'
        )
