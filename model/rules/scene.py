"""What facts add up to: the state that several rules look at, kept once.

The scene knows only what facts said, so a rule cannot tell a run from a log or a trace.
"""

from collections.abc import Callable
from typing import Any

from model import facts
from model.facts import Fact
from model.gic.lr import EMPTY, PENDING, Lr
from model.machine import START_NS
from model.messages import VTIMER_PPI
from model.timer import ENABLE

__all__ = ["VTIMER_BIT", "Scene"]

VTIMER_BIT = 1 << VTIMER_PPI
LRS_MAX = 16
FIRST_SPI = 32


class Scene:
    """The state that facts add up to, per CPU and per VCPU.

    Per CPU ``c``: ``guest[c]`` and ``loaded[c]``, the VCPU in its guest and the loaded one (-1);
    ``active[c]`` and ``line[c]``, masks of the banked interrupts' states at the distributor;
    ``lrs[c]`` and ``hcr[c]``; ``timer[c]``, whose values the hardware timer holds;
    ``in_flight[c]``, deactivations under way; ``pin[c]``. ``halting``: a VCPU keeps the others out
    of their guests.

    Per VCPU ``v``: ``guest_cpu[v]``; the guest's own idea of its timer in ``ctl[v]`` and
    ``deadline[v]`` (and ``cval[v]``); ``fired[v]``, that its line was high (or the guest made it
    pending) since it was last lowered or the interrupt deactivated; ``presented[v]``, that the
    timer was rightly pending in a List Register at the last entry; what it lets through in
    ``masked[v]``, ``pmr[v]`` and ``enabled[v]``; ``handling[v]``, that it acknowledged the timer
    and has not deactivated it; ``blocked[v]``, ``device_work[v]``, the devices (vINTIDs) that had
    an event and were not served since; ``asleep[v]`` (blocked and put) and ``woken[v]``;
    ``halted[v]``; ``sw_active[v]`` and ``level[v]``, KVM's software active bit and the last level
    it computed; ``sw_pending[v]``, that it has the timer pending in software, in no List Register;
    ``armed[v]``.
    """

    def __init__(self, pcpus: int, vcpus: int) -> None:
        self.pcpus = pcpus
        self.vcpus = vcpus
        self.reset()

    def reset(self) -> None:
        """Start an execution."""
        pcpus, vcpus = self.pcpus, self.vcpus
        self.now = START_NS
        self.guest = [-1] * pcpus
        self.loaded = [-1] * pcpus
        self.active = [0] * pcpus
        self.active_spis: set[int] = set()
        self.high_spis: set[int] = set()
        self.line = [0] * pcpus
        self.pin = [False] * pcpus
        self.timer = [-1] * pcpus
        self.in_flight = [0] * pcpus
        self.hcr = [0] * pcpus
        self.halting = False
        self.lrs: list[list[Lr]] = [[EMPTY] * LRS_MAX for _ in range(pcpus)]
        self.guest_cpu = [-1] * vcpus
        self.ctl = [0] * vcpus
        self.deadline = [0] * vcpus
        self.cval = [0] * vcpus
        self.fired = [False] * vcpus
        self.presented = [False] * vcpus
        self.masked = [False] * vcpus
        self.pmr = [0xF0] * vcpus
        self.enabled = [True] * vcpus
        self.handling = [False] * vcpus
        self.blocked = [False] * vcpus
        self.asleep = [False] * vcpus
        self.woken = [False] * vcpus
        self.halted = [False] * vcpus
        self.sw_active = [False] * vcpus
        self.level = [False] * vcpus
        self.sw_pending = [False] * vcpus
        self.armed = [False] * vcpus
        self.device_work: list[tuple[int, ...]] = [()] * vcpus

    def handlers(self) -> dict[type[Fact], Callable[[Any], None]]:
        """Return what to call for which fact."""
        return {
            facts.Ticked: self.on_tick,
            facts.DeviceRaised: self.on_device_event,
            facts.DeviceServed: self.on_device_served,
            facts.ActiveChanged: self.on_active,
            facts.LineChanged: self.on_line,
            facts.Signalled: self.on_signal,
            facts.LrWritten: self.on_lr_written,
            facts.Injected: self.on_inject,
            facts.Resampled: self.on_resample,
            facts.LrMoved: self.on_lr,
            facts.HcrWritten: self.on_hcr,
            facts.Halting: self.on_halting,
            facts.Resumed: self.on_resumed,
            facts.DeactivationSent: self.on_sent,
            facts.DeactivationArrived: self.on_arrived,
            facts.Entered: self.on_entry,
            facts.Exited: self.on_exit,
            facts.Loaded: self.on_load,
            facts.Put: self.on_put,
            facts.TimerRestored: self.on_timer_restored,
            facts.TimerSaved: self.on_timer_saved,
            facts.TimerRead: self.on_timer_read,
            facts.GuestTimer: self.on_guest_timer,
            facts.GuestMask: self.on_guest_mask,
            facts.AckedByGuest: self.on_guest_ack,
            facts.DeactivatedByGuest: self.on_guest_deactivate,
            facts.Blocked: self.on_block,
            facts.Woken: self.on_wake,
            facts.Unblocked: self.on_unblock,
            facts.Halted: self.on_halt,
            facts.Folded: self.on_fold,
            facts.Armed: self.on_armed,
            facts.Cancelled: self.on_cancelled,
            facts.Expired: self.on_expired,
            facts.VmReset: self.on_reset,
            facts.RegisterWritten: self.on_register,
        }

    # -- questions -----------------------------------------------------------------------------

    def is_active(self, c: int, intid: int = VTIMER_PPI) -> bool:
        """Tell whether the banked interrupt is active on CPU ``c``."""
        if intid >= FIRST_SPI:
            return intid in self.active_spis
        return bool(self.active[c] >> intid & 1)

    def is_high(self, c: int, intid: int) -> bool:
        """Tell whether the distributor sees the line of ``intid`` high (a PPI: on ``c``)."""
        if intid >= FIRST_SPI:
            return intid in self.high_spis
        return bool(self.line[c] >> intid & 1)

    def timer_lr(self, c: int) -> Lr:
        """Return the List Register that holds the timer's interrupt, or the empty one."""
        for lr in self.lrs[c]:
            if lr.state and lr.vintid == VTIMER_PPI:
                return lr
        return EMPTY

    def owed(self, v: int) -> bool:
        """Tell whether the guest's timer fires or will fire, as the guest programmed it."""
        return self.ctl[v] == ENABLE and not self.handling[v] and not self.halted[v]

    def lets_through(self, v: int) -> bool:
        """Tell whether the guest would take its timer interrupt."""
        return self.enabled[v] and not self.masked[v] and self.pmr[v] > 0xA0

    # -- facts ---------------------------------------------------------------------------------

    def on_tick(self, f: facts.Ticked) -> None:
        self.now = f.now
        for v in range(self.vcpus):
            if self.ctl[v] == ENABLE and f.now >= self.deadline[v]:
                self.fired[v] = True

    def on_device_event(self, f: facts.DeviceRaised) -> None:
        if f.vintid not in self.device_work[f.vcpu]:
            self.device_work[f.vcpu] = (*self.device_work[f.vcpu], f.vintid)

    def on_device_served(self, f: facts.DeviceServed) -> None:
        self.device_work[f.vcpu] = tuple(x for x in self.device_work[f.vcpu] if x != f.vintid)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.cpu >= 0:
            if f.after:
                self.active[f.cpu] |= 1 << f.intid
            else:
                self.active[f.cpu] &= ~(1 << f.intid)
        elif f.after:
            self.active_spis.add(f.intid)
        else:
            self.active_spis.discard(f.intid)

    def on_line(self, f: facts.LineChanged) -> None:
        if f.cpu >= 0:
            if f.level:
                self.line[f.cpu] |= 1 << f.intid
            else:
                self.line[f.cpu] &= ~(1 << f.intid)
        elif f.level:
            self.high_spis.add(f.intid)
        else:
            self.high_spis.discard(f.intid)

    def on_signal(self, f: facts.Signalled) -> None:
        self.pin[f.cpu] = f.level

    def on_lr(self, f: facts.LrMoved) -> None:
        self.lrs[f.cpu][f.index] = f.after

    def on_lr_written(self, f: facts.LrWritten) -> None:
        self.lrs[f.cpu][f.index] = f.after
        v = self.loaded[f.cpu]
        if v >= 0 and f.after.state == PENDING and f.after.vintid == VTIMER_PPI:
            self.sw_pending[v] = False

    def on_inject(self, f: facts.Injected) -> None:
        if f.accepted and f.vintid == VTIMER_PPI:
            self.sw_pending[f.vcpu] = f.level

    def on_resample(self, f: facts.Resampled) -> None:
        if f.vintid == VTIMER_PPI:
            self.sw_pending[f.vcpu] = f.level

    def on_hcr(self, f: facts.HcrWritten) -> None:
        self.hcr[f.cpu] = f.value

    def on_halting(self, f: facts.Halting) -> None:
        self.halting = True

    def on_resumed(self, f: facts.Resumed) -> None:
        self.halting = False

    def on_sent(self, f: facts.DeactivationSent) -> None:
        self.in_flight[f.cpu] += 1

    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        self.in_flight[f.cpu] -= 1

    def on_entry(self, f: facts.Entered) -> None:
        self.guest[f.cpu] = f.vcpu
        self.guest_cpu[f.vcpu] = f.cpu
        pending = self.timer_lr(f.cpu).state == PENDING
        self.presented[f.vcpu] = pending and self.fired[f.vcpu]

    def on_exit(self, f: facts.Exited) -> None:
        self.guest[f.cpu] = -1
        self.guest_cpu[f.vcpu] = -1

    def on_load(self, f: facts.Loaded) -> None:
        self.loaded[f.cpu] = f.vcpu

    def on_put(self, f: facts.Put) -> None:
        self.loaded[f.cpu] = -1
        if self.blocked[f.vcpu]:
            self.asleep[f.vcpu] = True

    def on_timer_restored(self, f: facts.TimerRestored) -> None:
        self.timer[f.cpu] = f.vcpu

    def on_timer_saved(self, f: facts.TimerSaved) -> None:
        if not f.left & ENABLE:
            self.timer[f.cpu] = -1

    def on_timer_read(self, f: facts.TimerRead) -> None:
        self.level[f.vcpu] = f.level

    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        self.ctl[f.vcpu] = f.ctl
        self.cval[f.vcpu] = f.cval
        self.deadline[f.vcpu] = f.deadline
        self.fired[f.vcpu] = f.ctl == ENABLE and self.now >= f.deadline

    def on_guest_mask(self, f: facts.GuestMask) -> None:
        self.masked[f.vcpu] = f.irqs_masked
        self.pmr[f.vcpu] = f.pmr
        self.enabled[f.vcpu] = f.enabled

    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        v = self.guest[f.cpu]
        if f.vintid == VTIMER_PPI and v >= 0:
            self.handling[v] = True

    def on_guest_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        v = self.guest[f.cpu]
        if f.vintid == VTIMER_PPI and v >= 0:
            self.handling[v] = False
            self.fired[v] = self.ctl[v] == ENABLE and self.now >= self.deadline[v]

    def on_block(self, f: facts.Blocked) -> None:
        self.blocked[f.vcpu] = True
        self.woken[f.vcpu] = False

    def on_wake(self, f: facts.Woken) -> None:
        self.woken[f.vcpu] = True
        self.blocked[f.vcpu] = self.asleep[f.vcpu] = False

    def on_unblock(self, f: facts.Unblocked) -> None:
        self.blocked[f.vcpu] = self.asleep[f.vcpu] = False

    def on_halt(self, f: facts.Halted) -> None:
        self.halted[f.vcpu] = True

    def on_fold(self, f: facts.Folded) -> None:
        if f.vintid != VTIMER_PPI:
            return
        self.sw_active[f.vcpu] = f.active
        self.sw_pending[f.vcpu] = f.line_level or f.pending_latch

    def on_reset(self, f: facts.VmReset) -> None:
        v = f.vcpu
        self.handling[v] = self.presented[v] = self.sw_active[v] = self.sw_pending[v] = False
        self.level[v] = False

    def on_register(self, f: facts.RegisterWritten) -> None:
        # A guest may make its timer's interrupt pending by itself.
        if f.vintid == VTIMER_PPI and f.register == "ispendr":
            self.fired[f.vcpu] = self.sw_pending[f.vcpu] = True

    def on_armed(self, f: facts.Armed) -> None:
        self.armed[f.vcpu] = True

    def on_cancelled(self, f: facts.Cancelled) -> None:
        self.armed[f.vcpu] = False

    def on_expired(self, f: facts.Expired) -> None:
        self.armed[f.vcpu] = f.early
