"""Faults to plant in the model and in the era: a lock step that misses them has no power there.

Each is one wrong decision, laid over the right one while :func:`planted` holds. ``shown`` says
whether the traces that the project has go where it would show; those that none goes to are here for
the traces to come.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from harness.context import Context
from harness.errors import unknown_name
from harness.kvm.hooks import Hooks
from model.gic.lr import ACTIVE, PENDING, Lr
from model.gic.registers import HCR_UIE
from model.host.thread import IN_GUEST
from model.identity import BG_TIMER, VTIMER
from model.vgic import decide
from model.vgic.irq import VgicIrq

__all__ = ["FAULTS", "Fault", "fault_of", "planted"]

Decision = Callable[..., Any]


class Fault(NamedTuple):
    """A fault: ``decision`` of ``model.vgic.decide`` replaced by what ``wrong`` makes of it, or
    ``hooks`` laid over the era."""

    id: str
    title: str
    decision: str = ""
    wrong: Callable[[Decision], Decision] | None = None
    hooks: type[Hooks] | None = None
    shown: bool = True


def changed(lr: Lr, **fields: Any) -> Lr:
    """Return a List Register with other fields."""
    values = {name: getattr(lr, name) for name in Lr.__struct_fields__}
    return Lr(**(values | fields))


# -- model/vgic/decide.py ------------------------------------------------------------------------


def oracle_ignores_enable(right: Decision) -> Decision:
    """What is disabled is delivered."""

    def wrong(irq: VgicIrq) -> int:
        return irq.target if not irq.active and irq.is_pending() else right(irq)

    return wrong


def oracle_forgets_active(right: Decision) -> Decision:
    """What is active and not pending belongs nowhere."""

    def wrong(irq: VgicIrq) -> int:
        return -1 if irq.active and not irq.is_pending() else right(irq)

    return wrong


def oracle_disabled_active(right: Decision) -> Decision:
    """What is active and disabled belongs nowhere."""

    def wrong(irq: VgicIrq) -> int:
        return -1 if irq.active and not irq.enabled else right(irq)

    return wrong


def oracle_follows_target(right: Decision) -> Decision:
    """What is active moves to another VCPU when its target does."""

    def wrong(irq: VgicIrq) -> int:
        return irq.target if irq.active else right(irq)

    return wrong


def accepts_always(right: Decision) -> Decision:
    """A level that did not change is taken as news."""
    return lambda _irq, _level: True


def accepts_high(right: Decision) -> Decision:
    """A level that falls is not taken."""
    return lambda irq, level: bool(right(irq, level)) and level


def accepts_falling_edge(right: Decision) -> Decision:
    """An edge that falls is taken."""
    return lambda irq, level: True if not irq.level else right(irq, level)


def lr_hw_pending_active(right: Decision) -> Decision:
    """A mapped interrupt is pending and active at once."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        both = irq.hw and irq.active and irq.is_pending()
        return changed(lr, state=ACTIVE | PENDING) if both else lr

    return wrong


def lr_level_pending_active(right: Decision) -> Decision:
    """A level interrupt of software is pending and active at once."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        both = irq.level and not irq.hw and irq.active and irq.is_pending()
        return changed(lr, state=ACTIVE | PENDING) if both else lr

    return wrong


def lr_without_hw(right: Decision) -> Decision:
    """A mapped interrupt is not linked to the physical one."""
    return lambda irq: changed(right(irq), hw=False, pintid=0)


def lr_without_eoi(right: Decision) -> Decision:
    """The end of a level interrupt of software is not told."""
    return lambda irq: changed(right(irq), eoi=False)


def lr_group_one(right: Decision) -> Decision:
    """Every interrupt is of group 1, in a GICv2 too."""
    return lambda irq: changed(right(irq), group=1)


def lr_priority_zero(right: Decision) -> Decision:
    """Every interrupt has the highest priority."""
    return lambda irq: changed(right(irq), priority=0)


def lr_other_source(right: Decision) -> Decision:
    """The next source of a GICv2 SGI is the last one."""

    def wrong(irq: VgicIrq) -> Lr:
        lr: Lr = right(irq)
        return changed(lr, source=irq.source.bit_length() - 1) if irq.source else lr

    return wrong


def populate_keeps_line(right: Decision) -> Decision:
    """The line of a mapped level interrupt stays high in software."""
    return lambda irq, observe_edges_only: right(irq, observe_edges_only=False)


def populate_keeps_latch(right: Decision) -> Decision:
    """An edge is not consumed."""

    def wrong(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
        latch = irq.pending_latch
        lr: Lr = right(irq, observe_edges_only=observe_edges_only)
        irq.pending_latch = latch
        return lr

    return wrong


def populate_lowers_all(right: Decision) -> Decision:
    """The line of a level interrupt of software is lowered, too."""

    def wrong(irq: VgicIrq, *, observe_edges_only: bool) -> Lr:
        lr: Lr = right(irq, observe_edges_only=observe_edges_only)
        if lr.state & PENDING and irq.level:
            irq.line_level = False
        return lr

    return wrong


def fold_keeps_active(right: Decision) -> Decision:
    """What the guest completed stays active."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        active = irq.active
        done = bool(right(irq, lr, acked_clears_latch=acked_clears_latch))
        irq.active = irq.active or active
        return done

    return wrong


