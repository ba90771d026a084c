"""List Registers: the flush of each entry, the fold of each exit, and what is pruned after it."""

from functools import lru_cache

import msgspec

from harness.kvm.steps import Steps
from harness.trace.events import (
    Flush,
    LrEntry,
    LrExit,
    PhysGet,
    PhysSet,
    Populate,
    Resample,
    SetPhysActive,
    Sync,
)
from harness.trace.follow.base import Base, Shared
from harness.trace.follow.context import Flight, run
from harness.trace.follow.kernels import OVERFLOW
from harness.trace.follow.state import (
    ACTIVE,
    FOREVER,
    GROUP,
    LATCH,
    LEVEL,
    LINE,
    LISTED,
    PRIORITY,
    SOURCE,
    Flow,
    TracedIrq,
    Vcpu,
)
from harness.trace.line import Record
from model.gic.lr import INACTIVE, PENDING, Lr, decode_v2, decode_v3
from model.gic.registers import HCR_EN, HCR_LRENPIE, HCR_NPIE, HCR_TDIR, HCR_UIE
from model.host.thread import IN_GUEST, OUTSIDE
from model.vgic.irq import VgicIrq

__all__ = ["Registers"]

WITHIN_FOLD = (Resample, PhysSet, PhysGet, SetPhysActive, LrExit)
HCR_DECIDED = HCR_EN | HCR_UIE | HCR_NPIE | HCR_LRENPIE | HCR_TDIR
"""The bits of ICH_HCR_EL2 that the flush decides on; EOIcount and the groups' are others."""
SHOWN_LRS = 4


@lru_cache(maxsize=4096)
def decoded(version: int, value: int) -> Lr:
    """Return the List Register that ``value`` stands for."""
    return decode_v2(value) if version == 2 else decode_v3(value)


