"""The flush of each entry: what goes into the List Registers, in which order, and HCR."""

from functools import lru_cache

import msgspec

from harness.kvm.steps import Steps
from harness.trace.events import Flush, GuestEntry, LrEntry, Populate
from harness.trace.follow.base import Shared
from harness.trace.follow.context import Flight
from harness.trace.follow.fields import Fields
from harness.trace.follow.kernels import OVERFLOW
from harness.trace.follow.state import (
    FOREVER,
    GROUP,
    LATCH,
    LEVEL,
    LISTED,
    ON_LR,
    PRIORITY,
    SOURCE,
    Flow,
    TracedIrq,
    Vcpu,
)
from model.gic.lr import Lr, decode_v2, decode_v3
from model.gic.registers import HCR_EN, HCR_LRENPIE, HCR_NPIE, HCR_TDIR, HCR_UIE
from model.host.thread import IN_GUEST
from model.vgic.irq import VgicIrq

__all__ = ["Flushes", "decoded"]

HCR_DECIDED = HCR_EN | HCR_UIE | HCR_NPIE | HCR_LRENPIE | HCR_TDIR
"""The bits of ICH_HCR_EL2 that the flush decides on; EOIcount and the groups' are others."""


SHOWN_BEFORE = 4
"""So many List Registers the traces of Linux 6.1 had; ``trace setup`` records all of them."""


@lru_cache(maxsize=4096)
def decoded(version: int, value: int) -> Lr:
    """Return the List Register that ``value`` stands for."""
    return decode_v2(value) if version == 2 else decode_v3(value)


