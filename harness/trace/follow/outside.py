"""What is deactivated outside the List Registers (since 6.19): by EOIcount, and by trapped DIR."""

import msgspec

from harness.kvm.steps import Steps
from harness.trace.events import (
    Event,
    FoldLr,
    GuestDir,
    HaltGuest,
    MmioChangeActive,
    Resample,
)
from harness.trace.follow.base import Shared
from harness.trace.follow.context import Flight
from harness.trace.follow.flushes import decoded
from harness.trace.follow.folds import FOLDS, WITHIN_FOLD, Folds
from harness.trace.follow.state import (
    ACTIVE,
    GROUP,
    LATCH,
    LISTED,
    ON_LR,
    PRIORITY,
    Flow,
    TracedIrq,
    Vcpu,
)
from model.guest import DEACTIVATE, Instruction

__all__ = ["Outside"]

INTID = 0xFF_FFFF
NOTHING, HERE, DEFERRED = "nothing", "deactivated here", "as ICACTIVER"


class Outside(Folds):
    """vgic_v3_deactivate, and the fold of what is in no List Register."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.deferred = False

    def defers(self) -> None:
        """Note that the active state would be changed as by a write to ICACTIVER."""
        self.deferred = True

    def on_fold_lr(self, flow: Flow, ev: FoldLr) -> None:
        """Compare the List Register that something outside would have left."""
        vc = flow.vcpu
        if vc is None or vc.fold is None:
            return
        self.end_resample(vc, high=True)
        self.end_release(vc)
        flight = vc.fold
        irq = flight.irq
        if vc.left or flight.at not in FOLDS or not isinstance(irq, TracedIrq):
            return
        seen = decoded(self.machine.version, ev.val)
        changes: dict[str, int | bool] = {"eoi": seen.eoi}  # of no use here
        if not irq.known & PRIORITY:
            changes["priority"] = seen.priority
        if not irq.known & GROUP:
            changes["group"] = seen.group
        expected = msgspec.structs.replace(self.machine.vgics[vc.v].spilled, **changes)
        self.tally.compare("LR of what is outside", expected, seen, vc.v, irq.intid, irq)

    # -- DIR -------------------------------------------------------------------------------------

    def on_guest_dir(self, flow: Flow, ev: GuestDir) -> None:
        """A DIR trapped: whether the hypervisor deactivates here, what follows tells."""
        vc = self.thread(flow, ev.vcpu)
        irq = self.irq(vc.v, ev.val & INTID)
        if irq.known & (LISTED | ON_LR) != LISTED | ON_LR:
            self.tally.unknown("DIR", "whether it is in a List Register is not known")
            irq.known &= ~(ACTIVE | LATCH | LISTED)
            irq.touched = self.at
            return
        # VMCR is in no event; but a guest that writes DIR has chosen EOImode 1.
        vgic = self.machine.vgics[vc.v]
        vgic.vmcr = vgic.vmcr._replace(eoim=1)
        self.kvm.trap = Instruction(DEACTIVATE, irq.intid)
        self.deferred, self.kvm.deferring = False, True
        flight = vc.fold = Flight(vc.t, self.kvm.handle_dir(vc.t))
        self.kvm.deferring = False
        vc.left, vc.counted = 0, False
        expected = NOTHING
        if flight.at is Steps.fold_held:
            expected = HERE
        elif self.deferred:
            expected = DEFERRED

        def end(flow: Flow, ev: Event) -> bool:
            self.end_dir(vc, irq, expected, ev)
            return True

        flow.owed.append(end)

    def end_dir(self, vc: Vcpu, irq: TracedIrq, expected: str, ev: Event) -> None:
        """Compare what a trapped DIR came to."""
        seen = NOTHING
        if isinstance(ev, FoldLr | Resample):
            seen = HERE
        elif isinstance(ev, HaltGuest | MmioChangeActive):
            seen = DEFERRED
        same = self.tally.compare("DIR", expected, seen, vc.v, irq.intid, irq)
        if same and expected == HERE:
            flow_of = self.flows[vc.pid]
            flow_of.owed.append(self.after_dir)
            return
        if vc.fold is not None:
            vc.fold.drop()
            vc.fold = None
        if not same:
            irq.known &= ~(ACTIVE | LATCH | LISTED)
        irq.touched = self.at

    def after_dir(self, flow: Flow, ev: Event) -> bool:
        """Follow a DIR to its end, once its flow goes on."""
        vc = flow.vcpu
        if vc is None or vc.fold is None:
            return True
        if type(ev) in WITHIN_FOLD:
            return False
        self.end_resample(vc, high=True)
        self.end_release(vc)
        if vc.fold.at is not None:
            self.tally.unknown("state after fold", "events of the fold are missing")
            vc.fold.finish()
        vc.fold = None
        return True
