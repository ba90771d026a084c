"""A register reads as it is (G1)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.accesses import step_of
from model.check.views.distributor_switch import DistributorSwitch
from model.check.views.ideal_gic import IdealGic
from model.check.views.lines import Lines
from model.gic.registers import FIRST_SPI
from model.messages import VTIMER_PPI
from model.rules.guest.excuses import reads_memory
from model.timer import PTIMER_PPI

__all__ = ["G1"]

FIELDS = {
    "ispendr": "pending",
    "isactiver": "active",
    "isenabler": "enabled",
    "irouter": "target",
    "ipriorityr": "priority",
}
"""The registers, as ``IdealGic`` calls what they have."""
NUMBERS = ("target", "priority")
"""Those that have a number, and not a bit."""


class Reading(State):
    """What its guest reads just now: ``register``, of ``vintid`` (-1: nothing)."""

    register: Debt[str] = ""
    vintid: Debt[int] = -1


class G1(Rule):
    """A guest reads of an interrupt what it may have been at some moment while it was reading."""

    id = "G1"
    section = "a GIC without virtualisation (IHI0069 chapter 12, GICD_* and GICR_*)"
    title = "a register of the distributor reads as the guest's own accesses and devices made it"
    guest = True

    WRONG = alarm(
        "wrong",
        "the guest of VCPU {vcpu} read {register} of vINTID {vintid} as {value:0|1}, and it was "
        "{value:1|0} all the time",
    )

    OTHER = alarm(
        "other",
        "the guest of VCPU {vcpu} read {register} of vINTID {vintid} as {value}, which it was at "
        "no time meanwhile",
    )
    UNANSWERED = alarm(
        "unanswered",
        "the guest of VCPU {vcpu} went on after a read of {register} for vINTID {vintid} that "
        "nobody answered",
    )

    SWITCH = alarm(
        "switch",
        "the guest of VCPU {vcpu} read GICD_CTLR as {value:0|1}, and it was {value:1|0} all the "
        "time",
    )

    ideal: IdealGic
    lines: Lines
    switch: DistributorSwitch

    def setup(self) -> None:
        """Make the states; note which physical interrupt a device's level is."""
        self.of = self.each_vcpu(Reading)
        self.intids = {x.vintid: x.intid for x in self.setting.forwards if x.level}
        self.held = frozenset(x.vintid for x in self.setting.software if x.resample)

    @on(facts.GuestAccess)
    def on_access(self, f: facts.GuestAccess) -> None:
        """A guest begins to read."""
        if f.value < 0:
            of = self.of[f.vcpu]
            of.register, of.vintid = f.register, f.vintid

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It goes on, with a value."""
        of = self.of[f.vcpu]
        if of.vintid >= 0:
            vintid, of.vintid = of.vintid, -1
            self.report(self.UNANSWERED, vcpu=f.vcpu, register=of.register, vintid=vintid)

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """It starts anew."""
        self.of[f.vcpu].vintid = -1

    @on(facts.DistRead)
    def on_dist(self, f: facts.DistRead) -> None:
        """The guest is told whether its distributor is on."""
        seen = self.switch.vm.read(f.vcpu, "on")
        if seen and not seen >> f.value & 1:
            self.report(self.SWITCH, vcpu=f.vcpu, value=f.value)

    @on(facts.RegisterRead)
    def on_read(self, f: facts.RegisterRead) -> None:
        """The guest gets a value."""
        if self.of[f.vcpu].vintid == f.vintid:
            self.of[f.vcpu].vintid = -1
        name = FIELDS[f.register]
        owner = f.owner if f.owner >= 0 else f.vcpu
        irq = self.ideal.irq(owner, f.vintid)
        seen = irq.read(f.vcpu, name)
        if name in NUMBERS:
            value = step_of(f.value) if name == "priority" else f.value
            if seen and (not seen >> value & 1 or (name == "priority" and f.value & 7)):
                self.report(
                    self.OTHER,
                    vcpu=f.vcpu,
                    register=f.register.upper(),
                    vintid=f.vintid,
                    value=f.value,
                )
            return
        own = f.owner == f.vcpu
        if f.vintid >= FIRST_SPI:
            own = not irq.routed and self.ideal.goes_to(irq, f.vintid) == f.vcpu
        if not seen or seen >> f.value & 1 or reads_memory(self.era, f, own=own):
            return
        if name == "pending":
            if f.vintid in (VTIMER_PPI, PTIMER_PPI) or (f.value and f.vintid in self.held):
                return
            intid = self.intids.get(f.vintid, -1)
            if intid >= 0 and f.value == self.lines.has(-1, intid):
                return
        self.report(
            self.WRONG, vcpu=f.vcpu, register=f.register.upper(), vintid=f.vintid, value=f.value
        )