def fold_loses_active(right: Decision) -> Decision:
    """What the guest acknowledged is not active in software."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        done = bool(right(irq, lr, acked_clears_latch=acked_clears_latch))
        irq.active = False
        return done

    return wrong


def fold_loses_edge(right: Decision) -> Decision:
    """An edge that the guest did not take is forgotten."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        done = bool(right(irq, lr, acked_clears_latch=acked_clears_latch))
        if not irq.level:
            irq.pending_latch = False
        return done

    return wrong


def fold_latches_level(right: Decision) -> Decision:
    """A level that the guest did not take is latched."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        done = bool(right(irq, lr, acked_clears_latch=acked_clears_latch))
        if irq.level and lr.state & PENDING:
            irq.pending_latch = True
        return done

    return wrong


def fold_keeps_latch(right: Decision) -> Decision:
    """The latch of a level interrupt (ISPENDR) is not cleared by its end."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        latch = irq.pending_latch
        done = bool(right(irq, lr, acked_clears_latch=acked_clears_latch))
        if irq.level:
            irq.pending_latch = latch
        return done

    return wrong


def fold_deactivates_all(right: Decision) -> Decision:
    """Whatever is not active any more counts as deactivated."""

    def wrong(irq: VgicIrq, lr: Lr, *, acked_clears_latch: bool) -> bool:
        right(irq, lr, acked_clears_latch=acked_clears_latch)
        return not irq.active

    return wrong


def resample_never(right: Decision) -> Decision:
    """The line of a mapped level interrupt is not read again."""
    return lambda _irq, _lr, deactivated: False


def resample_always(right: Decision) -> Decision:
    """It is read at every fold."""
    return lambda irq, _lr, deactivated: irq.is_mapped_level()


def resample_when_completed(right: Decision) -> Decision:
    """It is read only when the guest completed the interrupt, not when it is still pending."""
    return lambda irq, lr, deactivated: (
        lr.state != PENDING and bool(right(irq, lr, deactivated=deactivated))
    )


def hcr_underflow(right: Decision) -> Decision:
    """An underflow interrupt is asked for although all is inside."""
    return lambda *args, **named: right(*args, **named) | HCR_UIE


# -- the era ---------------------------------------------------------------------------------------


class LoadIgnoresLine(Hooks):
    """The physical interrupt is active only if the guest has it active."""

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Forget the line."""
        return active


class LoadIgnoresActive(Hooks):
    """The physical interrupt is active only if its line is high."""

    def phys_active_needed(self, level: bool, active: bool) -> bool:
        """Forget the guest."""
        return level


class LoadGivesNoLevel(Hooks):
    """A timer's level is not given to the vgic."""

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        """Do nothing."""


class LoadGivesOldLevel(Hooks):
    """A load gives the level that it gave last."""

    async def inject_timer(self, ctx: Context, v: int, timer: int, level: bool) -> None:
        """Give the other level."""
        await super().inject_timer(ctx, v, timer, not level)


