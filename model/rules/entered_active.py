"""What a guest is entered with is active at the distributor, on the CPU that is entered.

Section "Life Cycle", note (*), and section "Edge and Level", first and last paragraph. A host that
has the interrupt disabled at the distributor needs no active state to hold it back.
"""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.active_states import ActiveStates
from model.check.views.host_masks import HostMasks
from model.check.views.list_registers import ListRegisters
from model.check.views.software_states import SoftwareStates
from model.check.views.timer_levels import TimerLevels
from model.gic.lr import PENDING

__all__ = ["R12", "R15", "R23"]


class OnCpu(State):
    """``set_active``: KVM or its host set the timer's interrupt active for who runs there."""

    set_active: bool = False


class R12(Rule):
    """Shared interrupts: the active state is set on the CPU that is entered, by KVM or its host."""

    id = "R12"
    section = "Life Cycle, note (*)"
    title = "the active state was set on the entered CPU since the VCPU got it or last completed"

    NOT_SET = alarm(
        "not-set",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} pending, but nobody had "
        "set INTID {intid} active on that CPU",
    )

    lrs: ListRegisters
    masks: HostMasks

    def setup(self) -> None:
        """Make the states."""
        self.on = self.direct_pcpus(OnCpu)

    @on(facts.Placed)
    def on_placed(self, f: facts.Placed) -> None:
        """A VCPU got the CPU: what was set was for another."""
        for cpus in self.on.values():
            cpus[f.pcpu].set_active = False

    @on(facts.ActiveChanged)
    def on_active(self, f: facts.ActiveChanged) -> None:
        """The host's acknowledge or KVM's write sets it; a deactivation ends it."""
        if f.pcpu >= 0 and f.intid in self.on:
            self.on[f.intid][f.pcpu].set_active = f.after and f.cause in ("ack", "write")

    @on(facts.PhysActiveWritten)
    def on_write(self, f: facts.PhysActiveWritten) -> None:
        """KVM writes it, changed or not."""
        if f.intid in self.on:
            self.on[f.intid][f.pcpu].set_active = f.value

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is presented was set."""
        c = f.pcpu
        for intid, cpus in self.on.items():
            lr = self.lrs.timer(c, intid)
            held = cpus[c].set_active or self.masks.has(lr.pintid)
            if lr.state == PENDING and lr.hw and not held:
                self.report(self.NOT_SET, vcpu=f.vcpu, pcpu=c, vintid=lr.vintid, intid=lr.pintid)


class R15(Rule):
    """What is injected is active on the physical distributor."""

    id = "R15"
    section = "Edge and Level, paragraph 1"
    title = "a forwarded interrupt is active at the distributor when it is presented to the guest"

    INACTIVE = alarm(
        "inactive",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with vINTID {vintid} pending, but INTID "
        "{intid} is not active there",
    )

    lrs: ListRegisters
    active: ActiveStates
    masks: HostMasks

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is pending in a HW register is active there."""
        c = f.pcpu
        for _, lr in self.lrs.on[c].used:
            held = self.active.has(c, lr.pintid) or self.masks.has(lr.pintid)
            if lr.hw and lr.state == PENDING and not held:
                self.report(self.INACTIVE, vcpu=f.vcpu, pcpu=c, vintid=lr.vintid, intid=lr.pintid)


class R23(Rule):
    """Whenever a VCPU with HW registers in use is scheduled, the interrupt is active there.

    And the dual, which the document leaves out: where it needs no active state, none may be left.
    """

    id = "R23"
    section = "Edge and Level, last paragraph"
    title = "at load and entry the active state on that CPU is what the VCPU needs"

    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} is scheduled on CPU {pcpu} with vINTID {vintid} in a HW List Register, but "
        "INTID {intid} is not active there",
    )
    LOADED = alarm(
        "loaded",
        "VCPU {vcpu} was loaded on CPU {pcpu}, its interrupt is active or its line high, but INTID "
        "{intid} is not active there",
    )

    lrs: ListRegisters
    active: ActiveStates
    software: SoftwareStates
    levels: TimerLevels
    masks: HostMasks

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether it holds: not where an LR may stay active after its deactivation.

        There this is legal until the next exit.
        """
        return setting.lr_on_guest_deactivate not in ("polled", "quirk") and not setting.masks

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is in a HW register is active there."""
        c = f.pcpu
        for _, lr in self.lrs.on[c].used:
            held = self.active.has(c, lr.pintid) or self.masks.has(lr.pintid)
            if lr.hw and not held:
                self.report(self.ENTERED, vcpu=f.vcpu, pcpu=c, vintid=lr.vintid, intid=lr.pintid)

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """The load made the timers' interrupts active that need to be."""
        if self.era != "v7.2":
            return
        v, c = f.vcpu, f.pcpu
        for intid, levels in self.levels.direct.items():
            needed = self.software.direct[intid][v].active or levels[v].high
            if needed and not self.active.has(c, intid) and not self.masks.has(intid):
                self.report(self.LOADED, vcpu=v, pcpu=c, intid=intid)
