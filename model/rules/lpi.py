"""Section "Forwarded LPIs" of the document: no active state, no HW bit, but a kick."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.setting import Forwarded, Setting
from model.check.views.device_work import DeviceWork
from model.check.views.finished import Finished
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.ideal_gic import IdealGic
from model.gic.registers import FIRST_LPI
from model.rules.arrivals import Arrivals

__all__ = ["R24", "R25", "R26", "R27"]


class R24(Rule):
    """LPIs have no active state."""

    id = "R24"
    section = "Forwarded LPIs, paragraph 1"
    title = "an LPI is never active at the distributor"
    hardware = True

    CHANGED = alarm("changed", "LPI {intid} became {after:inactive|active}")

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Where a device has an LPI."""
        return any(x.intid >= FIRST_LPI for x in setting.forwards)

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """Some active bit changed."""
        if f.intid >= FIRST_LPI:
            self.report(self.CHANGED, intid=f.intid, after=f.after)


class R25(Arrivals):
    """An LPI is pending from a message to the acknowledge; a new message makes it so again."""

    id = "R25"
    section = "Forwarded LPIs, paragraph 1"
    title = "each LPI that has arrived is acknowledged, once"

    @classmethod
    def counts(cls, forward: Forwarded) -> bool:
        """LPIs."""
        return forward.intid >= FIRST_LPI


class R26(Rule):
    """The HW bit links PPIs and SPIs only."""

    id = "R26"
    section = "Forwarded LPIs, paragraph 2"
    title = "no HW List Register is linked to an SGI or an LPI"

    LINKED = alarm(
        "linked",
        "KVM wrote LR{index} of CPU {pcpu}: vINTID {vintid} in a HW List Register linked to INTID "
        "{intid}",
    )

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """Look at what KVM writes."""
        lr = f.after
        if lr.state and lr.hw and not 16 <= lr.pintid <= 1019:
            self.report(self.LINKED, index=f.index, pcpu=f.pcpu, vintid=lr.vintid, intid=lr.pintid)


class R27(Rule):
    """An LPI that comes while its guest runs is queued, and the VCPU is made to take it.

    The guest's: it misses it.
    """

    id = "R27"
    section = "Forwarded LPIs, paragraph 3"
    title = "the guest of an LPI gets it, by a kick if it runs"
    kind = EVENTUALLY
    guest = True

    NOT_SERVED = alarm("not-served", "LPI {intid}, which is vINTID {vintid} of VCPU {vcpu}")

    devices: DeviceWork
    finished: Finished
    ideal: IdealGic
    priorities: GuestPriorities

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Where a device has an LPI."""
        return any(x.intid >= FIRST_LPI for x in setting.forwards)

    def at_rest(self) -> None:
        """Name the LPIs whose guests have not served them."""
        for x in self.setting.forwards:
            if x.intid < FIRST_LPI or self.finished.of[x.vcpu].yes:
                continue
            owed = x.vintid in self.devices.of[x.vcpu].vintids
            if owed and self.lets_through(x.vcpu, x.vintid):
                self.report(self.NOT_SERVED, intid=x.intid, vintid=x.vintid, vcpu=x.vcpu)

    def lets_through(self, v: int, vintid: int) -> bool:
        """Tell whether the guest does not hold it back itself: disabled, active, or masked."""
        return not self.ideal.is_held(v, vintid) and self.priorities.takes(v, vintid)
