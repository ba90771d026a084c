"""A VM that is followed: its parts together, and which event goes where."""

from collections.abc import Callable
from typing import Any

from harness.kvm.steps import Steps
from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.follow.accesses import Accesses
from harness.trace.follow.aplists import ApLists
from harness.trace.follow.base import Shared
from harness.trace.follow.lists import Lists
from harness.trace.follow.outside import Outside
from harness.trace.follow.sleep import Sleep
from harness.trace.follow.state import Flow, TracedIrq, Vcpu
from harness.trace.follow.timers import Timers
from harness.trace.line import Record

__all__ = ["Vm"]

MONOTONIC = 1_000_000
"""Clocks that differ by less than so many ns are one and the same."""
Handler = Callable[[Flow, Any], None]


class Vm(Lists, ApLists, Outside, Timers, Sleep, Accesses):
    """One VM, event by event."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.expected_phys = []
        self.handlers: dict[type[Event], Handler] = {
            ev.TimerUpdate: self.on_timer_update,
            ev.UpdatePending: self.on_pending,
            ev.QueueIrq: self.on_queue,
            ev.DispatchSgi: self.on_sgi,
            ev.Mmio: self.on_mmio,
            ev.Flush: self.on_flush,
            ev.Populate: self.on_populate,
            ev.LrEntry: self.on_lr_entry,
            ev.GuestEntry: self.on_guest_entry,
            ev.GuestExit: self.on_guest_exit,
            ev.Sync: self.on_sync,
            ev.LrExit: self.on_lr_exit,
            ev.Resample: self.on_resample,
            ev.TimerLoad: self.on_timer_load,
            ev.MapIsActive: self.on_map_is_active,
            ev.TimerRestore: self.on_timer_restore,
            ev.TimerPut: self.on_timer_put,
            ev.TimerSave: self.on_timer_save,
            ev.HostTimerIrq: self.on_host_timer,
            ev.ResetMapped: self.on_reset_mapped,
            ev.VcpuBlock: self.on_block,
            ev.VcpuBlocking: self.on_blocking,
            ev.VcpuBlockRet: self.on_block_ret,
            ev.Switch: self.on_switch,
            ev.VcpuKick: self.on_kick,
            ev.VcpuLoad: self.on_load,
            ev.VcpuPut: self.on_put,
            ev.MmioChangeActive: self.on_change_active,
            ev.PhysSet: self.on_phys_set,
            ev.MapPhys: self.on_map_phys,
            ev.Waking: self.on_waking,
            ev.UserspaceExit: self.on_userspace,
            ev.HrtimerExpire: self.on_hrtimer,
            ev.BgTimerExpire: self.on_bg_timer,
            ev.FlushList: self.on_flush_list,
            ev.EntryList: self.on_entry_list,
            ev.FoldLr: self.on_fold_lr,
            ev.GuestDir: self.on_guest_dir,
            ev.HaltGuest: self.on_halt,
            ev.ResumeGuest: self.on_resume,
            ev.TimerLine: self.on_line_read,
            ev.PhysLine: self.on_line_read,
            ev.SignalSent: self.on_signal,
        }

    def feed(self, flow: Flow, record: Record) -> None:
        """Follow one event, which came in ``flow``."""
        self.at, self.time, self.cpu = record.line, record.time, record.where.cpu
        event = record.event
        if flow.owed:
            owed, flow.owed = flow.owed, []
            for settle in owed:
                if not settle(flow, event):
                    flow.owed.append(settle)
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(flow, event)

    def on_timer_update(self, flow: Flow, ev: ev.TimerUpdate) -> None:
        """A timer's level: what it is, and that the vgic is told."""
        self.on_level(flow, ev)
        super().on_timer_update(flow, ev)

    def on_mmio(self, flow: Flow, ev: ev.Mmio) -> None:
        """An access; its effect follows in this flow."""
        super().on_mmio(flow, ev)
        flow.released = False
        if flow.mmio is not None:
            flow.owed.append(self.end_mmio)

    def on_phys_set(self, flow: Flow, ev: ev.PhysSet) -> None:
        """A write of the physical state, by whom it is shows from what is under way."""
        vc = flow.vcpu
        if vc is not None and vc.fold is not None and ev.which == 1:
            self.released_at_fold(vc, flow, ev)
        elif not self.load_phys_set(flow, ev):
            self.other_phys_set(flow, ev)

    def released_at_fold(self, vc: Vcpu, flow: Flow, event: ev.PhysSet) -> None:
        """The line was read again and was low: the physical interrupt is released."""
        flight = vc.fold
        assert flight is not None, "a fold is under way"
        if vc.release is not None:
            (intid, write), vc.release = vc.release, None
            expected = "none" if write is None else int(write)
            self.tally.compare("released at fold", expected, int(event.val), vc.v, intid)
            return
        irq = flight.irq
        intid = -1 if irq is None else irq.intid
        if flight.at not in (Steps.resample, Steps.resample_device):
            seen = f"physical active state written {int(event.val)}"
            self.tally.differ("released at fold", "line not read again", seen, vc.v, intid)
            return
        told = irq.told_state() if isinstance(irq, TracedIrq) else ""
        self.told_active = None
        self.end_resample(vc, high=False)
        written = "none" if self.told_active is None else int(self.told_active[1])
        self.tally.compare("released at fold", written, int(event.val), vc.v, intid, told)

    def phys_active(self, v: int, intid: int, active: bool) -> None:
        """Note it, for whoever waits for the write."""
        super().phys_active(v, intid, active)
        self.expected_phys.append((intid, active))

    def on_load(self, flow: Flow, ev: ev.VcpuLoad) -> None:
        """A thread has its VCPU loaded on a CPU."""
        vc = self.thread(flow, ev.vcpu)
        vc.cpu = self.cpu
        vc.inside = False
        if ev.model >= 0 and ev.dist >= 0:
            self.on_vm(ev.model, ev.dist)
        self.take_mask(vc, ev.vmcr)

    def on_put(self, flow: Flow, ev: ev.VcpuPut) -> None:
        """A thread gives its CPU up, or goes to user space."""
        vc = self.thread(flow, ev.vcpu)
        vc.inside = False

    def on_userspace(self, flow: Flow, ev: ev.UserspaceExit) -> None:
        """KVM_RUN returns."""
        if flow.vcpu is not None:
            flow.vcpu.from_user = True

    def on_waking(self, flow: Flow, ev: ev.Waking) -> None:
        """Somebody wakes a thread: if it is a VCPU's, it will look again."""
        vc = self.by_pid.get(ev.pid)
        if vc is not None:
            vc.woken = self.at
            vc.asleep = False if vc.asleep else vc.asleep

    def on_signal(self, flow: Flow, ev: ev.SignalSent) -> None:
        """A thread is sent a signal: a VCPU's goes to user space for it."""
        vc = self.by_pid.get(ev.pid)
        if vc is not None:
            vc.signalled = self.at

    def on_hrtimer(self, flow: Flow, ev: ev.HrtimerExpire) -> None:
        """A timer of the host expires: which one, for what follows; it tells the host's clock."""
        flow.hrtimer = ev.hrtimer
        ahead = ev.now - self.time
        self.shared.ahead = 0 if abs(ahead) < MONOTONIC else ahead

    def on_bg_timer(self, flow: Flow, ev: ev.BgTimerExpire) -> None:
        """The background timer that just expired in this flow."""
        vc = self.hrtimers.get(flow.hrtimer) or self.vcpus.get(ev.vcpu)
        if vc is None:
            self.tally.unknown("expiry to wake-up", "whose timer it is is not known")
        else:
            self.on_bg_expire(flow, vc)

    def migrated(self, vc: Vcpu, kicks: list[int]) -> None:
        """Expect the kicks of the VCPUs that the prune moved interrupts to."""
        for flow in self.flows.values():
            if flow.vcpu is vc:
                flow.kicks = kicks
                flow.owed.append(self.end_queue)