class KicksNobody(Hooks):
    """Nobody is kicked for what is queued."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        """Do nothing."""


class QueuesFirst(Hooks):
    """What is queued goes to the head of the list."""

    async def flush_lrs(self, t: Context) -> None:
        """Turn the list round."""
        vgic = self.machine.vgics[t.v]
        vgic.ap_list = vgic.ap_list[::-1]
        await super().flush_lrs(t)


class PrunesNothing(Hooks):
    """What belongs on no list stays on one."""

    async def prune(self, t: Context) -> None:
        """Do nothing."""


class PrunesActive(Hooks):
    """What is active leaves its list."""

    async def prune(self, t: Context) -> None:
        """Drop what is active, too."""
        await super().prune(t)
        for intid in self.machine.vgics[t.v].ap_list:
            irq = self.machine.irq(t.v, intid)
            if irq.active:
                self.unqueue(t, irq)


class SleepsLong(Hooks):
    """The background timer is set a millisecond late."""

    def earliest(self, v: int) -> int:
        """Add it."""
        at = super().earliest(v)
        return at + 1_000_000 if at >= 0 else at


class NoBackgroundTimer(Hooks):
    """No background timer is set for a sleeper."""

    def earliest(self, v: int) -> int:
        """Tell that nothing will fire."""
        return -1


class AlwaysBackgroundTimer(Hooks):
    """The background timer is set at each put, whether the VCPU sleeps or not."""

    async def vcpu_put(self, t: Context) -> None:
        """Set it."""
        await super().vcpu_put(t)
        if self.earliest(t.v) >= 0:
            self.soft_timer_start(t, BG_TIMER)


class ExpiryWakesNobody(Hooks):
    """A background timer that expires wakes nobody."""

    async def soft_timer_expired(self, h: Context, v: int) -> bool:
        """Do nothing."""
        return False


class NeverRunnable(Hooks):
    """A VCPU that idles sleeps although there is something to run for."""

    def runnable(self, t: Context) -> bool:
        """Say no."""
        return False


class AlwaysRunnable(Hooks):
    """A VCPU that idles never sleeps."""

    def runnable(self, t: Context) -> bool:
        """Say yes."""
        return True


class ActiveIsRunnable(Hooks):
    """What is disabled is a reason not to sleep."""

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        """Forget that it must be enabled."""
        return irq.is_pending() or irq.active


class KicksByNoIpi(Hooks):
    """A kick leaves a running guest alone."""

    async def kick(self, ctx: Context, v: int) -> None:
        """Wake, and no more."""
        await self.wake_up(ctx, v)


class KicksByAnyIpi(Hooks):
    """A kick sends an IPI whether the guest runs or not."""

    async def kick(self, ctx: Context, v: int) -> None:
        """Claim that it does."""
        self.machine.threads[v].mode = IN_GUEST
        await super().kick(ctx, v)
        self.send_ipi(ctx, 0, 0)


class HandlerGivesNothing(Hooks):
    """The host's handler of the timer finds nothing due."""

    async def isr_level(self, h: Context, v: int) -> bool:
        """Say no."""
        return False


class FlushStopsEarly(Hooks):
    """The flush leaves the last interrupt of the list out."""

    async def flush_lrs(self, t: Context) -> None:
        """Take it off for the while."""
        vgic = self.machine.vgics[t.v]
        whole = vgic.ap_list
        vgic.ap_list = whole[:-1] if len(whole) > 1 else whole
        await super().flush_lrs(t)
        vgic.ap_list = whole


class SavesNoTimer(Hooks):
    """A timer that is masked is a reason for a background timer, too."""

    def earliest(self, v: int) -> int:
        """Forget the mask."""
        return self.machine.timers[v][VTIMER].deadline()


