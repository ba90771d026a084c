"""Scripts for failures: a known finding's that shows the same, or one made of a failing window.

A window is a list of decisions; where the turn passes from one CPU to another is a step of a
script: that CPU alone until it is at this place (as often as it was there). What shows the failure
in most of its windows is shortened, by leaving out steps that it does not need.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.kernel.steer.confirm import PATIENCE_US, steps_of
from harness.kernel.steer.control import BLOCKED, STEPS_MAX, Control, Fate, Mode, Window
from harness.kernel.steer.machine import Steered
from harness.kernel.steer.places import Table
from harness.kernel.steer.script import Script
from harness.kernel.steer.search import Failure, Searched, take
from harness.kernel.steer.subject import Subject
from harness.kernel.steer.windows import Kind, jobs

__all__ = ["Trial", "derive", "script_of", "shorten", "swapped"]

TRIED, TRIED_LONG = 20, 60
"""So many windows tell whether a script may do, and how well it does."""
LEAST = 0.5
"""A script shows a failure where so many of its windows have it."""
WINDOWS_MAX = 40
"""So many failing windows are tried, those with the fewest steps first."""
SECONDS = 10.0


@dataclass(slots=True)
class Trial:
    """Tries scripts on a subject for one kind of failure; ``until`` it has time."""

    steered: Steered
    subject: Subject
    kind: Kind
    until: float

    def shows(self, script: Script, windows: int) -> tuple[int, int]:
        """Return how many windows had the failure, and how many followed the script."""
        control = Control(
            Mode.SCRIPT,
            steps=steps_of(script, self.steered.table),
            alone=script.alone,
            block_us=PATIENCE_US,
        )
        words = self.subject.words | {"all": 1}
        searched = Searched(self.subject.name)
        seen = followed = 0
        for told in jobs(self.steered, words, control, windows, SECONDS):
            done = {n for n, window in told.windows.items() if window.fate == Fate.DONE}
            followed += len(done)
            for failure in take(searched, self.subject, script.name, 0, told):
                kinds = [kind for kind, _ in failure.kinds]
                seen += failure.execution in done and self.kind in kinds
        return seen, max(followed, windows // 2)

    def does(self, script: Script) -> bool:
        """Tell whether a script shows the failure in most of a few windows."""
        if time.monotonic() > self.until:
            return False
        seen, of = self.shows(script, TRIED)
        return seen >= of * LEAST


def script_of(window: Window, table: Table, name: str) -> Script | None:
    """Return a window as a script; None if a CPU was taken for blocked in it, or it is too long."""
    steps: list[str] = []
    visits: dict[int, int] = {}
    for each in window.decisions:
        if each.place == BLOCKED:
            return None
        visits[each.place] = visits.get(each.place, 0) + 1
        if each.next != each.cpu:
            steps += [f"{each.cpu} {table.name(each.place)}"] * visits[each.place]
            visits.clear()
    if not 0 < len(steps) <= STEPS_MAX:
        return None
    return Script(name, "made of a failing window", tuple(steps))


def swapped(script: Script) -> Script:
    """Return a script with CPUs 0 and 1 the other way round."""
    steps = [f"{1 - cpu if cpu < 2 else cpu} {place}" for cpu, place in script.parsed()]
    return Script(f"{script.name}, CPUs swapped", script.what, tuple(steps))


def derive(trial: Trial, failures: Sequence[Failure], name: str) -> Script | None:
    """Return a short script that shows a failure, made of windows that had it; None: none does."""
    made = []
    for failure in failures:
        script = (
            None if failure.window is None else script_of(failure.window, trial.steered.table, name)
        )
        if script is not None:
            made.append(script)
    for script in sorted(made, key=lambda each: len(each.steps))[:WINDOWS_MAX]:
        if trial.does(script):
            return shorten(script, trial.does)
    return None


def shorten(script: Script, does: Callable[[Script], bool]) -> Script:
    """Leave out what a script does not need: halves, quarters, and so on, to single steps."""
    size = max(1, len(script.steps) // 2)
    while True:
        at = 0
        while at < len(script.steps):
            steps = (*script.steps[:at], *script.steps[at + size :])
            shorter = Script(script.name, script.what, steps)
            if steps and does(shorter):
                script = shorter
            else:
                at += size
        if size == 1:
            return script
        size //= 2


def known_script(
    trial: Trial, scripts: Iterable[tuple[str, Script]]
) -> tuple[str, Script, int, int] | None:
    """Return the first known script that shows the failure here, either way round, and k of n."""
    for finding, script in scripts:
        for each in (script, swapped(script)):
            if trial.does(each):
                seen, of = trial.shows(each, TRIED_LONG)
                if seen >= of * LEAST:
                    return finding, each, seen, of
    return None
