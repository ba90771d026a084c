"""Where the pending state of a List Register goes (section "Life Cycle", item 3)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.table import Keys, add, has, remove
from model.check.unknown import Bits, Debt
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.check.views.virtual_enables import VirtualEnables
from model.gic.lr import PENDING
from model.gic.registers import FIRST_SPI

__all__ = ["R8"]


class OnCpu(State):
    """``pending``: the registers that are, as far as what was written and moved says."""

    pending: Bits = 0


class OfVcpu(State):
    """vINTIDs.

    ``owed``: taken back pending, and not presented nor over since. ``lowered``: the line was made
    low since it was last written pending, so there is nothing to owe; ``just`` are those of them
    since the VCPU's last exit, which the flush may have read before. ``routed``: routed elsewhere,
    and perhaps back, since the VCPU's last exit (KVM kicks nobody for that); or enabled since then,
    perhaps after the flush, so that it comes by the kick for that.
    """

    owed: Debt[Keys[int]] = ()
    lowered: Keys[int] = ()
    just: Keys[int] = ()
    routed: Keys[int] = ()


class R8(Rule):
    """No pending state is lost: the guest acknowledges it, or KVM takes it back and answers for it.

    What an exit takes back while it is pending is presented again at the VCPU's next entry, unless
    KVM recorded why not: the line was found or made low, the guest disabled it, or other interrupts
    fill the List Registers.
    """

    id = "R8"
    section = "Life Cycle, item 3"
    title = "an LR stays pending until the guest acknowledges or KVM takes it back, and accounts"
    trusts = (
        "a write that KVM has not carried out takes nothing from an LR; one that it only claims "
        "is G2's, G3's and G9's to tell, from the guest's own access"
    )

    BY_ACCESS = alarm(
        "lost-by-access",
        "LR{index} of CPU {pcpu} (vINTID {vintid}) lost its pending state by the guest's {access}",
    )
    BY_NOBODY = alarm(
        "lost-by-nobody",
        "LR{index} of CPU {pcpu} (vINTID {vintid}) lost its pending state and nobody acknowledged "
        "it",
    )
    LEFT_OUT = alarm(
        "left-out",
        "VCPU {vcpu} entered its guest on CPU {pcpu} without vINTID {vintid}, which KVM took back "
        "pending at an exit and did not find to be over",
    )

    loaded: LoadedVcpus
    lrs: ListRegisters
    enables: VirtualEnables

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)
        self.of = self.each_vcpu(OfVcpu)

    # -- in the hardware -----------------------------------------------------------------------

    @on(facts.LrMoved)
    def on_moved(self, f: facts.LrMoved) -> None:
        """A guest takes the pending state by its acknowledge alone."""
        on_cpu, bit = self.on[f.pcpu], 1 << f.index
        if f.after.state & PENDING:
            on_cpu.pending |= bit
            return
        on_cpu.pending &= ~bit
        if f.before.state & PENDING and f.access != "iar":
            self.report(
                self.BY_ACCESS,
                pcpu=f.pcpu,
                index=f.index,
                vintid=f.before.vintid,
                access=f.access,
            )

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """KVM finds what it wrote, unless the guest took it; what it takes back pending it owes."""
        c, i, before, after = f.pcpu, f.index, f.before, f.after
        on_cpu, bit = self.on[c], 1 << i
        pending, was, is_now = on_cpu.pending, before.state & PENDING, after.state & PENDING
        on_cpu.pending = pending | bit if is_now else pending & ~bit
        if not was and pending & bit:
            self.report(self.BY_NOBODY, pcpu=c, index=i, vintid=before.vintid)
        v = self.loaded.on[c].vcpu
        if v < 0:
            return
        of = self.of[v]
        if is_now:
            if not has(of.just, after.vintid):
                of.lowered = remove(of.lowered, after.vintid)
            if after.vintid == before.vintid:
                return
        if was and not has(of.lowered, before.vintid):
            of.owed = add(of.owed, before.vintid)

    # -- what ends a debt ----------------------------------------------------------------------

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """The line rose or fell, for KVM; that of an SPI for whoever has it, wherever it goes."""
        if not f.accepted:
            return
        for of in self.of if f.vintid >= FIRST_SPI else (self.of[f.vcpu],):
            if f.level:
                of.lowered = remove(of.lowered, f.vintid)
                of.just = remove(of.just, f.vintid)
            else:
                of.lowered = add(of.lowered, f.vintid)
                of.just = add(of.just, f.vintid)
                of.owed = remove(of.owed, f.vintid)

    @on(facts.Resampled)
    def on_resample(self, f: facts.Resampled) -> None:
        """KVM found the line low: there is nothing to present any more."""
        if not f.level:
            of = self.of[f.vcpu]
            of.owed = remove(of.owed, f.vintid)

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """It has moved to another VCPU's list, which answers for it now."""
        if f.vintid >= FIRST_SPI:
            for v, of in enumerate(self.of):
                if v != f.vcpu:
                    of.owed = remove(of.owed, f.vintid)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """The guest took the pending state back, or lets it through again."""
        over, enabled = f.register in ("icpendr", "reset"), f.register == "isenabler"
        if over or enabled:
            for of in self.of if f.vintid >= FIRST_SPI else (self.of[f.owner],):
                if over:
                    of.owed = remove(of.owed, f.vintid)
                elif has(of.owed, f.vintid):
                    of.routed = add(of.routed, f.vintid)

    @on(facts.Retargeted)
    def on_retarget(self, f: facts.Retargeted) -> None:
        """It goes elsewhere from here on."""
        for of in self.of:
            of.routed = add(of.routed, f.vintid)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """Whatever is routed elsewhere, or low, is so for the whole of the next stay."""
        of = self.of[f.vcpu]
        of.routed = of.just = ()

    # -- what is owed --------------------------------------------------------------------------

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """What is owed is presented, if there is room and the guest has it enabled."""
        v = f.vcpu
        of = self.of[v]
        if not of.owed:
            return
        used = self.lrs.on[f.pcpu].used
        held = {lr.vintid: lr.state for _, lr in used}
        of.owed = still = tuple([x for x in of.owed if not held.get(x, 0) & PENDING])
        if len(used) >= self.setting.lrs or self.lrs.has_a_turn(f.pcpu):
            return
        for vintid in still:
            if vintid in held or has(of.routed, vintid):
                continue
            if self.setting.masks and vintid in self.setting.direct:
                continue  # its line, which is let through again, brings it back
            if self.enables.is_enabled(v, vintid):
                self.report(self.LEFT_OUT, vcpu=v, pcpu=f.pcpu, vintid=vintid)