DECISIONS = (
    Fault("oracle-enable", "what is disabled is delivered", "target_oracle", oracle_ignores_enable),
    Fault("oracle-active", "active interrupts belong nowhere", "target_oracle", oracle_forgets_active),
    Fault(
        "oracle-disabled", "active and disabled ones belong nowhere", "target_oracle",
        oracle_disabled_active,
    ),
    Fault(
        "oracle-target", "active interrupts move with their target", "target_oracle",
        oracle_follows_target, shown=False,
    ),
    Fault("inject-always", "unchanged levels are accepted", "validate_injection", accepts_always),
    Fault("inject-high", "falling levels are rejected", "validate_injection", accepts_high),
    Fault(
        "inject-edge", "falling edges are accepted", "validate_injection", accepts_falling_edge,
        shown=False,
    ),
    Fault("lr-hw-both", "a HW List Register pending and active", "compute_lr", lr_hw_pending_active),
    Fault(
        "lr-level-both", "a software level pending and active", "compute_lr",
        lr_level_pending_active,
    ),
    Fault("lr-no-hw", "no HW bit", "compute_lr", lr_without_hw),
    Fault("lr-no-eoi", "no EOI bit for software levels", "compute_lr", lr_without_eoi),
    Fault("lr-group", "group 1 for a GICv2 guest", "compute_lr", lr_group_one),
    Fault("lr-priority", "priority 0", "compute_lr", lr_priority_zero),
    Fault("lr-source", "another source of a GICv2 SGI", "compute_lr", lr_other_source, shown=False),
    Fault("populate-line", "populate leaves the line of a mapped level", "populate", populate_keeps_line),
    Fault("populate-latch", "populate leaves the latch of an edge", "populate", populate_keeps_latch),
    Fault("populate-lowers", "populate lowers software levels", "populate", populate_lowers_all),
    Fault("fold-active", "the fold keeps what was completed active", "fold_edge_or_level", fold_keeps_active),
    Fault("fold-ack", "the fold forgets what was acknowledged", "fold_edge_or_level", fold_loses_active),
    Fault("fold-edge", "the fold forgets an edge not taken", "fold_edge_or_level", fold_loses_edge),
    Fault("fold-level", "the fold latches a level not taken", "fold_edge_or_level", fold_latches_level),
    Fault(
        "fold-latch", "the fold keeps the latch of a level", "fold_edge_or_level", fold_keeps_latch,
        shown=False,
    ),
    Fault("fold-deactivated", "the fold sees deactivations everywhere", "fold_edge_or_level", fold_deactivates_all),
    Fault("resample-never", "the line is never read again", "resample_needed", resample_never),
    Fault("resample-always", "the line is read again at each fold", "resample_needed", resample_always),
    Fault("resample-pending", "the line of a pending one is not read again", "resample_needed", resample_when_completed),
    Fault("hcr-uie", "UIE without overflow", "configure_hcr", hcr_underflow, shown=False),
)  # fmt: skip
ERA = (
    Fault("load-line", "the load forgets the line", hooks=LoadIgnoresLine),
    Fault("load-active", "the load forgets the guest's active state", hooks=LoadIgnoresActive),
    Fault("load-no-level", "the load gives no level", hooks=LoadGivesNoLevel),
    Fault("load-level", "the load gives the other level", hooks=LoadGivesOldLevel),
    Fault("kick-nobody", "queueing kicks nobody", hooks=KicksNobody),
    Fault("queue-first", "the list is taken from its end", hooks=QueuesFirst),
    Fault("prune-nothing", "nothing is pruned", hooks=PrunesNothing),
    Fault("prune-active", "active interrupts are pruned", hooks=PrunesActive),
    Fault("timer-late", "the background timer is 1 ms late", hooks=SleepsLong),
    Fault("timer-none", "no background timer", hooks=NoBackgroundTimer),
    Fault("timer-always", "a background timer at each put", hooks=AlwaysBackgroundTimer),
    Fault("timer-masked", "a background timer for a masked timer", hooks=SavesNoTimer),
    Fault("expiry-wakes", "an expiry wakes nobody", hooks=ExpiryWakesNobody),
    Fault("never-runnable", "a VCPU sleeps with work to do", hooks=NeverRunnable),
    Fault("always-runnable", "a VCPU never sleeps", hooks=AlwaysRunnable),
    Fault("runnable-active", "active or disabled ones keep a VCPU awake", hooks=ActiveIsRunnable),
    Fault("kick-no-ipi", "a kick sends no IPI", hooks=KicksByNoIpi),
    Fault("kick-any-ipi", "a kick always sends an IPI", hooks=KicksByAnyIpi),
    Fault("handler-nothing", "the host's handler gives nothing", hooks=HandlerGivesNothing),
    Fault("flush-short", "the flush leaves one out", hooks=FlushStopsEarly),
)  # fmt: skip
FAULTS = {fault.id: fault for fault in (*DECISIONS, *ERA)}


def fault_of(name: str) -> Fault:
    """Return the fault of this name.

    Raises:
        UsageError: there is none.

    """
    fault = FAULTS.get(name)
    if fault is None:
        raise unknown_name("fault", name, FAULTS)
    return fault


@contextmanager
def planted(fault: Fault | None) -> Iterator[tuple[type, ...]]:
    """Plant a fault (None: none) for the while; yield the hooks to lay over the hypervisor."""
    if fault is None:
        yield ()
        return
    if fault.hooks is not None:
        yield (fault.hooks,)
        return
    assert fault.wrong is not None, "one of the two"
    right = getattr(decide, fault.decision)
    setattr(decide, fault.decision, fault.wrong(right))
    try:
        yield ()
    finally:
        setattr(decide, fault.decision, right)
