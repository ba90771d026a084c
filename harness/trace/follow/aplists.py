"""The ap_list of a VCPU where a trace shows it: before and after each flush."""

from harness.trace.events import EntryList, FlushList
from harness.trace.follow.flushes import Flushes
from harness.trace.follow.folds import Folds
from harness.trace.follow.state import FOREVER, LISTED, Flow, TracedIrq, Vcpu
from model.gic.registers import FIRST_SPI
from model.host.thread import REQ_PROCESS_UPDATE

__all__ = ["ApLists"]

Shown = FlushList | EntryList


class ApLists(Folds, Flushes):
    """What is on which list, in which order."""

    def on_flush_list(self, flow: Flow, ev: FlushList) -> None:
        """Compare the list at the beginning of a flush, after all that changed it."""
        vc = self.thread(flow, ev.vcpu)
        self.update(vc, ev.listed)
        for intid in ev.listed:
            irq = self.irq(vc.v, intid)
            if irq.vcpu not in (-1, vc.v) and self.vcpu(irq.vcpu).pruning:
                self.settle(self.vcpu(irq.vcpu))  # which moved it here
        self.check_list_of("ap_list at flush", vc, ev)
        self.take_list(vc, ev)

    def on_entry_list(self, flow: Flow, ev: EntryList) -> None:
        """Compare the list at the end of a flush, which may have sorted it."""
        vc = self.thread(flow, ev.vcpu)
        if not vc.flush_at:
            return
        self.end_flush(vc)
        if vc.manual:
            self.tally.unknown("ap_list at entry", "the list is not known")
            self.reorder(vc)
        elif self.unsorted(vc):
            self.tally.unknown("ap_list at entry", "its order is not known")
        else:
            self.check_list_of("ap_list at entry", vc, ev)
        self.take_list(vc, ev)

    def update(self, vc: Vcpu, listed: tuple[int, ...] | None = None) -> None:
        """Follow the prune that somebody asked for (KVM_REQ_VGIC_PROCESS_UPDATE), if it was done.

        It has no event. Where the list is ``listed``, one that has not changed was not pruned yet,
        or had nothing to prune.
        """
        thread = self.machine.threads[vc.v]
        if not thread.requests & REQ_PROCESS_UPDATE:
            return
        if listed is None or set(listed) != set(self.machine.vgics[vc.v].ap_list):
            thread.requests &= ~REQ_PROCESS_UPDATE
            self.prune(vc)

    def check_list_of(self, kind: str, vc: Vcpu, ev: Shown) -> None:
        """Compare a list with the one that is shown, as far as that is."""
        have, seen = self.machine.vgics[vc.v].ap_list, ev.listed
        if not ev.whole:
            have = have[: len(seen)]
        why = self.unsure_of(vc, have, seen)
        if why:
            self.tally.unknown(kind, why)
        else:
            told = "; ".join(self.irq(vc.v, n).told_state() for n in {*have} ^ {*seen})
            self.tally.compare(kind, have, seen, vc.v, -1, told)

    def unsure_of(self, vc: Vcpu, have: tuple[int, ...], seen: tuple[int, ...]) -> str:
        """Return why two lists cannot be compared; "": they can."""
        if not vc.whole:
            return "the list is not known"
        irqs = [self.irq(vc.v, n) for n in {*have, *seen}]
        for irq in irqs:
            if irq.until == FOREVER:
                return "another CPU is about to queue something"
            if not irq.known & LISTED:
                return "the list is not known"
        if have != seen and {*have} == {*seen} and self.overlap(irqs, have, seen):
            return "insertions into the list overlap"
        return ""

    def overlap(self, irqs: list[TracedIrq], have: tuple[int, ...], seen: tuple[int, ...]) -> bool:
        """Tell whether two that changed places may have been queued in either order."""
        for a in irqs:
            for b in irqs:
                first = have.index(a.intid) < have.index(b.intid)
                changed = first and seen.index(a.intid) > seen.index(b.intid)
                if changed and a.since < b.until and b.since < a.until:
                    return True
        return False

    def take_list(self, vc: Vcpu, ev: Shown) -> None:
        """Take over what is shown; what another CPU is about to queue comes behind it."""
        vgic = self.machine.vgics[vc.v]
        self.tally.shown.add("list contents")
        if ev.whole:
            for intid in vgic.ap_list:
                irq = self.irq(vc.v, intid)
                if intid not in ev.listed and irq.until != FOREVER:
                    self.take_off(irq)
                    irq.off = self.at
                    if intid >= FIRST_SPI:
                        irq.known &= ~LISTED  # it may be on another's
            for (v, _), private in self.machine.private.items():
                if v == vc.v and private.vcpu < 0:
                    self.irq(v, private.intid).known |= LISTED
            vc.whole = True
            vc.shown = self.at
        for intid in ev.listed:
            irq = self.irq(vc.v, intid)
            if irq.vcpu != vc.v:
                self.put_on(irq, vc.v)
            irq.known |= LISTED
            irq.since = irq.until = self.at
        vgic.ap_list = (*ev.listed, *(n for n in vgic.ap_list if n not in ev.listed))
