"""Configurations of the real machine so small that every path of them can be taken.

One or two for each thing that scenarios do: timers, passthrough devices, SGIs, preemptions, host
devices, the emulated distributor, resets and saves.
"""

from collections.abc import Iterable
from itertools import cycle
from typing import Final

from harness.search.case import Case
from harness.spec import RunSpec
from harness.variants import ERAS

__all__ = [
    "APART",
    "BY_STATES",
    "BY_STATES_SOON",
    "EVERY_PATH",
    "PATCHED",
    "TINY",
    "case_of",
    "in_turns",
]

FORWARD = '[[forward]]\nintid = {}\nkind = "{}"\nevents = 1\n'
LEVEL, EDGE = FORWARD.format(50, "level"), FORWARD.format(50, "edge")
LPI = FORWARD.format(8192, "lpi")
DEVICE = "[[device]]\nintid = 40\nedges = 1\n"


def toml(*programs: str, sizes: str = "", devices: str = "") -> str:
    """Return a scenario; a program is its lines, with commas between them."""
    guests = ""
    for program in programs:
        lines = ", ".join(f'"{line.strip()}"' for line in program.split(","))
        guests += f"[[vcpu]]\nprogram = [{lines}]\n"
    return f'name = "tiny"\ntitle = "tiny"\n{sizes}\n{devices}{guests}'


TINY: Final = {
    "timer": toml("timer 10, idle 1"),
    "busy": toml("timer 10, spin 1 2"),
    "level": toml("wait", devices=LEVEL),
    "elsewhere": toml("wait", sizes="pcpus = 2", devices=f"{LEVEL}pcpu = 1\n"),
    "edge": toml("wait", devices=EDGE),
    "lpi": toml("wait", devices=LPI),
    "ptimer": toml("ptimer 10, pidle 1"),
    "sgi": toml("sgi 1 1", "await 1", sizes="pcpus = 2"),
    "sgi, one CPU": toml("sgi 1 1", "await 1"),
    "preempted": toml("timer 10", sizes="preemptions = 1"),
    "device": toml("work 1", devices=DEVICE),
    "reset": toml("work 1", sizes="resets = 1"),
    "save": toml("work 1", sizes="saves = 1"),
    "mmio": toml("disable 27, enable 27"),
    "in turns": toml("work 1", "work 1"),
}

APART: Final = {
    "a timer, and work": toml("timer 10", "work 1", sizes="pcpus = 2"),
    "two timers, masked": toml("ppi off, timer 10", "ppi off, timer 10", sizes="pcpus = 2"),
    "moved": toml("work 1", "work 1", sizes="pcpus = 2\npreemptions = 1"),
}
"""VCPUs that have little to do with each other, on CPUs of their own."""

EVERY_PATH: Final = (
    "timer", "busy", "level", "edge", "lpi", "sgi, one CPU", "preempted", "device", "mmio",
    "in turns",
)  # fmt: skip
"""Those with few paths, as long as what is in flight goes first (``synchronous``)."""

BY_STATES: Final = tuple(name for name in TINY if name != "sgi")
"""Those for the search that turns back at states it has seen, with everything in flight."""

BY_STATES_SOON: Final = ("busy", "edge", "device", "reset", "save", "mmio", "in turns")
"""Those of them that it takes no more than a few seconds for; one of the others, "preempted", is
looked at with a bug in it."""

PATCHED: Final = (("timer", "v4.14+23"), ("preempted", "v4.14+1"))
"""Configurations with bugs: the same violations must be found."""


def case_of(name: str, variant: str, messages: str = "synchronous") -> Case:
    """Return one of the configurations."""
    spec = RunSpec.make(
        "tiny", variant, toml={**TINY, **APART}[name], knobs={"gic_messages": messages}
    )
    return Case.of(spec)


def in_turns(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return each name with an era, the eras in turns: so a sweep costs half."""
    return list(zip(names, cycle(ERAS), strict=False))
