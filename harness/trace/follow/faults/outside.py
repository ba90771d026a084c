"""Faults that show where a trace has lists, sources, lines, and what is outside the registers."""

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.trace.follow.faults.fault import Decision, Fault
from model.gic.lr import Lr
from model.gic.registers import HCR_LRENPIE, HCR_NPIE, Vmcr
from model.vgic.irq import VgicIrq

__all__ = ["OUTSIDE"]


def sorts_by_number(right: Decision) -> Decision:
    """The list is sorted by number, not by priority."""

    def wrong(irq: VgicIrq, v: int, vmcr: Vmcr, *, forwards: bool) -> tuple[bool | int, ...]:
        *before, _, soft = right(irq, v, vmcr, forwards=forwards)
        return (*before, -irq.intid, soft)

    return wrong


def hcr_without_npie(right: Decision) -> Decision:
    """No exit is asked for when nothing is pending any more."""
    return lambda *args, **named: right(*args, **named) & ~HCR_NPIE


def hcr_without_lrenpie(right: Decision) -> Decision:
    """No exit is asked for when something outside is completed."""
    return lambda *args, **named: right(*args, **named) & ~HCR_LRENPIE


def fold_stays_on_lr(right: Decision) -> Decision:
    """What was folded is taken to be in a List Register still."""

    def wrong(irq: VgicIrq, lr: Lr, **named: bool) -> bool:
        done = bool(right(irq, lr, **named))
        irq.on_lr = True
        return done

    return wrong


class LastIsCompleted(Hooks):
    """EOIcount is taken for the last ones of the list."""

    def spilled(self, t: Context) -> tuple[int, ...]:
        """Turn them round."""
        return super().spilled(t)[::-1]


class NoneIsCompleted(Hooks):
    """EOIcount is not looked at."""

    async def replay_eois(self, t: Context) -> None:
        """Do nothing."""


class DirIsIgnored(Hooks):
    """A DIR that traps does nothing."""

    async def handle_dir(self, t: Context) -> None:
        """Do nothing."""


class HaltsNobody(Hooks):
    """No guest is halted for an access to active states."""

    def must_halt(self, irq: VgicIrq) -> bool:
        """Say no."""
        return False


class ForgetsSender(Hooks):
    """Who sent a GICv2 SGI is not noted."""

    async def handle_sgi(self, t: Context) -> None:
        """Take it for one of a GICv3."""
        trap = await self.decode(t)
        irq = self.machine.irq(trap.b, trap.a)
        sourced, irq.sourced = irq.sourced, False
        await super().handle_sgi(t)
        irq.sourced = sourced


class ReleasesNothing(Hooks):
    """A line that fell is noted, and the physical interrupt stays active."""

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        """Read the line."""
        await t.step(Steps.resample)
        self.sample_line(t, irq)


class RoutesNothing(Hooks):
    """A write to IROUTER or ITARGETSR does nothing."""

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        """Do nothing."""


OUTSIDE = (
    Fault("sort-number", "an overflowing list sorted by number", "compare", sorts_by_number),
    Fault("hcr-npie", "no NPIE", "configure_hcr", hcr_without_npie),
    Fault("hcr-lrenpie", "no LRENPIE", "configure_hcr", hcr_without_lrenpie),
    Fault("fold-on-lr", "folded, but on_lr stays", "fold_edge_or_level", fold_stays_on_lr),
    Fault("eoi-last", "EOIcount completes the last ones", hooks=LastIsCompleted),
    Fault("eoi-none", "EOIcount completes nothing", hooks=NoneIsCompleted),
    Fault("dir-ignored", "a trapped DIR does nothing", hooks=DirIsIgnored),
    Fault("halt-nobody", "no guest is halted for ICACTIVER", hooks=HaltsNobody),
    Fault("sgi-sender", "the sender of a GICv2 SGI is not noted", hooks=ForgetsSender),
    Fault("release-never", "a line that fell releases nothing", hooks=ReleasesNothing),
    Fault("route-nothing", "an SPI is not routed elsewhere", hooks=RoutesNothing),
)
