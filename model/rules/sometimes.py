"""States that scenarios exist to reach: named claims of kind "sometimes".

A campaign that never reached a state its scenario lists proves nothing about it, and is
inconclusive. They read the same facts as the rules.
"""

from collections.abc import Callable
from typing import Any

from model import facts
from model.facts import Fact
from model.gic.lr import ACTIVE, PENDING
from model.gic.registers import FIRST_SPI, HCR_UIE, SPECIAL
from model.identity import BG_TIMER, PTIMER
from model.messages import MAINTENANCE_PPI, VTIMER_PPI
from model.rules.scene import VTIMER_BIT, Scene
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["NAMES", "Reached"]

NAMES = (
    "slept with the timer armed",
    "soft timer woke the thread",
    "injected without a host interrupt",
    "host handler injected",
    "the timer forced an exit",
    "guest acknowledged",
    "interrupt while one is active",
    "moved while pending",
    "moved while active",
    "two VCPUs took turns on a CPU",
    "returned to user space",
    "deactivation in flight at fold",
    "guest acknowledged a device",
    "host handled a device on another CPU",
    "edge while active",
    "event while the guest handles one",
    "a kick forced the guest out",
    "more interrupts than List Registers",
    "nested handlers",
    "completed outside the List Registers",
    "a maintenance interrupt forced an exit",
    "a DIR trapped",
    "deactivated by another VCPU",
    "an SGI arrived",
    "guests were halted",
    "an SPI moved to another VCPU",
    "reset while an interrupt was active",
    "restored with an interrupt pending or active",
    "guest acknowledged its physical timer",
    "slept with the physical timer alone armed",
    "a soft timer forced an exit",
    "the physical timer was programmed again while armed",
)
MAINTENANCE_BIT = 1 << MAINTENANCE_PPI
BIT = {name: 1 << i for i, name in enumerate(NAMES)}

ARMED = BIT["slept with the timer armed"]
SOFT_WOKE = BIT["soft timer woke the thread"]
UNFIRED = BIT["injected without a host interrupt"]
HOST_INJECTED = BIT["host handler injected"]
FORCED = BIT["the timer forced an exit"]
ACKED = BIT["guest acknowledged"]
NESTED = BIT["interrupt while one is active"]
MOVED_PENDING = BIT["moved while pending"]
MOVED_ACTIVE = BIT["moved while active"]
TURNS = BIT["two VCPUs took turns on a CPU"]
USER = BIT["returned to user space"]
DEVICE_ACKED = BIT["guest acknowledged a device"]
ELSEWHERE = BIT["host handled a device on another CPU"]
EDGE_ACTIVE = BIT["edge while active"]
EVENT_HANDLING = BIT["event while the guest handles one"]
KICKED_OUT = BIT["a kick forced the guest out"]
FOLD_RACE = BIT["deactivation in flight at fold"]
OVERFLOWN = BIT["more interrupts than List Registers"]
DEEP = BIT["nested handlers"]
OUTSIDE = BIT["completed outside the List Registers"]
MAINTAINED = BIT["a maintenance interrupt forced an exit"]
TRAPPED = BIT["a DIR trapped"]
ASYMMETRIC = BIT["deactivated by another VCPU"]
SGI = BIT["an SGI arrived"]
HALTED = BIT["guests were halted"]
MIGRATED = BIT["an SPI moved to another VCPU"]
RESET_ACTIVE = BIT["reset while an interrupt was active"]
PTIMER_ACKED = BIT["guest acknowledged its physical timer"]
PTIMER_ALONE = BIT["slept with the physical timer alone armed"]
SOFT_FORCED = BIT["a soft timer forced an exit"]
REARMED = BIT["the physical timer was programmed again while armed"]
RESTORED = BIT["restored with an interrupt pending or active"]


