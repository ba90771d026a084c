"""What an exhaustive search is asked, and what it says."""

import msgspec

from harness.engine.choice import Choice
from model.check.violation import Violation

__all__ = ["ExploreLimits", "Explored", "Failure", "Reductions"]


class ExploreLimits(msgspec.Struct, frozen=True):
    """What bounds a search (None: nothing does).

    Reaching one of the first three makes it inconclusive; the last two are bounds of what is
    proved.

    Attributes:
        seconds: of wall time.
        memory_mb: of this process, in MiB.
        states: how many are looked at.
        switches: from one task to another, in an execution.
        preemptions: switches away from a task that could have gone on.

    """

    seconds: float | None = None
    memory_mb: float | None = None
    states: int | None = None
    switches: int | None = None
    preemptions: int | None = None


class Reductions(msgspec.Struct, frozen=True):
    """What is left out because something else that is looked at includes it.

    Attributes:
        dead: values that nobody will read again are as if they had not been there
            (``Part.canonical``).
        held_back: draws that only hold a stimulus back, or say that it comes less often.
        stubborn: orders of steps that nobody can tell apart (``harness.search.explore.stubborn``).
            Not with bounds on switches, which tell them apart, nor where what is in flight goes
            before anything else (``gic_messages=synchronous``).
        symmetric: beginnings that mirror others (``harness.search.explore.symmetry``).

    """

    dead: bool = True
    held_back: bool = True
    stubborn: bool = True
    symmetric: bool = True


class Failure(msgspec.Struct, frozen=True):
    """How a rule is broken: the choices that do it, which ``replay`` makes again.

    Attributes:
        choices: of the schedule.
        violations: what a run of it shows, the first one first.
        steps: how many steps the schedule has, drain apart.
        shortest: whether none with fewer steps breaks any rule.
        stem: of a livelock, the steps on the way to its cycle; -1: it is none.
        cycle: of a livelock, the steps of the cycle; the schedule goes round until a rule complains
            that counts it, or else until the engine's bound on steps.
        steps_max: the bound on steps that the schedule needs (knob ``steps_max``); 0: the usual.

    """

    choices: tuple[Choice, ...]
    violations: tuple[Violation, ...]
    steps: int
    shortest: bool
    stem: int = -1
    cycle: int = 0
    steps_max: int = 0


class Explored(msgspec.Struct, frozen=True):
    """What a search found.

    Attributes:
        verdict: "proved", "violated" or "inconclusive".
        bound: which bound made it inconclusive ("memory", "states", "time", "interrupted"), or "".
        failure: how a rule is broken, if one is.
        states: how many states were reached.
        transitions: how many steps lead from one to another.
        terminal: in how many of them no task can go.
        depth: how many steps it takes to the farthest, from the beginning.
        seconds: of wall time that it took, in all sessions.
        cpu_seconds: of this process, as far.
        memory_mb: the most that this process had, in MiB.
        misses: how many steps were really made; the others were look-ups.
        checked: how many look-ups were made for real as well, and found right.
        cut: how many steps were not followed because of a bound on switches.
        passes: how often all was searched: again if more was learnt meanwhile of what tasks may
            touch; 0: no orders of steps were left out.
        mirrored: how many beginnings are others with the VCPUs renamed, and were left out.
        left_out: the rules that count without bound, in whose place cycles are looked for.

    """

    verdict: str
    bound: str
    failure: Failure | None
    states: int
    transitions: int
    terminal: int
    depth: int
    seconds: float
    cpu_seconds: float
    memory_mb: float
    misses: int
    checked: int
    cut: int
    passes: int
    mirrored: int
    left_out: tuple[str, ...]
