"""What the plugin is asked, and what it tells: the structures of ``plugin/steer.h``."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "BLOCKED",
    "IDLE",
    "STEPS_MAX",
    "Control",
    "Decision",
    "Fate",
    "Mode",
    "Window",
    "read_windows",
]

STEPS_MAX = 256
IDLE = 0xFFFF
"""The number of the place where a CPU waits for an interrupt."""
BLOCKED = 0xFFFE
"""That of a CPU that reached no place for a while, and lost its turn."""
CONTROL = struct.Struct("<Qd8I")
STEP = struct.Struct("<HH")
RECORD = struct.Struct("<IIIHHII")
DECISION = struct.Struct("<BBH")


class Mode(IntEnum):
    """How CPUs are steered."""

    OFF = 0
    WALK = 1
    PCT = 2
    SCRIPT = 3


class Fate(IntEnum):
    """What became of a window: steered to its end, or given up, and why."""

    DONE = 1
    """The script was followed to its end; from there on all are free."""
    BLOCKED = 2
    """The script's CPU reached no place: a lock, or an interrupt that does not come."""
    ASTRAY = 3
    """The script's CPU was at many places, and never at that one."""
    ENDED = 4
    """The execution ended: before the script did, if there is one."""
    STUCK = 5
    """The execution made no progress."""
    LONG = 6
    """There were too many stops: it went on freely."""


@dataclass(frozen=True, slots=True)
class Control:
    """What is asked for the executions of a job (``struct control``).

    ``probability`` is a random walk's, to go on with another CPU; ``depth`` PCT's d, ``horizon``
    the stops it expects (0: as they come); places up to ``level`` are stops. A CPU that reaches
    none for ``block_us`` of its time counts as blocked. ``steps`` are a script's: a CPU and a
    place's number each; with ``alone`` the first one's CPU is alone from the beginning of a window.
    """

    mode: Mode = Mode.OFF
    seed: int = 0
    probability: float = 0.1
    level: int = 1
    depth: int = 2
    horizon: int = 0
    stops_max: int = 4000
    block_us: int = 2000
    steps: tuple[tuple[int, int], ...] = ()
    alone: bool = False

    def data(self) -> bytes:
        """Return it as the plugin reads it."""
        assert len(self.steps) <= STEPS_MAX
        head = CONTROL.pack(
            self.seed, self.probability, self.mode, self.level, self.depth, self.horizon,
            self.stops_max, self.block_us, len(self.steps), self.alone,
        )  # fmt: skip
        steps = b"".join(STEP.pack(*step) for step in self.steps)
        return head + steps.ljust(STEPS_MAX * STEP.size, b"\0")


@dataclass(frozen=True, slots=True)
class Decision:
    """A CPU was at a place, and ``next`` went on; in a script ``next`` is the step it was in."""

    cpu: int
    next: int
    place: int


@dataclass(frozen=True, slots=True)
class Window:
    """One execution as the plugin saw it: its number in the job, from 1, and its decisions.

    ``step``: so many of the script's steps were done; ``blocked``: so often a CPU was taken for
    blocked; ``seconds`` it took.
    """

    number: int
    fate: Fate
    step: int
    stops: int
    blocked: int
    seconds: float
    decisions: tuple[Decision, ...]


def read_windows(data: bytes) -> Iterator[Window]:
    """Yield the windows of a job; what is cut off at the end is left."""
    at = 0
    while at + RECORD.size <= len(data):
        number, count, stops, fate, step, blocked, us = RECORD.unpack_from(data, at)
        at += RECORD.size
        block = data[at : at + count * DECISION.size]
        at += len(block)
        if len(block) < count * DECISION.size:
            return
        decisions = tuple(Decision(*each) for each in DECISION.iter_unpack(block))
        yield Window(number, Fate(fate), step, stops, blocked, us * 1e-6, decisions)
