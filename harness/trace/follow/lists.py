"""Injections, and what is put on which list, and who is kicked for it."""

from harness.trace.events import (
    AckIrq,
    DispatchSgi,
    Event,
    Inject,
    Mmio,
    QueueIrq,
    TimerUpdate,
    UpdatePending,
    VcpuKick,
)
from harness.trace.follow.base import Shared
from harness.trace.follow.context import run
from harness.trace.follow.fields import Fields
from harness.trace.follow.kernels import OVERFLOW
from harness.trace.follow.sgis import WITHIN_SGI, sgi1r_targets, sgir_targets
from harness.trace.follow.state import (
    ENABLED,
    FOREVER,
    LATCH,
    LEVEL,
    LINE,
    LISTED,
    SOURCE,
    TARGET,
    Flow,
    TracedIrq,
    Vcpu,
)
from model.guest import SGI, Instruction
from model.vgic.irq import VgicIrq

__all__ = ["Lists"]


class Lists(Fields):
    """kvm_vgic_inject_irq and vgic_queue_irq_unlock."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.verdict: bool | None = None
        self.began = 0
        self.queue: QueueIrq | None = None
        self.queue_shown = self.queue_inlined = False

    # -- injections ------------------------------------------------------------------------------

    def on_timer_update(self, flow: Flow, ev: TimerUpdate) -> None:
        """Remember what must be given to the vgic next, in this flow."""
        flow.update = (ev.vcpu, ev.intid, ev.level)
        flow.owed.append(self.end_update)

    def end_update(self, flow: Flow, ev: Event) -> bool:
        """Compare a timer's update with what the vgic was given."""
        if type(ev) is Inject:
            return False
        update, flow.update = flow.update, None
        if update is None:
            return True
        v, intid, level = update
        if type(ev) is UpdatePending:
            seen = (ev.vcpu, ev.intid, ev.level)
            self.tally.compare("update to inject", update, seen, v, intid)
        elif UpdatePending in self.kinds:
            told = f"level {int(level)} given to the vgic"
            self.tally.differ("update to inject", told, "nothing", v, intid)
        else:
            self.tally.unknown("update to inject", "no vgic_update_irq_pending in this trace")
        return True

    def on_pending(self, flow: Flow, ev: UpdatePending) -> None:
        """An injection: whether it was accepted, the next event of this flow tells."""
        irq = self.irq(ev.vcpu, ev.intid)
        flow.injected = (irq, ev.vcpu, ev.level, self.at)
        flow.owed.append(self.end_injection)

    def end_injection(self, flow: Flow, ev: Event) -> bool:
        """Follow an injection that was not accepted."""
        if flow.injected is None:
            return True
        irq = flow.injected[0]
        if type(ev) is QueueIrq and ev.intid == irq.intid:
            self.queue_shown = True
            return True
        if type(ev) is VcpuKick and not self.queue_shown:
            # Accepted, and queued by code that the compiler put into kvm_vgic_inject_irq.
            self.queue_inlined = True
            self.inject(flow, accepted=True, shown=False)
            self.end_queue(flow, ev)
        elif self.queue_shown and not self.queue_inlined:
            self.inject(flow, accepted=False)
        else:
            self.inject_unseen(flow)
        return True

    def inject_unseen(self, flow: Flow) -> None:
        """Follow an injection of which nothing else is shown: nobody was kicked for it.

        What is enabled and was accepted high would have been kicked for; else all that is known is
        that a line is at the level given, accepted or not.
        """
        assert flow.injected is not None, "there is one"
        irq, _, level, _ = flow.injected
        decided = level and irq.enabled and irq.known & (ENABLED | LEVEL) == ENABLED | LEVEL
        if irq.intid >= 32 and self.shared.kernel.has(OVERFLOW):
            decided = False  # of the first SPI in flight all are told, not kicked one by one
        if self.queue_inlined and decided:
            self.inject(flow, accepted=False)
            return
        flow.injected = None
        irq.touched = self.at
        self.tally.unknown("injection accepted", "its queueing is not shown in this kernel")
        if irq.known & LEVEL and irq.level:
            irq.line_level = level
            irq.known |= LINE
        else:
            irq.known &= ~(LINE | LATCH)
        if level or not irq.known & LEVEL:
            # It may be on a list now.
            irq.known &= ~LISTED
            for vc in self.vcpus.values():
                vc.whole = vc.whole and irq.intid < 32 and vc.v != irq.target

    def inject(self, flow: Flow, *, accepted: bool, shown: bool = True) -> None:
        """Have the hypervisor carry out the injection of ``flow``.

        ``shown``: its queueing has an event of its own; else the kick that follows tells of it.
        """
        assert flow.injected is not None, "there is one"
        (irq, v, level, self.began), flow.injected = flow.injected, None
        self.learn_trigger(irq)
        off = irq.vcpu < 0
        self.expected_kicks = [] if not shown else self.expected_kicks
        self.verdict = accepted
        self.kvm.injecting = True
        run(self.kvm.inject_irq(self.context(flow), irq, v, level))
        self.kvm.injecting = False
        self.verdict = None
        irq.touched = self.at
        if not shown:
            flow.queued, flow.kicks = irq, self.expected_kicks
            if off and irq.vcpu >= 0:
                irq.since, irq.until = self.began, self.at
            if not irq.known & LEVEL:
                irq.known &= ~(LINE | LATCH)

    def learn_trigger(self, irq: TracedIrq) -> None:
        """Take what is to be queued for an edge if it has no line but a latch."""
        ev = self.queue
        if not irq.known & LEVEL:
            irq.known &= ~(LINE | LATCH)
            if ev is not None and ev.latch is not None:
                irq.level = not (ev.latch and not ev.line)

    def accepts(self, irq: VgicIrq, level: bool, accepted: bool) -> bool:
        """Compare whether an injection is accepted, and go on as the kernel did."""
        seen = self.verdict
        if seen is None or not isinstance(irq, TracedIrq):
            return accepted
        v = irq.target
        if irq.known & (LINE | LEVEL) != LINE | LEVEL:
            self.tally.unknown("injection accepted", "line or trigger are not known")
        elif irq.touched > self.began:
            self.tally.unknown("injection accepted", "changed by another CPU meanwhile")
        else:
            words = ("rejected", "accepted")
            self.tally.compare(
                "injection accepted", words[accepted], words[seen], v, irq.intid, irq
            )
        if irq.known & LEVEL and irq.level:
            irq.line_level = not level if seen else level
            irq.known |= LINE
        elif seen and irq.known & LEVEL:
            irq.known |= LATCH
        return seen

    # -- queueing --------------------------------------------------------------------------------

    def on_queue(self, flow: Flow, ev: QueueIrq) -> None:
        """Follow what led here, then the queueing itself, then expect the kick."""
        injected = flow.injected
        self.queue = ev
        self.expected_kicks = []
        if injected is not None and injected[0].intid == ev.intid:
            irq = injected[0]
            self.pruned_before(irq, ev)
            was_off = irq.vcpu < 0
            self.inject(flow, accepted=True)
        else:
            owner = ev.tgt_id if ev.intid < 32 else -1
            if owner < 0 and ev.intid < 32:
                self.tally.unknown("state at queue", "whose private interrupt it is is not known")
                self.queue = None
                return
            irq = self.irq(owner, ev.intid)
            self.pruned_before(irq, ev)
            was_off = irq.vcpu < 0
            self.caused(flow, ev, irq)
            irq.touched = self.at
        self.queue = None
        if was_off and irq.vcpu >= 0:
            irq.since, irq.until = self.at, FOREVER
        elif was_off:
            irq.off = self.at
        flow.queued = irq
        flow.kicks = self.expected_kicks
        flow.owed.append(self.end_queue)

    def pruned_before(self, irq: TracedIrq, ev: QueueIrq) -> None:
        """Follow the prune of an exit that is under way, if it must have been before this."""
        if ev.cur_vcpu == 0 and irq.vcpu >= 0:
            owner = self.vcpu(irq.vcpu)
            if owner.pruning:
                self.settle(owner)

    def caused(self, flow: Flow, ev: QueueIrq, irq: TracedIrq) -> None:
        """Have the hypervisor do what a guest's access asked for: an SGI, or a write."""
        kvm, vc = self.kvm, flow.vcpu
        register = -1 if flow.mmio is None else flow.mmio.gpa & 0xFFFF
        if vc is None:
            self.take_queue(flow, irq)
        elif ev.intid < 16 and (flow.sgi or register == 0xF00):
            kvm.trap = Instruction(SGI, ev.intid, irq.target)
            irq.known |= LATCH
            run(kvm.handle_sgi(vc.t))
        elif 0x100 <= register < 0x180:
            irq.known |= ENABLED
            run(kvm.write_enable(vc.t, irq, True))
        elif 0x200 <= register < 0x280:
            irq.known |= LATCH
            run(kvm.write_pending(vc.t, irq, True))
        elif 0x300 <= register < 0x380:
            run(kvm.change_active(vc.t, irq, True))
        else:
            self.take_queue(flow, irq)

    def take_queue(self, flow: Flow, irq: TracedIrq) -> None:
        """Follow a queueing whose cause is not known: its state is the trace's."""
        ev = self.queue
        assert ev is not None, "there is one"
        self.take_state(irq, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw))
        if irq.sourced and ev.src < 0:
            irq.known &= ~SOURCE
        elif irq.sourced:
            irq.source, irq.active_source = ev.src, max(ev.asrc, 0)
            irq.known |= SOURCE
        run(self.kvm.queue_irq_unlock(self.context(flow), irq, False))

    def queueing(self, irq: VgicIrq) -> None:
        """Compare the state of what is queued, and whether it is on a list already."""
        ev = self.queue
        if ev is None or not isinstance(irq, TracedIrq):
            return
        v = irq.owner()
        self.check_state(
            "state at queue", irq, v, (ev.line, ev.latch, ev.active, ev.enabled, ev.hw)
        )
        self.check_more(irq, v, ev)
        self.check_on_lr(irq, v, ev.on_lr)
        if ev.tgt_id >= 0:
            self.vcpu(ev.tgt_id)
            irq.target = ev.tgt_id
            irq.known |= TARGET
        if ev.cur_vcpu >= 0:
            self.check_list(irq, ev.cur_vcpu != 0, ev.cur_id)

    def check_list(self, irq: TracedIrq, on: bool, whose: int) -> None:
        """Compare whether an interrupt is on a list; ``whose``: VCPU (-1: not shown)."""
        words = ("on none", "on a list")
        if not irq.known & LISTED:
            self.tally.unknown("on a list", "the list is not known")
        elif (irq.vcpu >= 0) != on and irq.off >= self.began:
            self.tally.unknown("on a list", "pruned meanwhile")
        elif not on and irq.until == FOREVER:
            # Two senders at once: one of them puts it on the list.
            self.tally.unknown("on a list", "another CPU is about to queue it")
            return
        else:
            self.tally.compare(
                "on a list", words[irq.vcpu >= 0], words[on], irq.owner(), irq.intid,
                irq,
            )  # fmt: skip
        if on and whose >= 0:
            if irq.vcpu != whose:
                self.vcpu(whose)
                self.put_on(irq, whose)
        elif on and irq.vcpu < 0:
            self.put_on(irq, irq.target)
            if irq.intid >= 32:
                irq.known &= ~LISTED  # on a list, but on whose?
                return
        elif not on and irq.vcpu >= 0:
            self.take_off(irq)
        irq.known |= LISTED

    def end_queue(self, flow: Flow, ev: Event) -> bool:
        """Compare what was queued with the kick that follows, or does not."""
        if type(ev) is AckIrq:
            return False  # of the fold before the prune that queued it
        irq, flow.queued = flow.queued, None
        if irq is not None and irq.until == FOREVER:
            irq.until = self.at
        if type(ev) is VcpuKick and self.broadcast(flow, ev, irq):
            flow.queued = irq
            return False
        if type(ev) is VcpuKick:
            self.check_kick(flow, ev, irq)
        elif flow.kicks:
            v = flow.kicks[0]
            if VcpuKick in self.kinds:
                intid = -1 if irq is None else irq.intid
                state = "" if irq is None else irq.told_state()
                self.tally.differ("queue to kick", f"VCPU {v} kicked", "no kick", v, intid, state)
            else:
                self.tally.unknown("queue to kick", "no vcpu_kick in this trace")
        elif irq is not None:
            self.tally.equal["queue to kick"] += 1
        flow.kicks = []
        return True

    def broadcast(self, flow: Flow, ev: VcpuKick, irq: TracedIrq | None) -> bool:
        """Tell whether a kick may be that of an SPI that all VCPUs are told of (since 6.19)."""
        if irq is None or irq.intid < 32 or not self.shared.kernel.has(OVERFLOW):
            return False
        return bool(flow.kicks) and ev.vcpu not in flow.kicks

    def check_kick(self, flow: Flow, ev: VcpuKick, irq: TracedIrq | None) -> None:
        """Compare who was kicked."""
        intid = -1 if irq is None else irq.intid
        if ev.vcpu in flow.kicks:
            self.tally.equal["queue to kick"] += 1
        elif flow.kicks and irq is not None and irq.active and not irq.known & LISTED:
            self.tally.unknown("queue to kick", "on whose list it is is not known")
        elif flow.kicks:
            self.tally.compare("queue to kick", flow.kicks[0], ev.vcpu, ev.vcpu, intid)
        elif irq is not None:
            state = irq.told_state()
            if irq.known & ENABLED:
                seen = f"VCPU {ev.vcpu} kicked"
                self.tally.differ("queue to kick", "no kick", seen, ev.vcpu, intid, state)
            else:
                self.tally.unknown("queue to kick", "the state is not known")

    # -- the guest's accesses --------------------------------------------------------------------

    def on_sgi(self, flow: Flow, ev: DispatchSgi) -> None:
        """A GICv3 guest sends SGIs: what is queued next in this flow is one."""
        flow.sgi = True
        flow.mmio = None
        self.began = self.at
        vc = self.thread(flow, ev.vcpu)
        self.expect_sgi(flow, vc, ev.reg >> 24 & 0xF, sgi1r_targets(ev.reg, vc.v, self.vcpus))

    def expect_sgi(self, flow: Flow, vc: Vcpu, intid: int, targets: set[int]) -> None:
        """Expect that an SGI is queued for each of its targets, in this flow."""
        if QueueIrq not in self.kinds:
            return
        flow.sgi_to = {v for v in targets if self.vcpus[v].pid >= 0}

        def end(flow: Flow, ev: Event) -> bool:
            if type(ev) is QueueIrq and ev.intid == intid:
                flow.sgi_to.discard(ev.tgt_id)
                return False
            if type(ev) in WITHIN_SGI:
                return False
            if flow.sgi_to:
                told = f"queued for VCPU {', '.join(map(str, sorted(flow.sgi_to)))}"
                self.tally.differ("SGI to queue", told, "not queued", vc.v, intid)
            else:
                self.tally.equal["SGI to queue"] += 1
            flow.sgi_to = set()
            return True

        flow.owed.append(end)

    def on_mmio(self, flow: Flow, ev: Mmio) -> None:
        """A guest's access to a device; which, its effects tell."""
        flow.sgi = False
        flow.mmio = ev if ev.kind == "write" else None
        self.began = self.at
        vc = flow.vcpu
        if vc is not None and flow.mmio is not None and self.sends(ev):
            self.expect_sgi(flow, vc, ev.val & 0xF, sgir_targets(ev.val, vc.v, self.vcpus))
