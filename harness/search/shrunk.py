"""What shrinking a failure came to: values only, which reports show."""

from pathlib import Path

import msgspec

from harness.engine.schedule import Schedule
from harness.scenarios.schema import Scenario
from harness.search.trial import Measure
from model.check.violation import Violation

__all__ = ["Kept", "Loop", "Minimality", "Shrunk"]


class Minimality(msgspec.Struct, frozen=True):
    """Whether fewer departures from an order would do.

    Attributes:
        order: "calm" or "stay": the order that departures are counted from.
        shown: how many the shortest schedule has.
        fewest: the fewest with which a schedule of the scenario is known to fail; that one may have
            more steps or switches than the shortest.
        passed: with up to so many, every schedule of the scenario passes (-1: that is not known).
        by_state: whether nothing was tried from a state that was reached before; so the proof hangs
            on what a state is (``harness.engine.position``). Else every schedule was run.

    """

    order: str
    shown: int
    fewest: int
    passed: int
    by_state: bool = False

    @property
    def proved(self) -> bool:
        """Whether none with fewer departures fails."""
        return self.passed == self.fewest - 1

    @property
    def text(self) -> str:
        """The verdict in one sentence."""
        which = f"the {self.order} order"
        if not self.fewest:
            return f"{which} itself fails: no departure from it is needed"
        if self.proved:
            tried = "all states" if self.by_state else "all schedules"
            return f"no schedule with fewer than {times(self.fewest)} from {which} fails ({tried})"
        known = f"{times(self.fewest)} from {which} are enough"
        if self.passed < 0:
            return f"{known}; whether fewer are could not be said"
        return f"{known}, {self.passed} are not; what lies between could not be said"


def times(departures: int) -> str:
    """Return so many departures in words."""
    return f"{departures} departure{'' if departures == 1 else 's'}"


class Loop(msgspec.Struct, frozen=True):
    """Where an execution comes back to a state that it was in, and goes on so: a storm.

    Attributes:
        first: the number of the first step of the loop; those before it are the way there.
        length: how many steps it has.

    """

    first: int
    length: int

    @property
    def last(self) -> int:
        """The number of the last step of the first time round."""
        return self.first + self.length - 1


class Shrunk(msgspec.Struct, frozen=True):
    """The shortest story of a failure that was found.

    Attributes:
        schedule: fails alike; it carries its scenario, and replays anywhere.
        scenario: that scenario, as a value.
        violation: how it fails.
        before: how long the story was that came in.
        after: how long it is now.
        told: how much of it has to be told: of a storm the way there, and one time round.
        minimality: whether fewer departures would do; None if shrinking was stopped before that.
        loop: where a storm repeats itself; None for what is none, or does not.
        base: how the unmodified era fails in the whole scenario, if it does.
        ended: why shrinking ended early: "steps", "seconds" or "interrupted"; "" if it did not.
        runs: how many executions it took.
        steps: how many steps these had, with what else was counted as such.

    """

    schedule: Schedule
    scenario: Scenario
    violation: Violation
    before: Measure
    after: Measure
    told: Measure
    minimality: Minimality | None = None
    loop: Loop | None = None
    base: Violation | None = None
    ended: str = ""
    runs: int = 0
    steps: int = 0


class Kept(msgspec.Struct, frozen=True):
    """A shrunk failure, and where it is: its ``schedule`` and its ``log``."""

    shrunk: Shrunk
    schedule: Path
    log: Path