class Reached:
    """Which of the states the current execution has reached: ``bits``, by position in NAMES."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.reset()

    def reset(self) -> None:
        """Start an execution."""
        self.bits = 0
        self.fired = [False] * self.scene.vcpus
        self.host_acks = [0] * self.scene.vcpus
        self.in_isr = [False] * self.scene.pcpus
        self.held = [0] * self.scene.vcpus
        self.owner = [-1] * self.scene.pcpus
        self.depth = [0] * self.scene.vcpus
        self.queues: dict[int, int] = {}
        self.trapped = -1
        self.held_irqs: list[tuple[int, ...]] = [()] * self.scene.vcpus
        self.saved = [False] * self.scene.vcpus
        self.pctl = [0] * self.scene.vcpus

    def handlers(self) -> dict[type[Fact], Callable[[Any], None]]:
        """Return what to call for which fact."""
        return {
            facts.Blocked: self.on_block,
            facts.Expired: self.on_expired,
            facts.Woken: self.on_wake,
            facts.AckedByHost: self.on_host_ack,
            facts.IsrBegan: self.on_isr,
            facts.IsrEnded: self.on_isr_end,
            facts.Injected: self.on_inject,
            facts.AckedByGuest: self.on_guest_ack,
            facts.Exited: self.on_exit,
            facts.Folded: self.on_fold,
            facts.Placed: self.on_placed,
            facts.UserLeft: self.on_user,
            facts.PendingChanged: self.on_pending,
            facts.DeviceRaised: self.on_event,
            facts.Kicked: self.on_kick,
            facts.HcrWritten: self.on_hcr,
            facts.Completed: self.on_eoir,
            facts.Trapped: self.on_trap,
            facts.Emulated: self.on_emulated,
            facts.Halting: self.on_halting,
            facts.Queued: self.on_queue,
            facts.GuestTimer: self.on_guest_timer,
            facts.VmReset: self.on_reset,
            facts.VmSaved: self.on_saved,
            facts.VmRestored: self.on_restored,
        }

    def on_block(self, f: facts.Blocked) -> None:
        # The v7.2 era arms during the put that follows; there the soft timer's expiry counts.
        if self.scene.armed[f.vcpu]:
            self.bits |= ARMED

    def on_expired(self, f: facts.Expired) -> None:
        if f.timer != BG_TIMER:
            return
        self.fired[f.vcpu] = not f.early
        if self.scene.asleep[f.vcpu]:
            self.bits |= ARMED
            if self.scene.pctl[f.vcpu] == ENABLE != self.scene.ctl[f.vcpu]:
                self.bits |= PTIMER_ALONE

    def on_guest_timer(self, f: facts.GuestTimer) -> None:
        if f.timer != PTIMER:
            return
        if f.ctl == ENABLE == self.pctl[f.vcpu]:
            self.bits |= REARMED
        self.pctl[f.vcpu] = f.ctl

    def on_wake(self, f: facts.Woken) -> None:
        if self.fired[f.vcpu]:
            self.bits |= SOFT_WOKE
        self.fired[f.vcpu] = False

    def on_host_ack(self, f: facts.AckedByHost) -> None:
        if f.intid == VTIMER_PPI:
            v = self.scene.loaded[f.pcpu]
            if v >= 0:
                self.host_acks[v] += 1
        elif f.intid < SPECIAL and self.scene.active[f.pcpu] & VTIMER_BIT:
            self.bits |= NESTED

    def on_isr(self, f: facts.IsrBegan) -> None:
        active_spi = f.intid >= FIRST_SPI and f.intid in self.scene.active_spis
        if active_spi and self.scene.loaded[f.pcpu] < 0:
            self.bits |= ELSEWHERE
        self.in_isr[f.pcpu] = f.intid == VTIMER_PPI

    def on_isr_end(self, f: facts.IsrEnded) -> None:
        self.in_isr[f.pcpu] = False

    def on_inject(self, f: facts.Injected) -> None:
        if f.level and f.accepted and f.vintid == VTIMER_PPI:
            self.held[f.vcpu] = PENDING
            if self.in_isr[f.pcpu]:
                self.bits |= HOST_INJECTED
            elif not self.host_acks[f.vcpu]:
                self.bits |= UNFIRED

    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        if f.vintid >= SPECIAL:
            return
        v = self.scene.guest[f.pcpu]
        self.depth[v] += 1
        if self.depth[v] > 1:
            self.bits |= DEEP
        if f.vintid == VTIMER_PPI:
            self.bits |= ACKED
        elif f.vintid == PTIMER_PPI:
            self.bits |= PTIMER_ACKED
        else:
            self.bits |= DEVICE_ACKED if f.vintid >= FIRST_SPI else SGI

    def on_eoir(self, f: facts.Completed) -> None:
        self.depth[self.scene.guest[f.pcpu]] -= 1

    def on_exit(self, f: facts.Exited) -> None:
        scene = self.scene
        ready = scene.line[f.pcpu] & ~scene.active[f.pcpu] & VTIMER_BIT
        if f.reason == "irq" and scene.pin[f.pcpu] and ready:
            self.bits |= FORCED
        if f.reason == "irq" and scene.pin[f.pcpu] and scene.line[f.pcpu] & MAINTENANCE_BIT:
            self.bits |= MAINTAINED
        if f.reason == "irq" and not scene.pin[f.pcpu]:
            self.bits |= SOFT_FORCED

    def on_fold(self, f: facts.Folded) -> None:
        if f.vintid == VTIMER_PPI:
            self.held[f.vcpu] = ACTIVE if f.active else f.state
        others = tuple(x for x in self.held_irqs[f.vcpu] if x != f.vintid)
        self.held_irqs[f.vcpu] = (*others, f.vintid) if f.active else others
        if any(self.scene.in_flight):
            self.bits |= FOLD_RACE

    def on_placed(self, f: facts.Placed) -> None:
        if f.before >= 0 and f.before != f.pcpu:
            if self.held[f.vcpu] == PENDING:
                self.bits |= MOVED_PENDING
            elif self.held[f.vcpu] == ACTIVE:
                self.bits |= MOVED_ACTIVE
        if self.owner[f.pcpu] not in (-1, f.vcpu):
            self.bits |= TURNS
        self.owner[f.pcpu] = f.vcpu

    def on_pending(self, f: facts.PendingChanged) -> None:
        if f.after and f.pcpu < 0 and self.scene.is_active(-1, f.intid):
            self.bits |= EDGE_ACTIVE

    def on_event(self, f: facts.DeviceRaised) -> None:
        c = self.scene.guest_cpu[f.vcpu]
        if c >= 0 and any(
            lr.vintid == f.vintid and lr.state & ACTIVE for lr in self.scene.used[c].values()
        ):
            self.bits |= EVENT_HANDLING

    def on_kick(self, f: facts.Kicked) -> None:
        if f.ipi:
            self.bits |= KICKED_OUT

    def on_hcr(self, f: facts.HcrWritten) -> None:
        if f.value & HCR_UIE:
            self.bits |= OVERFLOWN

    def on_trap(self, f: facts.Trapped) -> None:
        self.bits |= TRAPPED
        self.trapped = f.vcpu

    def on_emulated(self, f: facts.Emulated) -> None:
        if f.cause == "eoicount":
            self.bits |= OUTSIDE
        elif f.vcpu != self.trapped:
            self.bits |= ASYMMETRIC

    def on_halting(self, f: facts.Halting) -> None:
        if f.halted:
            self.bits |= HALTED

    def on_queue(self, f: facts.Queued) -> None:
        if f.vintid >= FIRST_SPI:
            if self.queues.get(f.vintid, f.vcpu) != f.vcpu:
                self.bits |= MIGRATED
            self.queues[f.vintid] = f.vcpu

    def on_reset(self, f: facts.VmReset) -> None:
        if self.held_irqs[f.vcpu]:
            self.bits |= RESET_ACTIVE
        self.depth[f.vcpu] = 0
        self.held_irqs[f.vcpu] = ()

    def on_saved(self, f: facts.VmSaved) -> None:
        self.saved[f.vcpu] = self.saved[f.vcpu] or f.level or f.active

    def on_restored(self, f: facts.VmRestored) -> None:
        if self.saved[f.vcpu]:
            self.bits |= RESTORED

    def on_user(self, f: facts.UserLeft) -> None:
        self.bits |= USER
