"""Who may write a List Register and when (section "The HW bit", paragraph 1)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Bits
from model.check.views.guests import Guests
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.gic.lr import EMPTY

__all__ = ["R1", "R2"]


class Use(State):
    """``in_use``: the registers written in use and not taken back. ``handler``: one runs there."""

    in_use: Bits = 0
    handler: bool = False


class R1(Rule):
    """The registers are the world switch's: written and taken back with interrupts off, there.

    From the first that is written in use until the last is taken back, the CPU takes no interrupt:
    not before the entry, and not between the exit and the save. No handler writes one, nobody does
    while a guest runs on that CPU, nor for a VCPU that is not loaded there. Whoever else has
    something for a VCPU makes a request and kicks.
    """

    id = "R1"
    section = "The HW bit, paragraph 1"
    title = "the LRs of a CPU are in use only around a guest stay of its VCPU, interrupts off"

    GUEST = alarm(
        "guest-runs",
        "LR{index} of CPU {pcpu} was written (vINTID {vintid}, "
        "{state:inactive|pending|active|pending+active}) while the guest of VCPU {vcpu} ran there",
    )
    UNLOADED = alarm(
        "none-loaded",
        "LR{index} of CPU {pcpu} was written (vINTID {vintid}, "
        "{state:inactive|pending|active|pending+active}) with no VCPU loaded there",
    )
    HANDLER = alarm(
        "in-handler",
        "LR{index} of CPU {pcpu} was written (vINTID {vintid}, "
        "{state:inactive|pending|active|pending+active}) within a host handler",
    )
    TAKEN = alarm(
        "interrupts-on",
        "CPU {pcpu} took an interrupt with List Registers written and not taken back: interrupts "
        "were on around its guest stay",
    )

    guests: Guests
    loaded: LoadedVcpus

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Use)
        self.all = (1 << self.setting.lrs) - 1

    @on(facts.IsrBegan)
    def on_isr_began(self, f: facts.IsrBegan) -> None:
        """A handler runs there."""
        self.on[f.pcpu].handler = True

    @on(facts.IsrEnded)
    def on_isr_ended(self, f: facts.IsrEnded) -> None:
        """It is over."""
        self.on[f.pcpu].handler = False

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """It is the world switch that writes, of the VCPU that is loaded."""
        c, i, after = f.pcpu, f.index, f.after
        on_cpu, state = self.on[c], after.state
        if state:
            on_cpu.in_use |= 1 << i
        else:
            on_cpu.in_use &= ~(1 << i)
        v = self.guests.on[c].vcpu
        if v >= 0:
            self.report(self.GUEST, vcpu=v, pcpu=c, index=i, vintid=after.vintid, state=state)
        elif state and self.loaded.on[c].vcpu < 0:
            self.report(self.UNLOADED, pcpu=c, index=i, vintid=after.vintid, state=state)
        elif on_cpu.handler:
            self.report(self.HANDLER, pcpu=c, index=i, vintid=after.vintid, state=state)

    @on(facts.InterruptTaken)
    def on_taken(self, f: facts.InterruptTaken) -> None:
        """Interrupts are on: no register may be in use."""
        if self.on[f.pcpu].in_use & self.all:
            self.report(self.TAKEN, pcpu=f.pcpu)


class Written(State):
    """``fresh``: the registers written in use since the last exit; ``hollow``: not empty, idle."""

    fresh: Bits = 0
    hollow: Bits = 0


class R2(Rule):
    """What KVM counts as used is in use, and what it does not is empty."""

    id = "R2"
    section = "The HW bit, paragraph 1"
    title = "the LRs in use at an entry are those KVM wrote for it; a loaded VCPU finds none"

    HOLLOW = alarm(
        "hollow",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with LR{index} counted as used, but inactive",
    )
    ENTERED = alarm(
        "stale-at-entry",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with LR{index} (vINTID {vintid}, "
        "{state:inactive|pending|active|pending+active}) left there by an earlier stay",
    )
    LOADED = alarm(
        "stale-at-load",
        "VCPU {vcpu} was loaded on CPU {pcpu} with LR{index} (vINTID {vintid}, "
        "{state:inactive|pending|active|pending+active}) left there by an earlier stay",
    )

    lrs: ListRegisters

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(Written)
        self.all = (1 << self.setting.lrs) - 1

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """KVM counts it as used unless it wrote the empty value."""
        on_cpu, bit = self.on[f.pcpu], 1 << f.index
        if f.after.state:
            on_cpu.fresh |= bit
            on_cpu.hollow &= ~bit
            return
        on_cpu.fresh &= ~bit
        if f.after == EMPTY:
            on_cpu.hollow &= ~bit
        else:
            on_cpu.hollow |= bit

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """What is in use from here on is of an earlier stay."""
        self.on[f.pcpu].fresh = 0

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is in use was written for this stay."""
        c = f.pcpu
        on_cpu = self.on[c]
        if hollow := on_cpu.hollow & self.all:
            lowest = (hollow & -hollow).bit_length() - 1
            self.report(self.HOLLOW, vcpu=f.vcpu, pcpu=c, index=lowest)
        fresh = on_cpu.fresh
        for i, lr in self.lrs.on[c].used:
            if not fresh >> i & 1:
                self.report(
                    self.ENTERED, vcpu=f.vcpu, pcpu=c, index=i, vintid=lr.vintid, state=lr.state
                )

    @on(facts.Loaded)
    def on_load(self, f: facts.Loaded) -> None:
        """Nothing is in use."""
        for i, lr in self.lrs.on[f.pcpu].used:
            self.report(
                self.LOADED, vcpu=f.vcpu, pcpu=f.pcpu, index=i, vintid=lr.vintid, state=lr.state
            )
