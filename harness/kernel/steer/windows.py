"""Windows of a guest on a steered machine, counted: how many followed the script, how many wrong."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.kernel.errors import MachineFailedError
from harness.kernel.history import History, read_histories
from harness.kernel.run import FAILED, HUNG, failure_of
from harness.kernel.steer.control import Control, Fate, Mode, Window
from harness.kernel.steer.machine import Steered

__all__ = ["Tally", "run_windows"]

MARGIN_SECONDS = 60.0
KEPT = 3
"""So many histories and so many windows that went astray are kept."""


@dataclass(slots=True)
class Tally:
    """What came of the windows of a guest.

    ``executions`` there were; ``wrong`` has the numbers of those that the guest found wrong, with
    what (bits), ``stuck`` of those without progress, ``switches`` the voluntary switches of VCPUs
    in these. Of a script's, ``followed`` has those that it was followed in to its end, ``left``
    how often it was left behind so many steps, and how; ``astray`` some of these.
    """

    executions: int = 0
    seconds: float = 0.0
    wrong: dict[int, int] = field(default_factory=dict)
    stuck: dict[int, bool] = field(default_factory=dict)
    switches: list[dict[int, int]] = field(default_factory=list)
    followed: set[int] = field(default_factory=set)
    left: Counter[tuple[int, Fate]] = field(default_factory=Counter)
    astray: list[Window] = field(default_factory=list)
    windows: dict[int, Window] = field(default_factory=dict)
    histories: dict[int, History] = field(default_factory=dict)

    @property
    def bad(self) -> set[int]:
        """The executions that were wrong, or stuck."""
        return self.wrong.keys() | self.stuck.keys()

    @property
    def rate(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0


def run_windows(
    steered: Steered,
    words: Mapping[str, object],
    control: Control,
    executions: int,
    seconds: float,
    *,
    keep_windows: bool = False,
) -> Tally:
    """Run so many executions, in at most so many seconds, steered as ``control`` says.

    A VM that hangs is given up, and the next one goes on. With ``keep_windows`` the windows of all
    executions that were wrong are kept.

    Raises:
        MachineFailedError: the machine failed, or the VMM in it.
    """
    tally = Tally()
    until = time.monotonic() + seconds
    out = Path(str(words["out"])) if "out" in words else None
    while tally.executions < executions:
        left = int(until - time.monotonic())
        if left <= 0:
            break
        first = tally.executions
        asked = {"executions": executions - first, "first": first, "seconds": left,
                 "say_max": executions}  # fmt: skip
        outcome, windows = steered.run({**words, **asked}, control, left + MARGIN_SECONDS)
        if outcome.code not in (0, HUNG) or outcome.code == FAILED:
            raise MachineFailedError(failure_of(outcome.lines))
        take(tally, outcome.lines)
        taken = [each for each in windows if first + each.number <= tally.executions]
        take_windows(tally, first, taken, control, keep=keep_windows)
        if out is not None and out.exists():
            take_histories(tally, out.read_bytes())
        if outcome.code == 0:
            break
    return tally


def take(tally: Tally, lines: tuple[str, ...]) -> None:
    """Read what the VMM printed."""
    stuck: int | None = None
    switches: dict[int, int] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "WRONG":
            number, bits = rest.split()
            tally.wrong[int(number)] = int(bits, 16)
        elif word == "STUCK" and stuck is None:
            stuck = int(rest)
        elif word == "SYMPTOM":
            values = dict(re.findall(r"(\w+)=(-?\d+)", rest))
            switches[int(values["vcpu"])] = int(values["switches"])
        elif word in ("LATE", "LOST") and stuck is not None:
            tally.stuck[stuck] = word == "LATE"
            tally.switches.append(switches)
            stuck, switches = None, {}
        elif word in ("DONE", "HUNG"):
            values = dict(re.findall(r"(\w+)=([\d.]+)", rest))
            tally.executions += int(values["executions"]) + (word == "HUNG")
            tally.seconds += float(values["seconds"])


def take_windows(
    tally: Tally, first: int, windows: list[Window], control: Control, *, keep: bool
) -> None:
    """Read what the plugin said of each execution."""
    for window in windows:
        number = first + window.number
        if keep and number in tally.bad:
            tally.windows[number] = window
        if control.mode != Mode.SCRIPT:
            continue
        if window.fate == Fate.DONE:
            tally.followed.add(number)
            continue
        tally.left[window.step, window.fate] += 1
        if len(tally.astray) < KEPT:
            tally.astray.append(window)


def take_histories(tally: Tally, data: bytes) -> None:
    """Keep the first histories of executions that were wrong or stuck, and of one that was well."""
    for history in read_histories(data):
        kept = [each for each in tally.histories.values() if each.why == history.why]
        if len(kept) < KEPT:
            tally.histories[history.execution] = history
