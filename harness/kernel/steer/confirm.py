"""Confirmation: a case's windows with its script and without, and those of its control.

A script is CONFIRMED where the share of wrong windows, among those in which the kernel followed it,
is beyond that without it by more than chance gives, and the control is clean; NOT CONFIRMED where
it was followed and nothing was wrong beyond that; NOT FOLLOWED where the kernel does not go that
way. What needs no script is CONFIRMED where it is wrong, and its control clean.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from harness.kernel.emulator import Hardware
from harness.kernel.image import Image
from harness.kernel.steer import control as ctl
from harness.kernel.steer.control import Fate
from harness.kernel.steer.machine import Steered, places_in, steer
from harness.kernel.steer.places import IDLE_NAME, Places, Table, missing
from harness.kernel.steer.script import Case, Script
from harness.kernel.steer.subject import Subject, of_case
from harness.kernel.steer.windows import Tally, jobs, tally_of

__all__ = [
    "CONFIRMED", "NOT_CONFIRMED", "NOT_FOLLOWED", "NOT_STEERABLE", "UNCLEAN", "Confirmation",
    "Shown", "confirm", "steps_of", "verdict_of_script", "where_left",
]  # fmt: skip

CONFIRMED, NOT_CONFIRMED, NOT_FOLLOWED = "CONFIRMED", "NOT CONFIRMED", "NOT FOLLOWED"
NOT_STEERABLE = "NOT STEERABLE"
"""This kernel does not have a place of the script."""
UNCLEAN = "CONTROL NOT CLEAN"
"""The control fails as well: what is wrong is not what the script brings about."""
LEAST_FOLLOWED = 0.1
"""A script is followed where it is in so many of its windows."""
Z = 2.576
"""Of an interval that holds 99 %."""
PATIENCE_US = 20_000
"""A script's CPU that reaches no place for so long is blocked."""
OFTEN = 0.2
"""What is wrong in so many windows without a script needs none, where there is no control. (No
progress is left out: a guest may do that to itself.)"""
FEW, SHOWS = 20, 0.4
"""So many windows choose a script, by what so many of them show."""
SECONDS = 120.0
"""For the windows of one kind at most."""


@dataclass(slots=True)
class Shown:
    """What a script (None: the guest alone) showed: its windows, those of its control."""

    script: Script | None
    verdict: str
    steered: Tally
    controlled: Tally
    why: str = ""
    missing: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Confirmation:
    """What came of a case on a kernel: ``plain`` are its windows without a script."""

    case: Case
    kernel: Image
    hardware: Hardware
    plain: Tally
    shown: list[Shown]
    table: Table
    boot_seconds: float

    @property
    def verdict(self) -> str:
        """CONFIRMED if one of its scripts is; else the most that can be said."""
        said = [each.verdict for each in self.shown]
        order = (CONFIRMED, UNCLEAN, NOT_CONFIRMED, NOT_FOLLOWED, NOT_STEERABLE)
        return next(verdict for verdict in order if verdict in said)


