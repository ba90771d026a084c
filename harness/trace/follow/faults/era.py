"""Faults in the flow of an era: hooks to lay over it."""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.trace.follow.faults.fault import Fault
from model.host.thread import IN_GUEST
from model.identity import BG_TIMER, VTIMER
from model.vgic.irq import VgicIrq

__all__ = ["ERA"]


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
    Fault("timer-masked", "a background timer for a masked timer", hooks=SavesNoTimer, shown=False),
    Fault("expiry-wakes", "an expiry wakes nobody", hooks=ExpiryWakesNobody),
    Fault("never-runnable", "a VCPU sleeps with work to do", hooks=NeverRunnable),
    Fault("always-runnable", "a VCPU never sleeps", hooks=AlwaysRunnable),
    Fault("runnable-active", "active or disabled ones keep a VCPU awake", hooks=ActiveIsRunnable),
    Fault("kick-no-ipi", "a kick sends no IPI", hooks=KicksByNoIpi),
    Fault("kick-any-ipi", "a kick always sends an IPI", hooks=KicksByAnyIpi),
    Fault("handler-nothing", "the host's handler gives nothing", hooks=HandlerGivesNothing),
    Fault("flush-short", "the flush leaves one out", hooks=FlushStopsEarly),
)  # fmt: skip
