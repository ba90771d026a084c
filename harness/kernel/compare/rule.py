"""A rule that breaks nothing: it remembers what guests saw, and collects it when all is over.

What it remembers is part of a state, so that an exhaustive search keeps apart what differs in it,
and comes to every story that there is.
"""

from harness.kernel.compare.seen import HEARD, Sight, Sighting, Story, sight_of
from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.views.loaded_vcpus import LoadedVcpus

__all__ = ["COLLECTED", "NAME", "Stories"]

COLLECTED: set[Story] = set()
"""The stories of executions that came to their end, until somebody clears it."""
NAME = f"{__name__}:Stories"


class Seen(State):
    """What a VCPU's guest saw."""

    sights: tuple[Sight, ...] = ()


class Stories(Rule):
    """What guests saw is remembered."""

    id = "stories"
    section = "none: it is no claim"
    title = "what guests see is remembered"
    kind = EVENTUALLY

    NEVER = alarm("never", "it complains of nothing")

    loaded: LoadedVcpus

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(Seen)

    @on(*HEARD)
    def on_sight(self, f: Sighting) -> None:
        """A guest acknowledged or read something."""
        sight = sight_of(f)
        if sight is None:
            return
        vcpu = self.loaded.on[f.pcpu].vcpu if isinstance(f, facts.AckedByGuest) else f.vcpu
        self.of[vcpu].sights = (*self.of[vcpu].sights, sight)

    def at_rest(self) -> None:
        """Nothing can happen any more."""
        COLLECTED.add(tuple(seen.sights for seen in self.of))
