"""The fold of each exit: what the guest left in the List Registers, and what is pruned after it."""

from harness.kvm.steps import Steps
from harness.trace.events import (
    AckIrq,
    Event,
    FoldLr,
    Inject,
    LrExit,
    PhysGet,
    PhysLine,
    PhysSet,
    QueueIrq,
    Resample,
    SetPhysActive,
    Sync,
    TimerLine,
    TimerLineAsked,
    UpdatePending,
    VcpuKick,
    Waking,
)
from harness.trace.follow.base import Shared
from harness.trace.follow.context import Flight, run
from harness.trace.follow.flushes import Flushes, decoded
from harness.trace.follow.state import ACTIVE, LATCH, LINE, LISTED, ON_LR, Flow, TracedIrq, Vcpu
from harness.trace.line import Record
from model.gic.lr import INACTIVE, PENDING, Lr
from model.gic.registers import HCR_EOICOUNT_SHIFT, HCR_LRENPIE
from model.host.thread import OUTSIDE
from model.vgic.irq import VgicIrq

__all__ = ["Folds"]

WITHIN_FOLD = frozenset({
    Resample, PhysSet, PhysGet, SetPhysActive, LrExit, AckIrq, Inject, UpdatePending, QueueIrq,
    VcpuKick, Waking, FoldLr, TimerLineAsked, TimerLine, PhysLine,
})  # fmt: skip
"""What may come between the first and the last List Register of a fold: a level interrupt's end is
told to its device (kvm_notify_acked_irq), which may lower its line at once."""


FOLDS = (Steps.fold_lr, Steps.fold_held)
"""Where a List Register is folded: by the fold, and for a trapped DIR."""
READS = (Steps.resample, Steps.resample_device)


