"""What R21 and R25 have in common: the host takes each interrupt that has arrived, once."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.setting import Forwarded, Setting
from model.check.state import State
from model.check.views.active_states import ActiveStates

__all__ = ["Arrivals"]


class Arrived(State):
    """``yes``: it has arrived, and no CPU has acknowledged it since.

    ``cleared``: its pending state has just gone, by an acknowledge or a write (ICPENDR).
    """

    yes: bool = False
    cleared: bool = False


class Arrivals(Rule):
    """What has arrived is acknowledged once, and nothing is acknowledged that has not arrived."""

    kind = EVENTUALLY
    hardware = True

    NOT_ARRIVED = alarm(
        "not-arrived", "CPU {pcpu} took INTID {intid} although nothing had arrived since"
    )
    OWED = alarm("owed", "the host's interrupt for INTID {intid}, which had arrived")

    active: ActiveStates

    @classmethod
    def counts(cls, forward: Forwarded) -> bool:
        """Tell whether the rule is about this device.

        Raises:
            NotImplementedError: A rule says it.

        """
        raise NotImplementedError

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Where there is such a device."""
        return any(cls.counts(x) for x in setting.forwards)

    def setup(self) -> None:
        """Make the states, by INTID."""
        intids = [x.intid for x in self.setting.forwards if self.counts(x)]
        self.of = {intid: self.one(Arrived, f"intid{intid}") for intid in intids}

    @on(facts.EdgeArrived)
    def on_edge(self, f: facts.EdgeArrived) -> None:
        """It is pending; one more makes no difference."""
        if f.intid in self.of:
            self.of[f.intid].yes = True

    @on(facts.PendingChanged)
    def on_pending(self, f: facts.PendingChanged) -> None:
        """What is cleared, as by a reset of the VM, is owed no more; or it is acknowledged now."""
        arrived = self.of.get(f.intid)
        if arrived is not None and not f.after:
            arrived.cleared, arrived.yes = arrived.yes, False

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """A CPU takes it."""
        arrived = self.of.get(f.intid)
        if arrived is None:
            return
        yes = arrived.yes or arrived.cleared
        arrived.yes = arrived.cleared = False
        if not yes:
            self.report(self.NOT_ARRIVED, pcpu=f.pcpu, intid=f.intid)

    def at_rest(self) -> None:
        """Name what no CPU has taken; what is active waits for its guest."""
        for intid, arrived in self.of.items():
            if arrived.yes and not self.active.has(-1, intid):
                self.report(self.OWED, intid=intid)