class Flushes(Fields):
    """kvm_vgic_flush_hwstate."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.filling: Vcpu | None = None
        self.constant_hcr: int | None = None

    def on_flush(self, flow: Flow, ev: Flush) -> None:
        """Begin a flush: up to the first interrupt that may go into a List Register."""
        vc = self.thread(flow, ev.vcpu)
        vc.cpu = self.cpu
        self.update(vc)
        self.check_vtimer(
            "state at flush", vc, (ev.v_line, ev.v_latch, ev.v_active, ev.v_en, ev.v_hw)
        )
        vc.drop_flush()
        vc.flush_at = self.at
        vc.inside = None
        self.machine.vgics[vc.v].used = 0
        vc.flush = Flight(vc.t, self.kvm.flush_lrs(vc.t))

    def on_populate(self, flow: Flow, ev: Populate) -> None:
        """Put one interrupt into a List Register, if it is the next."""
        vc = self.thread(flow, ev.vcpu)
        self.set_version(ev.version)
        self.tally.situation.delivered = True
        irq = self.irq(vc.v, ev.intid)
        if not vc.flush_at:
            vc.flush_at, vc.whole, vc.manual, vc.partial = self.at, False, True, True
            self.machine.vgics[vc.v].used = ev.lr
        next_one = self.advance(vc, irq)
        self.check_state(
            "state at populate", irq, vc.v, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw)
        )
        self.check_more(irq, vc.v, ev)
        self.check_on_lr(irq, vc.v, ev.on_lr)
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
                if self.sure(irq):
                    self.tally.differ("LR set", "none", seen, vc.v, ev.intid, irq)
                else:
                    self.tally.unknown("LR set", "where it belongs is not known")
                vc.manual = True
        if len(vc.flushed) == count:
            self.kvm.put_in_lr(vc.t, irq)
        self.filling = None
        if irq.sourced and not irq.known & SOURCE:
            irq.known &= ~LATCH
        if irq.vcpu != vc.v:
            self.put_on(irq, vc.v)
        irq.known |= LISTED | ON_LR
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
            other = flight.irq
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
        elif self.unsorted(vc):
            self.tally.unknown(kind, "priorities that the list is sorted by are not known")
        elif max(other.until, other.touched) >= at or (irq is not None and irq.until >= at):
            self.tally.unknown(kind, "queued or changed during the flush")
        elif irq is not None and not irq.known & LISTED:
            self.tally.unknown(kind, "the list is not known")
        elif irq is not None and other.since < irq.until and irq.since < other.until:
            self.tally.unknown(kind, "insertions into the list overlap")
        else:
            expected = f"vINTID {other.intid} next"
            seen = "the end" if irq is None else f"vINTID {irq.intid}"
            self.tally.differ(kind, expected, seen, vc.v, other.intid, other)
        vc.manual = True

    def unsorted(self, vc: Vcpu) -> bool:
        """Tell whether the list is sorted by what is not known."""
        vgic = self.machine.vgics[vc.v]
        if len(vgic.ap_list) <= len(vgic.lrs):
            return False
        return any(not self.machine.irq(vc.v, n).known & PRIORITY for n in vgic.ap_list)

    def unforeseen(self, vc: Vcpu, irq: TracedIrq) -> None:
        """Compare: the kernel took ``irq``, of which the hypervisor does not know here."""
        known = vc.whole and irq.known & LISTED and self.sure(irq)
        if not known or irq.touched >= vc.flush_at:
            self.tally.unknown("LR set", "the list is not known")
        elif irq.until >= vc.flush_at:
            self.tally.unknown("LR set", "queued or changed during the flush")
        else:
            seen = f"vINTID {irq.intid} in a List Register"
            self.tally.differ("LR set", "none", seen, vc.v, irq.intid, irq)

    def on_lr_entry(self, flow: Flow, ev: LrEntry) -> None:
        """End the flush: what is in the List Registers, and in HCR."""
        vc = self.thread(flow, ev.vcpu)
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
        room = ev.used < len(vgic.lrs)
        if started and not vc.manual and (room or vc.whole):
            self.check_hcr(vc, ev)
        elif started:
            self.tally.unknown("HCR", "the list is not known")
        # Full List Registers do not show what is behind them: only if that was known before.
        vc.whole = started and not vc.partial and (room or (vc.whole and not vc.manual))
        vc.whole = vc.whole or (started and vc.shown > vc.flush_at)
        if vc.manual:
            self.reorder(vc)
        vc.drop_flush()
        vc.inside = True
        vc.entered = self.at
        self.machine.threads[vc.v].mode = IN_GUEST

    def on_guest_entry(self, flow: Flow, ev: GuestEntry) -> None:
        """The guest is entered; without lr_entry before, this is the end of the flush."""
        vc = flow.vcpu
        if vc is None or not vc.flush_at:
            return
        self.tally.unknown("LR set and order", "no lr_entry before the entry")
        vgic = self.machine.vgics[vc.v]
        self.end_flush(vc)
        if vc.manual:
            self.reorder(vc)
        vgic.used = len(vc.flushed)
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
        shown = ev.lrs[: ev.used]
        seen = [decoded(version, value) for value in shown]
        expected = [irq.intid for irq, _ in vc.flushed[: len(ev.lrs)]]
        same = self.tally.compare(
            "LR set and order", (len(vc.flushed), expected), (ev.used, [lr.vintid for lr in seen]),
            vc.v,
        )  # fmt: skip
        if ev.used > len(ev.lrs):
            self.tally.unknown("LR bits", f"List Registers beyond {len(ev.lrs)} are not shown")
        elif ev.used > SHOWN_BEFORE:
            self.tally.shown.add("List Registers beyond four")
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
            changes["state"] = seen.state  # of several sources one may have to wait
        expected = msgspec.structs.replace(lr, **changes) if changes else lr
        self.tally.compare("LR bits", expected, seen, vc.v, irq.intid, irq)

    def check_hcr(self, vc: Vcpu, ev: LrEntry) -> None:
        """Compare ICH_HCR_EL2, as far as it is decided anew at each flush."""
        if ev.hcr < 0:
            return
        vgic = self.machine.vgics[vc.v]
        if vc.flush is None or ev.hcr == 0:
            # Neither wrote it: it is what the last flush left.
            return
        if not all(self.sure(self.machine.irq(vc.v, intid)) for intid in vgic.ap_list):
            self.tally.unknown("HCR", "the states of what is on the list are not known")
            return
        bits = HCR_DECIDED
        if self.constant_hcr is None:
            self.constant_hcr = ev.hcr & HCR_TDIR
        expected = vgic.hcr
        if not self.shared.kernel.has(OVERFLOW):
            expected |= self.constant_hcr
        elif not expected & HCR_LRENPIE and (self.constant_hcr or self.machine.spis):
            # A host without that trap has the bit set for good.
            bits &= ~HCR_TDIR
            self.tally.unknown("HCR.TDIR", "set for good, or SPIs may be in flight")
        self.tally.compare(
            "HCR", f"{expected & bits:#x}", f"{ev.hcr & bits:#x}", vc.v, -1,
            f"{len(vgic.ap_list)} on the list, {len(vgic.lrs)} List Registers",
        )  # fmt: skip

    def reorder(self, vc: Vcpu) -> None:
        """Take over the order in which the kernel took the interrupts of the list.

        What it would have taken, had it been there, was not there.
        """
        vgic = self.machine.vgics[vc.v]
        order = [irq.intid for irq, _ in vc.flushed if irq.vcpu == vc.v]
        for intid in vgic.ap_list:
            irq = self.machine.irq(vc.v, intid)
            if intid in order or irq.known & LISTED or irq.touched >= vc.flush_at:
                continue
            if self.kvm.target_oracle(vc.t, irq) == vc.v and len(order) < len(vgic.lrs):
                self.take_off(irq)
        vgic.ap_list = (*order, *(n for n in vgic.ap_list if n not in order))
        for irq, _ in vc.flushed:
            if irq.until < FOREVER:
                irq.since = irq.until = vc.flush_at