def interval(k: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval of a share, k of n."""
    if not n:
        return 0.0, 1.0
    share, square = k / n, Z * Z
    middle = share + square / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return (middle - half) / (1 + square / n), (middle + half) / (1 + square / n)


def beyond(k: int, n: int, k_without: int, n_without: int) -> bool:
    """Tell whether k of n is more than chance makes of k_without of n_without."""
    return k > 0 and interval(k, n)[0] > interval(k_without, n_without)[1]


def verdict_of_script(plain: Tally, steered: Tally, controlled: Tally) -> tuple[str, str]:
    """Return the verdict on a script, and why.

    Each kind of what is wrong is looked at by itself, so that one that is often wrong without the
    script does not hide another.
    """
    followed = len(steered.followed)
    for kind, seen in sorted(plain.kinds.items()):
        often = len(seen) >= plain.executions * OFTEN
        if kind[0] != "progress" and often and not controlled.executions:
            return CONFIRMED, (
                f"it needs no script: wrong in {len(seen)} of {plain.executions} windows without "
                f"({' '.join(kind)})"
            )
    if followed < max(1, steered.executions * LEAST_FOLLOWED):
        return NOT_FOLLOWED, f"followed in {followed} of {steered.executions} windows"
    for kind in sorted(steered.kinds):
        wrong = len(steered.followed & steered.kinds[kind])
        without = len(plain.kinds.get(kind, ()))
        if not beyond(wrong, followed, without, plain.executions):
            continue
        control = len(controlled.kinds.get(kind, ()))
        if controlled.executions and not beyond(wrong, followed, control, controlled.executions):
            return UNCLEAN, f"the control is wrong in {control} of {controlled.executions} windows"
        what = "" if kind[0] == "guest" else f" ({' '.join(kind)})"
        return CONFIRMED, f"wrong in {wrong} of {followed} windows that follow it{what}"
    wrong = len(steered.followed & steered.bad)
    return NOT_CONFIRMED, (
        f"followed in {followed} windows, {wrong} of them wrong; without it "
        f"{len(plain.bad)} of {plain.executions}"
    )


def verdict_of_plain(plain: Tally, controlled: Tally) -> tuple[str, str]:
    """Return the verdict on what needs no script, and why."""
    wrong, control = len(plain.bad), len(controlled.bad)
    if not wrong:
        return NOT_CONFIRMED, f"wrong in none of {plain.executions} windows"
    if control and not beyond(wrong, plain.executions, control, controlled.executions):
        return UNCLEAN, f"the control is wrong in {control} of {controlled.executions} windows"
    return CONFIRMED, f"wrong in {wrong} of {plain.executions} windows"


def confirm(
    case: Case, kernel: Image, *, vhe: bool = False, windows: int | None = None,
    tell: Callable[[str], None] = lambda _: None, pick: bool = False,
) -> Confirmation:  # fmt: skip
    """Try a case on a kernel.

    Args:
        case: what is tried.
        kernel: on which kernel.
        vhe: on a CPU with VHE.
        windows: how many of each kind; None: as many as the case says.
        tell: is told of what goes on, a line each.
        pick: of the case's scripts only the one is tried that shows most in a few windows.

    Raises:
        UsageError: the case's scenario is none that can be run there.
        KernelUnavailableError: QEMU, a compiler or a function of the kernel is missing.
        MachineFailedError: the machine failed, or the VMM in it.
    """
    with tempfile.TemporaryDirectory(prefix="vgic-race-confirm-") as name:
        subject = of_case(case, Path(name), vhe=vhe)
        places = places_in(kernel, subject.hardware)
        case = msgspec.structs.replace(case, script=tuple(each.on(places) for each in case.script))
        scripted = [place for script in case.script for place in script.places]
        with steer(
            kernel, subject.hardware, places, scripts=scripted, guest=subject.relax
        ) as steered:
            runner = Runner(case, subject, steered, places, windows or case.windows, tell)
            plain = runner.run(None, control=False)
            if case.script:
                scripts = [runner.pick()] if pick else case.script
                shown = [runner.show(script, plain) for script in scripts]
            else:
                controlled = runner.run(None, control=True)
                verdict, why = verdict_of_plain(plain, controlled)
                shown = [Shown(None, verdict, plain, controlled, why)]
            seconds = steered.machine.seconds
    return Confirmation(case, kernel, subject.hardware, plain, shown, steered.table, seconds)


@dataclass(slots=True)
class Runner:
    """Runs a case's windows."""

    case: Case
    subject: Subject
    steered: Steered
    places: Places
    windows: int
    tell: Callable[[str], None]

    def run(self, script: Script | None, *, control: bool, windows: int = 0) -> Tally:
        """Run windows of the guest, or of the control, with a script or without."""
        if control and not self.subject.control:
            return Tally()
        asked = ctl.Control()
        if script is not None:
            steps = steps_of(script, self.steered.table)
            asked = ctl.Control(
                ctl.Mode.SCRIPT, steps=steps, alone=script.alone, block_us=PATIENCE_US
            )
        words = self.subject.words | (self.subject.control if control else {})
        told = jobs(self.steered, words, asked, windows or self.windows, SECONDS)
        symptom = self.case.symptom
        limit = None if symptom is None else (symptom.vcpu, symptom.switches)
        tally = tally_of(told, asked, self.subject.violations, limit)
        what = "control" if control else "guest"
        name = "without a script" if script is None else f"script {script.name}"
        self.tell(f"{what}, {name}: {len(tally.bad)} of {tally.executions} wrong")
        return tally

    def pick(self) -> Script:
        """Return the longest script that shows something in a few windows, else is followed."""
        best, most = self.case.script[-1], (-1, 0.0)
        for script in self.case.script:
            if missing(self.places, script.places):
                continue
            tally = self.run(script, control=False, windows=FEW)
            wrong = len(tally.followed & tally.bad)
            score = 2 if wrong >= FEW * SHOWS else 1 if len(tally.followed) >= FEW * SHOWS else 0
            value = (score, 0.0 if score else float(len(tally.followed)))
            if value > most:
                best, most = script, value
        return best

    def show(self, script: Script, plain: Tally) -> Shown:
        """Run a script's windows, and say what they show."""
        lacks = missing(self.places, script.places)
        if lacks:
            return Shown(script, NOT_STEERABLE, Tally(), Tally(), "; ".join(lacks), lacks)
        steered = self.run(script, control=False)
        controlled = self.run(script, control=True)
        verdict, why = verdict_of_script(plain, steered, controlled)
        return Shown(script, verdict, steered, controlled, why)


def steps_of(script: Script, table: Table) -> tuple[tuple[int, int], ...]:
    """Return a script's steps, by the numbers of places."""
    numbers = {name: n for n, name in enumerate(table.names)} | {IDLE_NAME: ctl.IDLE}
    return tuple((cpu, numbers[place]) for cpu, place in script.parsed())


def where_left(tally: Tally) -> tuple[int, Fate] | None:
    """Return behind how many steps a script was left most often, and how; None: never."""
    return tally.left.most_common(1)[0][0] if tally.left else None
