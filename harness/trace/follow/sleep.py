"""Who sleeps and who does not, who is woken, and who is forced out of its guest."""

from harness.trace.events import (
    Event,
    GuestEntry,
    IpiRaise,
    LrEntry,
    QueueIrq,
    Switch,
    Sync,
    UpdatePending,
    UserspaceExit,
    VcpuBlock,
    VcpuBlocking,
    VcpuBlockRet,
    VcpuKick,
    VcpuPut,
    Waking,
)
from harness.trace.follow.base import Base, Shared
from harness.trace.follow.context import run
from harness.trace.follow.machine import NO_MASK
from harness.trace.follow.state import LISTED, PRIORITY, Flow, TracedIrq, Vcpu
from model.gic.registers import PRIORITY_MASK
from model.host.thread import IN_GUEST, INTERRUPTIBLE, OUTSIDE, RUNNING

__all__ = ["Sleep"]

RESCHEDULE = "Rescheduling interrupts"
LONG = 5_000_000
"""A guest that goes on for so many ns after a kick was not on its way out when it came."""


class Sleep(Base):
    """kvm_vcpu_block, kvm_vcpu_wake_up and kvm_vcpu_kick."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.told_ipi = False

    # -- block -----------------------------------------------------------------------------------

    def on_block(self, flow: Flow, ev: VcpuBlock) -> None:
        """The guest idles: the thread will wait, if there is nothing to run for."""
        vc = self.thread(flow, ev.vcpu)
        vc.blocking, vc.asleep = False, False
        self.take_mask(vc, ev.vmcr)

    def take_mask(self, vc: Vcpu, vmcr: int) -> None:
        """Take over the guest's priority mask, as it is in memory (-1: not shown)."""
        if vmcr >= 0:
            self.tally.shown.add("priority mask")
            vgic = self.machine.vgics[vc.v]
            vgic.vmcr = vgic.vmcr._replace(pmr=vmcr >> 24 & PRIORITY_MASK)

    def on_blocking(self, flow: Flow, ev: VcpuBlocking) -> None:
        """It is on its waitqueue from here on."""
        vc = self.thread(flow, ev.vcpu)
        vc.blocking, vc.asleep = True, False
        vc.blocked_at = self.at

    def on_block_ret(self, flow: Flow, ev: VcpuBlockRet) -> None:
        """It goes on: there is something to run for, or a signal."""
        vc = flow.vcpu
        if vc is None:
            return
        if vc.blocking:
            kind = "returned from its sleep" if ev.waited else "did not sleep"
            runs, why = self.runs(vc)
            if why:
                self.tally.unknown(kind, why)
            elif runs:
                self.tally.equal[kind] += 1
            else:
                self.goes_on(flow, vc, kind)
        vc.blocking, vc.asleep = False, False

    def goes_on(self, flow: Flow, vc: Vcpu, kind: str) -> None:
        """It goes on with nothing to run for: a signal leads to user space, else it enters."""
        told, began = self.told_list(vc), vc.blocked_at

        def end(flow: Flow, ev: Event) -> bool:
            if type(ev) in (LrEntry, GuestEntry):
                self.tally.differ(kind, "sleeps on", "goes on to its guest", vc.v, -1, told)
            elif type(ev) in (VcpuPut, UserspaceExit, Sync) and vc.signalled > began:
                self.tally.equal[kind] += 1
            elif type(ev) in (VcpuPut, UserspaceExit, Sync):
                self.tally.unknown(kind, "a signal, perhaps, which is in no event")
            elif type(ev) in (UpdatePending, QueueIrq):
                self.tally.unknown(kind, "something was injected on its way")
            else:
                return False
            return True

        flow.owed.append(end)

    def on_switch(self, flow: Flow, ev: Switch) -> None:
        """A thread gives up its CPU, another one gets it."""
        vc = self.by_pid.get(ev.prev_pid)
        if vc is not None and vc.blocking and not vc.asleep and ev.prev_state[:1] == "S":
            vc.asleep = True
            runs, why = self.runs(vc)
            if why:
                self.tally.unknown("slept", why)
            else:
                words = ("sleeps", "goes on")
                self.tally.compare("slept", words[runs], "sleeps", vc.v, -1, self.told_list(vc))
            if vc.woken >= vc.blocked_at:
                vc.asleep = None  # woken on its way into the sleep
        vc = self.by_pid.get(ev.next_pid)
        if vc is not None:
            vc.asleep = False
            vc.blocked_at = self.at

    def runs(self, vc: Vcpu) -> tuple[bool, str]:
        """Ask whether the VCPU has something to run for; or say why that is not known."""
        vgic = self.machine.vgics[vc.v]
        runs = self.kvm.runnable(vc.t)
        if not vc.whole:
            return runs, "the list is not known"
        for intid in vgic.ap_list:
            irq = self.machine.irq(vc.v, intid)
            if not self.sure(irq) or not irq.known & LISTED:
                return runs, "the list is not known"
            if vgic.vmcr.pmr < NO_MASK.pmr and not irq.known & PRIORITY:
                return runs, "the priority is not known"
            if vc.asleep and max(irq.touched, irq.until) >= vc.blocked_at:
                return runs, "queued or changed meanwhile"
        return runs, ""

    def told_list(self, vc: Vcpu) -> str:
        """Return the states of what is on the ap_list of a VCPU."""
        irqs: list[TracedIrq] = [
            self.machine.irq(vc.v, n) for n in self.machine.vgics[vc.v].ap_list
        ]
        return "; ".join(f"vINTID {irq.intid} {irq.told_state()}" for irq in irqs)

    def interrupts(self, cpu: int) -> None:
        """Note that an IPI would be sent."""
        self.told_ipi = True

    # -- kick ------------------------------------------------------------------------------------

    def on_kick(self, flow: Flow, ev: VcpuKick) -> None:
        """A VCPU is kicked: whether it is woken or sent an IPI, the next event tells."""
        vc = self.vcpu(ev.vcpu)
        asleep, inside, blocking = vc.asleep, vc.inside, vc.blocking
        if flow.vcpu is vc:
            # It runs this very code: it neither sleeps nor is in its guest.
            asleep = inside = blocking = False
        thread = self.machine.threads[vc.v]
        thread.waiting = bool(asleep)
        thread.state = INTERRUPTIBLE if asleep else RUNNING
        if inside is False:
            thread.mode = OUTSIDE
        if ev.mode >= 0:
            self.tally.shown.add("modes")
            thread.mode = ev.mode
            if asleep is not True:
                inside = ev.mode == IN_GUEST
        context = self.context(flow)
        self.machine.need_cpu(self.cpu)
        if context.c != self.cpu:
            context.move(self.cpu)
        thread.cpu = vc.cpu
        self.told_ipi = False
        self.kvm.kicking = True
        run(self.kvm.kick(context, vc.v))
        self.kvm.kicking = False
        ipi = self.told_ipi

        def end(flow: Flow, ev: Event) -> bool:
            if asleep:
                self.end_wake(vc, ev)
            elif asleep is None or inside is None:
                self.tally.unknown("kick to IPI", "near the entry, or not known to be in the guest")
            elif blocking:
                self.tally.unknown("kick to IPI", "on its way into or out of a sleep")
            else:
                self.end_ipi(vc, ev, ipi, inside)
            return True

        flow.owed.append(end)

    def end_wake(self, vc: Vcpu, ev: Event) -> None:
        """Compare the kick of a sleeper with who is woken."""
        if Waking not in self.kinds or vc.pid < 0:
            self.tally.unknown("kick to wake-up", "no sched_waking in this trace")
            return
        seen = "woken" if type(ev) is Waking and ev.pid == vc.pid else "not woken"
        if seen == "not woken" and not vc.asleep:
            self.tally.unknown("kick to wake-up", "it was awake by then")
            return
        self.tally.compare("kick to wake-up", "woken", seen, vc.v)

    def end_ipi(self, vc: Vcpu, ev: Event, expected: bool, inside: bool) -> None:
        """Compare the kick of one that is not asleep with the IPI that is sent, or not."""
        if IpiRaise not in self.kinds:
            self.tally.unknown("kick to IPI", "no ipi_raise in this trace")
            return
        raised = type(ev) is IpiRaise and ev.reason == RESCHEDULE
        if expected and not raised and inside:
            # It may have been on its way out: mode is set before the sync. That shows there.
            vc.kicked.append(self.time)
        elif raised and not expected and inside and vc.kicked:
            self.tally.unknown("kick to IPI", "kicked before, near the exit")
        else:
            words = ("no IPI", "an IPI")
            self.tally.compare("kick to IPI", words[expected], words[raised], vc.v)

    def left_guest(self, vc: Vcpu) -> None:
        """Judge the kicks of this stay that no IPI came of."""
        for time in vc.kicked:
            if self.time - time > LONG:
                self.tally.differ("kick to IPI", "an IPI", "no IPI, and no exit", vc.v)
            else:
                self.tally.unknown("kick to IPI", "near the exit")
        vc.kicked.clear()