class Registers(Base):
    """vgic_flush_lr_state, vgic_fold_lr_state and vgic_prune_ap_list."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.filling: Vcpu | None = None
        self.fold_event: Resample | None = None
        self.active_known = False
        self.sampled: bool | None = None
        self.constant_hcr: int | None = None

    # -- flush -----------------------------------------------------------------------------------

    def on_flush(self, flow: Flow, ev: Flush, record: Record) -> None:
        """Begin a flush: up to the first interrupt that may go into a List Register."""
        vc = self.thread(flow, ev.vcpu, record.where.cpu)
        vc.cpu = record.where.cpu
        self.check_vtimer("state at flush", vc, (ev.v_line, ev.v_latch, ev.v_active, ev.v_en, ev.v_hw))
        vc.drop_flush()
        vc.flush_at = self.at
        vc.inside = None
        self.machine.vgics[vc.v].used = 0
        if self.kvm.needs_flush(vc.t):
            vc.flush = Flight(self.kvm.flush_lrs(vc.t))

    def on_populate(self, flow: Flow, ev: Populate, record: Record) -> None:
        """Put one interrupt into a List Register, if it is the next."""
        vc = self.thread(flow, ev.vcpu, record.where.cpu)
        self.set_version(ev.version)
        irq = self.irq(vc.v, ev.intid)
        if not vc.flush_at:
            vc.flush_at, vc.whole, vc.manual, vc.partial = self.at, False, True, True
            self.machine.vgics[vc.v].used = ev.lr
        next_one = self.advance(vc, irq)
        self.check_state(
            "state at populate", irq, vc.v, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw)
        )
        if ev.cfg >= 0:
            self.check_trigger(irq, vc.v, level=ev.cfg == 1)
        if ev.hw and ev.hwintid >= 0:
            irq.hwintid = ev.hwintid
        self.tally.compare("number of LRs", self.machine.vgics[vc.v].used, ev.lr, vc.v, ev.intid)
        self.machine.need_lrs(ev.lr + 1)
        self.machine.vgics[vc.v].used = ev.lr
        self.filling = vc
        count = len(vc.flushed)
        if next_one and vc.flush is not None:
            vc.flush.go()
            if len(vc.flushed) == count:
                seen = f"vINTID {ev.intid} in a List Register"
                self.tally.differ("LR set", "none", seen, vc.v, ev.intid, irq.told_state())
                vc.manual = True
        if len(vc.flushed) == count:
            self.kvm.put_in_lr(vc.t, irq)
        self.filling = None
        if irq.vcpu != vc.v:
            self.put_on(irq, vc.v)
        irq.known |= LISTED
        irq.touched = self.at

    def check_trigger(self, irq: TracedIrq, v: int, *, level: bool) -> None:
        """Compare whether an interrupt is level-sensitive."""
        if irq.known & LEVEL:
            self.tally.compare("trigger", irq.level, level, v, irq.intid)
        irq.level = level
        irq.known |= LEVEL

    def populated(self, irq: VgicIrq, lr: Lr) -> None:
        """Note what the hypervisor put into the next List Register."""
        assert self.filling is not None, "a flush is under way"
        assert isinstance(irq, TracedIrq), "a traced one"
        self.filling.flushed.append((irq, lr))

    def advance(self, vc: Vcpu, irq: TracedIrq | None) -> bool:
        """Go on to ``irq``, past what does not belong here; return whether it is the next.

        None: to the end. From the first on that the kernel did not take as the hypervisor would,
        its order is followed.
        """
        flight = vc.flush
        while not vc.manual and flight is not None and flight.at is Steps.populate_lr:
            other = vc.t.irq
            if other is irq:
                return True
            assert isinstance(other, TracedIrq), "a traced one"
            if self.kvm.target_oracle(vc.t, other) == vc.v:
                self.passed_over(vc, other, irq)
                break
            flight.go()
        if irq is not None and not vc.manual:
            self.unforeseen(vc, irq)
        if irq is not None or (flight is not None and flight.at is Steps.populate_lr):
            vc.manual = True
        return False

    def passed_over(self, vc: Vcpu, other: TracedIrq, irq: TracedIrq | None) -> None:
        """Compare: the hypervisor would take ``other`` here, the kernel took ``irq``, or none."""
        kind = "order of LRs" if irq is not None else "LR set"
        at = vc.flush_at
        if not vc.whole or not self.sure(other) or not other.known & LISTED:
            self.tally.unknown(kind, "the list is not known")
        elif other.until >= at or other.touched >= at:
            self.tally.unknown(kind, "queued or changed during the flush")
        elif irq is not None and (irq.until >= at or not irq.known & LISTED):
            self.tally.unknown(kind, "queued or changed during the flush")
        elif irq is not None and other.since < irq.until and irq.since < other.until:
            self.tally.unknown(kind, "insertions into the list overlap")
        else:
            expected = f"vINTID {other.intid} next"
            seen = "the end" if irq is None else f"vINTID {irq.intid}"
            self.tally.differ(kind, expected, seen, vc.v, other.intid, other.told_state())
        vc.manual = True

    def unforeseen(self, vc: Vcpu, irq: TracedIrq) -> None:
        """Compare: the kernel took ``irq``, of which the hypervisor does not know here."""
        if not vc.whole or not irq.known & LISTED or irq.touched >= vc.flush_at:
            self.tally.unknown("LR set", "the list is not known")
        elif irq.until >= vc.flush_at:
            self.tally.unknown("LR set", "queued or changed during the flush")
        else:
            seen = f"vINTID {irq.intid} in a List Register"
            self.tally.differ("LR set", "none", seen, vc.v, irq.intid, irq.told_state())

    def on_lr_entry(self, flow: Flow, ev: LrEntry, record: Record) -> None:
        """End the flush: what is in the List Registers, and in HCR."""
        vc = self.thread(flow, ev.vcpu, record.where.cpu)
        self.check_vtimer(
            "state at entry", vc, (ev.v_line, ev.v_latch, ev.v_active, ev.v_en, ev.v_hw)
        )
        vgic = self.machine.vgics[vc.v]
        self.machine.need_lrs(ev.used)
        started = vc.flush_at > 0
        if started:
            self.end_flush(vc)
            if vc.partial:
                self.tally.unknown("LR set and order", "the flush began before the trace")
            else:
                self.check_registers(vc, ev)
        vgic.used = ev.used
        seen = [decoded(self.machine.version, lr) for lr in ev.lrs[: ev.used]]
        vgic.lrs = (*seen, *vgic.lrs[len(seen) :])
        if started and not vc.manual:
            self.check_hcr(vc, ev)
        elif started:
            self.tally.unknown("HCR", "the list is not known")
        vc.whole = started and not vc.partial and ev.used < len(vgic.lrs)
        if vc.manual:
            self.reorder(vc)
        vc.drop_flush()
        vc.inside = True
        vc.entered = self.at
        self.machine.threads[vc.v].mode = IN_GUEST

    def end_flush(self, vc: Vcpu) -> None:
        """Go on to the end of a flush."""
        flight = vc.flush
        if flight is None:
            return
        self.filling = vc
        self.advance(vc, None)
        if flight.at is Steps.populate_lr:
            flight.drop()
        else:
            flight.finish()
        self.filling = None

    def check_registers(self, vc: Vcpu, ev: LrEntry) -> None:
        """Compare the List Registers with those that the hypervisor filled."""
        version = self.machine.version
        shown = ev.lrs[: min(ev.used, SHOWN_LRS)]
        seen = [decoded(version, value) for value in shown]
        expected = [irq.intid for irq, _ in vc.flushed[:SHOWN_LRS]]
        told = " ".join(map(str, expected))
        same = self.tally.compare(
            "LR set and order", (len(vc.flushed), expected), (ev.used, [lr.vintid for lr in seen]),
            vc.v, -1, told,
        )  # fmt: skip
        if ev.used > SHOWN_LRS:
            self.tally.unknown("LR bits", "List Registers beyond four are not shown")
        if not same:
            return
        for (irq, lr), value in zip(vc.flushed, seen, strict=False):
            if lr == value:
                self.tally.equal["LR bits"] += 1
            else:
                self.check_lr(vc, irq, lr, value)
            irq.priority, irq.group = value.priority, value.group
            irq.known |= PRIORITY | GROUP

    def check_lr(self, vc: Vcpu, irq: TracedIrq, lr: Lr, seen: Lr) -> None:
        """Compare the fields of a List Register that are known."""
        changes: dict[str, int | bool] = {}
        if not irq.known & PRIORITY:
            changes["priority"] = seen.priority
        if not irq.known & GROUP and self.machine.version == 3:
            changes["group"] = seen.group
        if irq.sourced and not irq.known & SOURCE:
            changes["source"], changes["eoi"] = seen.source, seen.eoi
        expected = msgspec.structs.replace(lr, **changes) if changes else lr
        self.tally.compare("LR bits", expected, seen, vc.v, irq.intid, irq.told_state())

    def check_hcr(self, vc: Vcpu, ev: LrEntry) -> None:
        """Compare ICH_HCR_EL2, as far as it is decided anew at each flush."""
        if ev.hcr < 0:
            return
        vgic = self.machine.vgics[vc.v]
        if vc.flush is None or ev.hcr == 0:
            # Neither wrote it: it is what the last flush left.
            return
        bits = HCR_DECIDED
        if self.constant_hcr is None:
            self.constant_hcr = ev.hcr & HCR_TDIR
        if not self.shared.kernel.has(OVERFLOW):
            expected = vgic.hcr | self.constant_hcr
        else:
            expected = vgic.hcr
            if self.machine.spis:
                bits &= ~HCR_TDIR
                self.tally.unknown("HCR.TDIR", "how many SPIs are in flight is not known")
        self.tally.compare(
            "HCR", f"{expected & bits:#x}", f"{ev.hcr & bits:#x}", vc.v, -1,
            f"{len(vgic.ap_list)} on the list, {len(vgic.lrs)} List Registers",
        )  # fmt: skip

    def reorder(self, vc: Vcpu) -> None:
        """Take over the order in which the kernel took the interrupts of the list."""
        vgic = self.machine.vgics[vc.v]
        order = [irq.intid for irq, _ in vc.flushed]
        vgic.ap_list = (*order, *(n for n in vgic.ap_list if n not in order))
        for irq, _ in vc.flushed:
            if irq.until < FOREVER:
                irq.since = irq.until = vc.flush_at

    # -- fold ------------------------------------------------------------------------------------

    def on_sync(self, flow: Flow, ev: Sync, record: Record) -> None:
        """Begin the way out, of a guest or of an entry that was given up."""
        vc = self.thread(flow, ev.vcpu, record.where.cpu)
        cpu = vc.cpu = record.where.cpu
        if vc.flush_at and vc.flush is not None:
            # The entry was given up; what it put into the List Registers is consumed.
            self.end_flush(vc)
            if vc.manual:
                self.reorder(vc)
        vc.drop_flush()
        vc.inside = False
        self.machine.threads[vc.v].mode = OUTSIDE
        self.left_guest(vc)
        vc.pruning = self.at
        self.shared.due[cpu] = (self, vc)

    def left_guest(self, vc: Vcpu) -> None:
        """The VCPU is out of its guest."""

    def on_lr_exit(self, flow: Flow, ev: LrExit, record: Record) -> None:
        """Begin the fold, of the List Registers as the guest left them."""
        vc = self.thread(flow, ev.vcpu, record.where.cpu)
        self.set_version(ev.version)
        self.check_vtimer(
            "state at exit", vc, (ev.v_line, ev.v_latch, ev.v_active, ev.v_en, ev.v_hw)
        )
        self.machine.need_lrs(ev.used)
        vgic = self.machine.vgics[vc.v]
        if vc.entered:
            self.tally.compare("LRs folded", vgic.used, ev.used, vc.v)
        seen = [decoded(ev.version, lr) for lr in ev.lrs[: ev.used]]
        # Those that the trace does not show are left as they are.
        vgic.used = len(seen)
        vgic.lrs = (*seen, *vgic.lrs[len(seen) :])
        for lr in seen:
            self.irq(vc.v, lr.vintid)
        vc.pruning = vc.pruning or self.at
        self.shared.due[record.where.cpu] = (self, vc)
        vc.fold = Flight(self.kvm.fold_lrs(vc.t))

    def on_resample(self, flow: Flow, ev: Resample, record: Record) -> None:
        """Fold one List Register; the line may have to be read again."""
        vc = flow.vcpu
        if vc is None or vc.fold is None:
            return
        flight = vc.fold
        self.end_resample(vc, high=True)
        irq = vc.t.irq
        if flight.at is not Steps.fold_lr or not isinstance(irq, TracedIrq):
            return
        if irq.intid != ev.intid:
            self.tally.differ("order of the fold", str(irq.intid), str(ev.intid), vc.v, ev.intid)
            flight.drop()
            return
        self.fold_event = ev
        self.active_known = bool(irq.known & ACTIVE)
        flight.go()
        self.fold_event = None
        irq.touched = self.at

    def folded(self, irq: VgicIrq, lr: Lr, deactivated: bool) -> None:
        """Compare what the fold made of an interrupt, before its line is read again."""
        ev = self.fold_event
        assert isinstance(irq, TracedIrq), "a traced one"
        irq.known |= ACTIVE
        if lr.state & PENDING and not irq.level:
            irq.known |= LATCH
        if lr.state == INACTIVE and irq.level:
            irq.known |= LATCH
        if ev is None:
            irq.known &= ~LINE if irq.is_mapped_level() else -1
            return
        v = irq.owner()
        told = irq.told_state()
        self.check_state("state after fold", irq, v, (ev.line, ev.latch, ev.active, None, ev.hw))
        if ev.lr_deact is not None:
            if self.active_known:
                self.tally.compare("deactivated", deactivated, ev.lr_deact, v, irq.intid, told)
            else:
                self.tally.unknown("deactivated", "the state before is not known")
        if ev.lr_pend is not None:
            pending = bool(lr.state & PENDING)
            self.tally.compare("still pending", pending, ev.lr_pend, v, irq.intid, told)

    def end_resample(self, vc: Vcpu, *, high: bool) -> None:
        """Say what the line was read as, if it was read: low means that it was released."""
        flight = vc.fold
        if flight is not None and flight.at in (Steps.resample, Steps.resample_device):
            irq = vc.t.irq
            self.sampled = high
            flight.go()
            self.sampled = None
            if isinstance(irq, TracedIrq):
                if PhysSet in self.kinds:
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
        if flight is not None:
            self.end_resample_of(vc, flight)
            if flight.at is not None:
                self.tally.unknown("state after fold", "events of the fold are missing")
                self.sampled = True
                flight.finish()
                self.sampled = None
        self.prune(vc)

    def end_resample_of(self, vc: Vcpu, flight: Flight) -> None:
        """End a resample that nothing followed."""
        vc.fold = flight
        self.end_resample(vc, high=True)
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

    def migrated(self, vc: Vcpu, kicks: list[int]) -> None:
        """The prune moved interrupts to other VCPUs."""

    def unqueued(self, irq: VgicIrq) -> None:
        """Note when an interrupt left its list."""
        if isinstance(irq, TracedIrq):
            irq.off = self.at

    def settled_by(self, vc: Vcpu, flow: Flow, record: Record) -> None:
        """Follow the rest of an exit if ``record``, on its CPU, is not part of it."""
        if not self.within_exit(vc, flow, record.event):
            self.begin(record)
            self.settle(vc)

    def within_exit(self, vc: Vcpu, flow: Flow, ev: object) -> bool:
        """Tell whether an event belongs to the exit of ``vc`` that is being followed."""
        if flow.vcpu is not vc or type(ev) not in WITHIN_FOLD:
            return False
        if type(ev) is LrExit:
            return True
        flight = vc.fold
        return flight is not None and flight.at is not None

