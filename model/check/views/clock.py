"""Virtual time."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.machine import START_NS

__all__ = ["Clock"]


class Moment(State):
    """The current moment, in virtual nanoseconds."""

    now: int = START_NS


class Clock(View):
    """``time.now`` is the current moment, in virtual nanoseconds."""

    def setup(self) -> None:
        """Make the state."""
        self.time = self.one(Moment)

    @on(facts.Ticked)
    def on_tick(self, f: facts.Ticked) -> None:
        """Virtual time moved on."""
        self.time.now = f.now
