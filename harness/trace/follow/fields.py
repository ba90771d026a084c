"""The rest of an interrupt's software state: priority, group, sources, and where its state is."""

from typing import Protocol

from harness.trace.follow.base import Base
from harness.trace.follow.state import GROUP, ON_LR, PRIORITY, SOURCE, TracedIrq

__all__ = ["Fields", "Shows"]


class Shows(Protocol):
    """An event that shows them, if the traced kernel has them; -1, None: it does not."""

    @property
    def prio(self) -> int:
        """The priority, 0 to 255."""

    @property
    def group(self) -> int:
        """The group, 0 or 1."""

    @property
    def src(self) -> int:
        """The mask of the VCPUs that sent a GICv2 SGI and still wait."""

    @property
    def asrc(self) -> int:
        """The VCPU whose GICv2 SGI is active."""

    @property
    def on_lr(self) -> bool | None:
        """Whether it is in a List Register."""


class Fields(Base):
    """struct vgic_irq, beyond what all traces show of it."""

    def check_more(self, irq: TracedIrq, v: int, ev: Shows) -> None:
        """Compare priority, group and sources with what an event shows, and take them over."""
        if ev.prio >= 0:
            self.tally.shown.add("priority")
            self.field("priority", PRIORITY, irq, v, irq.priority, ev.prio)
            irq.priority = ev.prio
        if ev.group >= 0:
            self.field("group", GROUP, irq, v, irq.group, ev.group)
            irq.group = ev.group
        if ev.src >= 0 and irq.sourced:
            self.tally.shown.add("GICv2 source")
            have: tuple[int, ...] = (irq.source,)
            seen: tuple[int, ...] = (ev.src,)
            if irq.active and ev.asrc >= 0:
                have, seen = (irq.source, irq.active_source), (ev.src, ev.asrc)
            self.field("sources", SOURCE, irq, v, have, seen)
            irq.source, irq.active_source = ev.src, max(ev.asrc, 0)

    def check_on_lr(self, irq: TracedIrq, v: int, on_lr: bool | None) -> None:
        """Compare whether its state is in a List Register (since 6.19), and take that over."""
        if on_lr is not None:
            self.field("in a List Register", ON_LR, irq, v, irq.on_lr, on_lr)
            irq.on_lr = on_lr

    def field(
        self, kind: str, bit: int, irq: TracedIrq, v: int, have: object, seen: object
    ) -> None:
        """Compare a field if it is known; from here on it is."""
        if irq.known & bit:
            self.tally.compare(kind, have, seen, v, irq.intid, irq)
        else:
            irq.known |= bit
            self.tally.unknown(kind, "the state before is not known")
