"""What facts add up to: the state that several rules look at, kept once.

The scene knows only what facts said, so a rule cannot tell a run from a log or a trace.
"""

from collections.abc import Callable
from typing import Any

from model import facts
from model.facts import Fact
from model.gic.lr import EMPTY, PENDING, Lr
from model.gic.registers import FIRST_SPI
from model.identity import PTIMER
from model.machine import START_NS
from model.messages import VTIMER_PPI
from model.rules.gic_scene import GicScene, is_special
from model.rules.phys_scene import PhysScene
from model.timer import ENABLE, PTIMER_PPI
from model.vgic.irq import PRIORITY

__all__ = ["VTIMER_BIT", "Scene", "is_special"]

VTIMER_BIT = 1 << VTIMER_PPI


class Scene(GicScene, PhysScene):
    """The state that facts add up to, per CPU and per VCPU.

    Per CPU ``c``: ``guest[c]`` and ``loaded[c]``, the VCPU in its guest and the loaded one (-1);
    ``used[c]``, the List Registers that are not inactive, by index; ``timer[c]``, whose values the
    hardware timer holds; ``in_flight[c]``, deactivations under way. Of virtual interrupts
    ``disabled``, by VCPU (-1: an SPI) and vINTID, and ``targets``, where SPIs were routed.

    Per VCPU ``v``: ``guest_cpu[v]``; the guest's own idea of its timer in ``ctl[v]`` and
    ``deadline[v]`` (and ``cval[v]``); ``fired[v]``, that its line was high (or the guest made it
    pending) since it was last lowered or the interrupt deactivated; ``presented[v]``, that the
    timer was rightly pending in a List Register at the last entry; what it lets through in
    ``masked[v]``, ``pmr[v]`` and ``enabled[v]``; ``handling[v]``, that it acknowledged the timer
    and has not deactivated it; ``blocked[v]``, ``device_work[v]``, the devices (vINTIDs) that had
    an event and were not served since; ``asleep[v]`` (blocked and put) and ``woken[v]``;
    ``halted[v]``; ``sw_active[v]`` and ``level[v]``, KVM's software active bit and the last level
    it computed; ``sw_pending[v]``, that it has the timer pending in software, in no List Register;
    ``armed[v]``; ``paused[v]``, that a VCPU keeps it out of its guest.
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
        self.reset_gic(pcpus)
        self.disabled: set[tuple[int, int]] = set()
        self.targets: dict[int, int] = {}
        self.timer = [-1] * pcpus
        self.in_flight = [0] * pcpus
        self.paused = [False] * vcpus
        self.used: list[dict[int, Lr]] = [{} for _ in range(pcpus)]
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
        self.reset_phys(vcpus)
        self.handlings = {VTIMER_PPI: self.handling, PTIMER_PPI: self.phandling}
        self.device_work: list[tuple[int, ...]] = [()] * vcpus

    def handlers(self) -> dict[type[Fact], Callable[[Any], None]]:
        """Return what to call for which fact."""
        return {
            **self.gic_handlers(),
            facts.Ticked: self.on_tick,
            facts.DeviceRaised: self.on_device_event,
            facts.DeviceServed: self.on_device_served,
            facts.LrWritten: self.on_lr_written,
            facts.Injected: self.on_inject,
            facts.Resampled: self.on_resample,
            facts.LrMoved: self.on_lr,
            facts.RegisterWritten: self.on_register,
            facts.Retargeted: self.on_retarget,
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
            facts.Emulated: self.on_emulated,
            facts.Blocked: self.on_block,
            facts.Woken: self.on_wake,
            facts.Unblocked: self.on_unblock,
            facts.Halted: self.on_halt,
            facts.Folded: self.on_fold,
            facts.Armed: self.on_armed,
            facts.Cancelled: self.on_cancelled,
            facts.Expired: self.on_expired,
            facts.VmReset: self.on_reset,
        }

    # -- questions -----------------------------------------------------------------------------

    def timer_lr(self, c: int) -> Lr:
        """Return the List Register that holds the timer's interrupt, or the empty one."""
        for lr in self.used[c].values():
            if lr.vintid == VTIMER_PPI:
                return lr
        return EMPTY

    def owed(self, v: int) -> bool:
        """Tell whether the guest's timer fires or will fire, as the guest programmed it."""
        return self.ctl[v] == ENABLE and not self.handling[v] and not self.halted[v]

    def fires(self, v: int) -> bool:
        """Tell whether the guest's timer asserts its interrupt now, as the guest programmed it."""
        return self.ctl[v] == ENABLE and self.now >= self.deadline[v]

    def is_enabled(self, v: int, vintid: int) -> bool:
        """Tell whether the guest has a virtual interrupt enabled, and routed to VCPU ``v``."""
        if vintid >= FIRST_SPI:
            return self.targets.get(vintid, v) == v and (-1, vintid) not in self.disabled
        if vintid == VTIMER_PPI and not self.enabled[v]:
            return False
        return (v, vintid) not in self.disabled

    def takes_irqs(self, v: int) -> bool:
        """Tell whether the guest would take an interrupt of default priority."""
        return not self.masked[v] and self.pmr[v] > PRIORITY

    def lets_through(self, v: int, vintid: int = VTIMER_PPI) -> bool:
        """Tell whether the guest would take its timer interrupt (or the physical timer's)."""
        enabled = self.enabled[v] if vintid == VTIMER_PPI else self.is_enabled(v, vintid)
        return enabled and self.takes_irqs(v)

    # -- facts ---------------------------------------------------------------------------------

    def on_tick(self, f: facts.Ticked) -> None:
        self.now = f.now
        for v in range(self.vcpus):
            if self.fires(v):
                self.fired[v] = True

    def on_device_event(self, f: facts.DeviceRaised) -> None:
        if f.vintid not in self.device_work[f.vcpu]:
            self.device_work[f.vcpu] = (*self.device_work[f.vcpu], f.vintid)

    def on_device_served(self, f: facts.DeviceServed) -> None:
        self.device_work[f.vcpu] = tuple(x for x in self.device_work[f.vcpu] if x != f.vintid)

    def on_lr(self, f: facts.LrMoved | facts.LrWritten) -> None:
        if f.after.state:
            self.used[f.pcpu][f.index] = f.after
        else:
            self.used[f.pcpu].pop(f.index, None)

    def on_lr_written(self, f: facts.LrWritten) -> None:
        self.on_lr(f)
        v = self.loaded[f.pcpu]
        if v >= 0 and f.after.state == PENDING and f.after.vintid == VTIMER_PPI:
            self.sw_pending[v] = False
        elif v >= 0 and f.after.state and f.after.vintid == PTIMER_PPI:
            self.psw_pending[v] = False

    def on_inject(self, f: facts.Injected) -> None:
        if f.accepted and f.vintid == VTIMER_PPI:
            self.sw_pending[f.vcpu] = f.level
        elif f.vintid == PTIMER_PPI:
            self.on_phys_inject(f)

    def on_resample(self, f: facts.Resampled) -> None:
        if f.vintid == VTIMER_PPI:
            self.sw_pending[f.vcpu] = f.level

    def on_register(self, f: facts.RegisterWritten) -> None:
        which = (-1 if f.vintid >= FIRST_SPI else f.owner, f.vintid)
        if f.register == "icenabler":
            self.disabled.add(which)
        elif f.register in ("isenabler", "reset"):
            self.disabled.discard(which)
            if f.register == "reset":
                self.targets.pop(f.vintid, None)
        elif f.vintid == VTIMER_PPI and f.register == "ispendr":
            # A guest may make its timer's interrupt pending by itself.
            self.fired[f.vcpu] = self.sw_pending[f.vcpu] = True

    def on_retarget(self, f: facts.Retargeted) -> None:
        self.targets[f.vintid] = f.target

    def on_halting(self, f: facts.Halting) -> None:
        self.paused = [True] * self.vcpus

    def on_resumed(self, f: facts.Resumed) -> None:
        self.paused[f.resumed] = False

    def on_sent(self, f: facts.DeactivationSent) -> None:
        self.in_flight[f.pcpu] += 1

    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        self.in_flight[f.pcpu] -= 1

    def on_entry(self, f: facts.Entered) -> None:
        self.guest[f.pcpu] = f.vcpu
        self.guest_cpu[f.vcpu] = f.pcpu
        pending = self.timer_lr(f.pcpu).state == PENDING
        self.presented[f.vcpu] = pending and self.fired[f.vcpu]

    def on_exit(self, f: facts.Exited) -> None:
        self.guest[f.pcpu] = -1
        self.guest_cpu[f.vcpu] = -1

    def on_load(self, f: facts.Loaded) -> None:
        self.loaded[f.pcpu] = f.vcpu

    def on_put(self, f: facts.Put) -> None:
        self.loaded[f.pcpu] = -1
        if self.blocked[f.vcpu]:
            self.asleep[f.vcpu] = True

    def on_timer_restored(self, f: facts.TimerRestored) -> None:
        self.timer[f.pcpu] = f.vcpu

    def on_timer_saved(self, f: facts.TimerSaved) -> None:
        if not f.left & ENABLE:
            self.timer[f.pcpu] = -1

    def on_timer_read(self, f: facts.TimerRead) -> None:
        self.level[f.vcpu] = f.level

    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        if f.timer == PTIMER:
            self.on_guest_ptimer(f)
            return
        self.ctl[f.vcpu] = f.ctl
        self.cval[f.vcpu] = f.cval
        self.deadline[f.vcpu] = f.deadline
        self.fired[f.vcpu] = self.fires(f.vcpu)

    def on_guest_mask(self, f: facts.GuestMask) -> None:
        self.masked[f.vcpu] = f.irqs_masked
        self.pmr[f.vcpu] = f.pmr
        self.enabled[f.vcpu] = f.enabled

    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        v = self.guest[f.pcpu]
        if f.vintid in self.handlings and v >= 0:
            self.handlings[f.vintid][v] = True

    def on_guest_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        v = self.guest[f.pcpu]
        if v >= 0:
            self.no_longer_handled(v, f.vintid)

    def on_emulated(self, f: facts.Emulated) -> None:
        # A write to DIR that traps deactivates nothing before KVM does so for the guest.
        if f.cause == "dir":
            self.no_longer_handled(f.vcpu, f.vintid)

    def no_longer_handled(self, v: int, vintid: int) -> None:
        """Note that the guest's handler of a timer is over; a line still high fires again."""
        if vintid in self.handlings:
            self.handlings[vintid][v] = False
        if vintid == VTIMER_PPI:
            self.fired[v] = self.fires(v)

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
            self.on_phys_fold(f)
            return
        self.sw_active[f.vcpu] = f.active
        self.sw_pending[f.vcpu] = f.line_level or f.pending_latch

    def on_reset(self, f: facts.VmReset) -> None:
        v = f.vcpu
        self.handling[v] = self.presented[v] = self.sw_active[v] = self.sw_pending[v] = False
        self.level[v] = self.phandling[v] = self.psw_pending[v] = False

    def on_armed(self, f: facts.Armed) -> None:
        if f.timer == PTIMER:
            self.on_emulation_armed(f)
        else:
            self.armed[f.vcpu] = True

    def on_cancelled(self, f: facts.Cancelled) -> None:
        if f.timer == PTIMER:
            self.on_emulation_cancelled(f)
        else:
            self.armed[f.vcpu] = False

    def on_expired(self, f: facts.Expired) -> None:
        if f.timer == PTIMER:
            self.on_emulation_expired(f)
        else:
            self.armed[f.vcpu] = f.early
