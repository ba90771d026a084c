"""Windows of a guest on a steered machine: what each job told, and what many come to."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.kernel.errors import MachineFailedError
from harness.kernel.history import History, read_histories
from harness.kernel.run import HUNG, failure_of
from harness.kernel.steer.control import Control, Fate, Mode, Window
from harness.kernel.steer.machine import Steered
from model.check.violation import Violation

__all__ = ["Judging", "Kind", "Tally", "Told", "jobs", "tally_of"]

MARGIN_SECONDS = 60.0
KEPT = 3
"""So many histories and so many windows that went astray are kept."""

Judging = Callable[[History], Iterable[Violation]]
"""Tells what is wrong with a history."""
Kind = tuple[str, str]
"""What is wrong: a rule and its alarm; "guest" and bits; "progress" and "late" or "lost"."""


@dataclass(slots=True)
class Told:
    """What a job told of its executions, by their numbers.

    ``wrong`` is what the guest found wrong (bits), ``stuck`` those without progress (whether an
    exit for no reason made them go on), ``switches`` the voluntary switches of VCPUs by then;
    ``windows`` is what the plugin saw.
    """

    executions: int = 0
    seconds: float = 0.0
    wrong: dict[int, int] = field(default_factory=dict)
    stuck: dict[int, bool] = field(default_factory=dict)
    said: dict[int, list[str]] = field(default_factory=dict)
    switches: dict[int, dict[int, int]] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)
    histories: list[History] = field(default_factory=list)


def jobs(
    steered: Steered,
    words: Mapping[str, object],
    control: Control,
    executions: int,
    seconds: float,
    *,
    first: int = 0,
) -> Iterator[Told]:
    """Run so many executions, in at most so many seconds; yield what each job told of its own.

    A VM that hangs is given up, and the next one goes on: a job each. Executions are numbered from
    ``first`` + 1.

    Raises:
        MachineFailedError: the machine failed, or the VMM in it.
    """
    until = time.monotonic() + seconds
    out = Path(str(words["out"])) if "out" in words else None
    done = 0
    while done < executions:
        left = int(until - time.monotonic())
        if left <= 0:
            return
        begin = first + done
        asked = {"executions": executions - done, "first": begin, "seconds": left,
                 "say_max": executions}  # fmt: skip
        steering = replace(control, seed=control.seed + begin)
        outcome, windows = steered.run({**words, **asked}, steering, left + MARGIN_SECONDS)
        if outcome.code not in (0, HUNG):
            raise MachineFailedError(failure_of(outcome.lines))
        told = read_lines(outcome.lines)
        told.executions = min(told.executions, executions - done)
        last = begin + told.executions
        told.wrong = {n: bits for n, bits in told.wrong.items() if n <= last}
        told.windows = {begin + w.number: w for w in windows if begin + w.number <= last}
        if out is not None and out.exists():
            told.histories = [h for h in read_histories(out.read_bytes()) if h.execution <= last]
        done += told.executions
        yield told
        if outcome.code == 0:
            return


def read_lines(lines: tuple[str, ...]) -> Told:
    """Read what the VMM printed."""
    told = Told()
    stuck: int | None = None
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "WRONG":
            number, bits = rest.split()
            told.wrong[int(number)] = int(bits, 16)
        elif word == "STUCK" and rest.isdecimal():
            stuck = int(rest)
            told.said[stuck], told.switches[stuck] = [], {}
        elif word == "STUCK" and stuck is not None:
            told.said[stuck].append(rest)
        elif word == "SYMPTOM" and stuck is not None:
            values = dict(re.findall(r"(\w+)=(-?\d+)", rest))
            told.switches[stuck][int(values["vcpu"])] = int(values["switches"])
        elif word in ("LATE", "LOST") and stuck is not None:
            told.stuck[stuck] = word == "LATE"
        elif word in ("DONE", "HUNG"):
            values = dict(re.findall(r"(\w+)=([\d.]+)", rest))
            told.executions += int(values["executions"]) + (word == "HUNG")
            told.seconds += float(values["seconds"])
    return told


@dataclass(slots=True)
class Tally:
    """What came of all windows of a guest.

    ``executions`` there were, in so many ``seconds``; ``kinds`` has the numbers of those that were
    wrong, by what was. Of a script's, ``followed`` has those that it was followed in to its end,
    ``left`` how often it was left behind so many steps, and how; ``astray`` some of these.
    """

    executions: int = 0
    seconds: float = 0.0
    kinds: dict[Kind, set[int]] = field(default_factory=dict)
    followed: set[int] = field(default_factory=set)
    left: Counter[tuple[int, Fate]] = field(default_factory=Counter)
    astray: list[Window] = field(default_factory=list)
    histories: dict[int, History] = field(default_factory=dict)
    switches: list[dict[int, int]] = field(default_factory=list)

    @property
    def bad(self) -> set[int]:
        """The executions in which something was wrong."""
        return set().union(*self.kinds.values())

    def add(self, kind: Kind, executions: Iterable[int]) -> None:
        """Note what was wrong, and in which executions."""
        found = set(executions)
        if found:
            self.kinds.setdefault(kind, set()).update(found)

    @property
    def rate(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0


def tally_of(
    told: Iterator[Told], control: Control, judging: Judging, symptom: tuple[int, int] | None = None
) -> Tally:
    """Add up what jobs told.

    Args:
        told: by the jobs.
        control: how they were steered.
        judging: judges histories.
        symptom: a VCPU and a number of switches: an execution without progress is wrong where its
            thread was switched more often, and else as it should be.
    """
    tally = Tally()
    for job in told:
        tally.executions += job.executions
        tally.seconds += job.seconds
        tally.switches += job.switches.values()
        for number, bits in job.wrong.items():
            tally.add(("guest", str(bits)), [number])
        if symptom is None:
            tally.add(("progress", "late"), (n for n, late in job.stuck.items() if late))
            tally.add(("progress", "lost"), (n for n, late in job.stuck.items() if not late))
        else:
            vcpu, most = symptom
            woken = (n for n, by in job.switches.items() if by.get(vcpu, 0) > most)
            tally.add(("host", "switches"), woken)
        for history in job.histories:
            for violation in judging(history):
                tally.add((violation.rule, violation.alarm), [history.execution])
            bad = history.execution in tally.bad
            if sum((n in tally.bad) == bad for n in tally.histories) < KEPT:
                tally.histories[history.execution] = history
        if control.mode == Mode.SCRIPT:
            add_windows(tally, job.windows)
    return tally


def add_windows(tally: Tally, windows: Mapping[int, Window]) -> None:
    """Read how far a script was followed."""
    for number, window in windows.items():
        if window.fate == Fate.DONE:
            tally.followed.add(number)
            continue
        tally.left[window.step, window.fate] += 1
        if len(tally.astray) < KEPT:
            tally.astray.append(window)