class Folds(Flushes):
    """kvm_vgic_sync_hwstate."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.fold_event: Resample | None = None
        self.active_known = False
        self.sampled: bool | None = None
        self.released: bool | None = None

    def on_sync(self, flow: Flow, ev: Sync) -> None:
        """Begin the way out, of a guest or of an entry that was given up."""
        vc = self.thread(flow, ev.vcpu)
        cpu = vc.cpu = self.cpu
        if vc.flush_at and vc.flush is not None:
            # The entry was given up; what it put into the List Registers is consumed.
            self.end_flush(vc)
            if vc.manual:
                self.reorder(vc)
        vc.unfolded = vc.entered > 0 or vc.flush_at > 0
        vc.drop_flush()
        vc.inside, vc.entered = False, 0
        self.machine.threads[vc.v].mode = OUTSIDE
        self.left_guest(vc)
        vc.pruning = self.at
        self.shared.due[cpu] = (self, vc)

    def on_lr_exit(self, flow: Flow, ev: LrExit) -> None:
        """Begin the fold, of the List Registers as the guest left them."""
        vc = self.thread(flow, ev.vcpu)
        self.set_version(ev.version)
        self.check_vtimer(
            "state at exit", vc, (ev.v_line, ev.v_latch, ev.v_active, ev.v_en, ev.v_hw)
        )
        self.machine.need_lrs(ev.used)
        vgic = self.machine.vgics[vc.v]
        if vc.unfolded:
            self.tally.compare("LRs folded", vgic.used, ev.used, vc.v)
        vc.unfolded = False
        seen = [decoded(ev.version, lr) for lr in ev.lrs[: ev.used]]
        # Those that the trace does not show are left as they are.
        vgic.used = len(seen)
        vgic.lrs = (*seen, *vgic.lrs[len(seen) :])
        for lr in seen:
            self.irq(vc.v, lr.vintid)
        vc.left, vc.counted = len(seen), True
        if ev.hcr > 0 and ev.hcr & HCR_LRENPIE:
            self.count_outside(vc, ev.hcr >> HCR_EOICOUNT_SHIFT)
        vc.pruning = vc.pruning or self.at
        self.shared.due[self.cpu] = (self, vc)
        vc.fold = Flight(vc.t, self.kvm.fold_lrs(vc.t))

    def completed_outside(self, vc: Vcpu) -> None:
        """What the guest completed outside the List Registers, by EOIcount, is not known."""
        vc.counted = False
        vgic = self.machine.vgics[vc.v]
        inside = {lr.vintid for lr in vgic.lrs[: vgic.used]}
        for intid in vgic.ap_list:
            if intid not in inside:
                self.tally.unknown("completed outside", "how many were is not shown")
                self.machine.irq(vc.v, intid).known &= ~(ACTIVE | LATCH | LINE | LISTED)

    def count_outside(self, vc: Vcpu, count: int) -> None:
        """Have the fold deactivate ``count`` that are outside, if it is known which are there."""
        vgic = self.machine.vgics[vc.v]
        self.tally.shown.add("EOIcount")
        if vgic.used:
            vgic.last_lr = vgic.lrs[vgic.used - 1].vintid
        irqs = [self.machine.irq(vc.v, intid) for intid in vgic.ap_list]
        if vc.whole and all(irq.known & LISTED and irq.known & ACTIVE for irq in irqs):
            vgic.eoicount = count
        elif count:
            self.completed_outside(vc)

    def on_resample(self, flow: Flow, ev: Resample) -> None:
        """Fold one List Register; the line may have to be read again."""
        vc = flow.vcpu
        if vc is None or vc.fold is None:
            return
        flight = vc.fold
        self.end_resample(vc, high=True)
        self.end_release(vc)
        irq = flight.irq
        if flight.at not in FOLDS or not isinstance(irq, TracedIrq):
            if flight.at is None and vc.counted and not vc.left:
                seen = f"vINTID {ev.intid}"
                self.tally.differ("completed outside", "none", seen, vc.v, ev.intid)
            return
        if vc.left:
            vc.left -= 1
        elif flight.at is Steps.fold_lr:
            self.tally.compare("completed outside", irq.intid, ev.intid, vc.v, ev.intid, irq)
        if irq.intid != ev.intid:
            self.tally.differ("order of the fold", str(irq.intid), str(ev.intid), vc.v, ev.intid)
            flight.drop()
            return
        self.fold_event = ev
        self.active_known = bool(irq.known & ACTIVE)
        self.check_on_lr(irq, vc.v, ev.on_lr)
        flight.go()
        self.fold_event = None
        irq.touched = self.at

    def folded(self, irq: VgicIrq, lr: Lr, deactivated: bool) -> None:
        """Compare what the fold made of an interrupt, before its line is read again."""
        ev = self.fold_event
        assert isinstance(irq, TracedIrq), "a traced one"
        irq.known |= ACTIVE | ON_LR
        if lr.state & PENDING and not irq.level:
            irq.known |= LATCH
        if lr.state == INACTIVE and irq.level:
            irq.known |= LATCH
        if ev is None:
            irq.known &= ~LINE if irq.is_mapped_level() else -1
            return
        v = irq.owner()
        self.check_state(
            "state after fold", irq, v, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw)
        )
        self.check_more(irq, v, ev)
        if ev.lr_deact is not None:
            if self.active_known:
                self.tally.compare("deactivated", deactivated, ev.lr_deact, v, irq.intid, irq)
            else:
                self.tally.unknown("deactivated", "the state before is not known")
        if ev.lr_pend is not None:
            pending = bool(lr.state & PENDING)
            self.tally.compare("still pending", pending, ev.lr_pend, v, irq.intid, irq)

    def phys_active(self, v: int, intid: int, active: bool) -> None:
        """Note the physical active state that would be written."""
        super().phys_active(v, intid, active)
        self.released = active

    def on_line_read(self, flow: Flow, ev: TimerLine | PhysLine) -> None:
        """The line was read: that of a timer is told by two functions, one in the other."""
        vc = flow.vcpu
        again, flow.line_read = flow.line_read, type(ev) is TimerLine
        if vc is None or vc.fold is None:
            return
        flight = vc.fold
        irq = flight.irq
        if flight.at in READS and isinstance(irq, TracedIrq):
            self.tally.equal["line read again"] += 1
            self.released = None
            self.end_resample(vc, high=ev.level, shown=True)
            vc.release = (irq.intid, self.released)
        elif not again:
            self.tally.differ("line read again", "not read", f"read {int(ev.level)}", vc.v)

    def end_release(self, vc: Vcpu) -> None:
        """The fold goes on: after a line that is low the physical interrupt was released."""
        if vc.release is None:
            return
        (intid, write), vc.release = vc.release, None
        if write is None:
            self.tally.equal["released at fold"] += 1
        elif PhysSet in self.kinds:
            self.tally.differ("released at fold", str(int(write)), "none", vc.v, intid)

    def end_resample(self, vc: Vcpu, *, high: bool, shown: bool = False) -> None:
        """Say what the line was read as, if it was read: low means that it was released.

        ``shown``: an event has it; else it is told by what follows.
        """
        flight = vc.fold
        if flight is not None and flight.at in READS:
            irq = flight.irq
            if PhysLine in self.kinds and not shown:
                intid = -1 if irq is None else irq.intid
                self.tally.differ("line read again", "read", "not read", vc.v, intid)
            self.sampled = high
            flight.go()
            self.sampled = None
            if isinstance(irq, TracedIrq):
                if PhysSet in self.kinds or shown:
                    irq.known |= LINE
                else:
                    irq.known &= ~LINE
                irq.touched = self.at

    def line(self, irq: VgicIrq) -> bool:
        """Return the line as the kernel read it."""
        if self.sampled is not None:
            return self.sampled
        return super().line(irq)

    def settle(self, vc: Vcpu) -> None:
        """Follow the rest of an exit: the fold to its end, and the prune, which has no event."""
        self.shared.due.pop(vc.cpu, None)
        vc.pruning = 0
        flight, vc.fold = vc.fold, None
        if flight is None:
            self.check_unfolded(vc)
        else:
            self.end_resample_of(vc, flight)
            if flight.at is not None:
                left = flight.irq if vc.counted and not vc.left else None
                if left is not None and Resample in self.kinds:
                    told = f"vINTID {left.intid}"
                    self.tally.differ("completed outside", told, "none", vc.v, left.intid)
                else:
                    self.tally.unknown("state after fold", "events of the fold are missing")
                self.sampled = True
                flight.finish()
                self.sampled = None
        self.prune(vc)

    def check_unfolded(self, vc: Vcpu) -> None:
        """Compare: nothing was folded at this exit; so nothing was in the List Registers."""
        vgic = self.machine.vgics[vc.v]
        unfolded, vc.unfolded = vc.unfolded, False
        if unfolded and LrExit in self.kinds:
            self.tally.compare("LRs folded", vgic.used, 0, vc.v)
        vgic.used = 0

    def end_resample_of(self, vc: Vcpu, flight: Flight) -> None:
        """End a resample that nothing followed."""
        vc.fold = flight
        self.end_resample(vc, high=True)
        self.end_release(vc)
        vc.fold = None

    def prune(self, vc: Vcpu) -> None:
        """Have the hypervisor look at the list; where an unknown interrupt is then is not known."""
        vgic = self.machine.vgics[vc.v]
        before = vgic.ap_list
        self.expected_kicks = []
        run(self.kvm.prune(vc.t))
        for intid in before:
            irq = self.machine.irq(vc.v, intid)
            if not self.sure(irq):
                irq.known &= ~LISTED
        if self.expected_kicks:
            self.migrated(vc, self.expected_kicks)

    def unqueued(self, irq: VgicIrq) -> None:
        """Note when an interrupt left its list."""
        if isinstance(irq, TracedIrq):
            irq.off = self.at

    def settled_by(self, vc: Vcpu, flow: Flow, record: Record) -> None:
        """Follow the rest of an exit if ``record``, on its CPU, is not part of it."""
        if not self.within_exit(vc, flow, record.event):
            self.begin(record)
            self.settle(vc)

    def within_exit(self, vc: Vcpu, flow: Flow, ev: Event) -> bool:
        """Tell whether an event belongs to the exit of ``vc`` that is being followed."""
        if flow.vcpu is not vc or type(ev) not in WITHIN_FOLD:
            return False
        if type(ev) is LrExit:
            return vc.fold is None
        flight = vc.fold
        if flight is not None and type(ev) in (FoldLr, Resample):
            return True
        return flight is not None and (flight.at is not None or vc.release is not None)
