"""Facts that a trace of a real kernel shows, and a model execution does not say.

A ``context`` is one flow of control: a thread, or a host IRQ handler on its CPU. Between two events
of one context another may run. ``model.rules.traced`` reads these beside the facts of all
producers; they are in no log.
"""

from typing import ClassVar

from model.facts.base import Fact

__all__ = [
    "CallbackEnded",
    "ContextLeft",
    "ContextWentOn",
    "DeadlineSet",
    "ExitTraced",
    "FlushOwes",
    "FoldEnded",
    "Gap",
    "KickCalled",
    "LeftArmed",
    "LevelGiven",
    "LevelTaken",
    "LoadBegan",
    "Meddled",
    "PhysActiveAsked",
    "PhysActiveDone",
    "Populated",
    "QueueDecided",
    "ResampleCalled",
    "SoftwareSeen",
    "SwitchedOut",
    "TracedFact",
]


class TracedFact(Fact, frozen=True, gc=False):
    """Base of these facts."""


class Gap(TracedFact, frozen=True, gc=False):
    """Something happened that is not in the trace: from here on nothing before counts."""

    KIND: ClassVar[str] = "gap"
    why: str


class Meddled(TracedFact, frozen=True, gc=False):
    """The software state of ``vcpu``'s interrupts may have changed in a way that is not shown.

    By a guest's access to the distributor, by user space, or by a reset.
    """

    KIND: ClassVar[str] = "meddled"
    vcpu: int


class ContextWentOn(TracedFact, frozen=True, gc=False):
    """``context`` did something else: what was to follow at once did not."""

    KIND: ClassVar[str] = "context"
    context: int


class ContextLeft(TracedFact, frozen=True, gc=False):
    """``context`` gave its CPU away: what is to follow at once may follow later."""

    KIND: ClassVar[str] = "context-left"
    context: int


class LeftArmed(TracedFact, frozen=True, gc=False):
    """``vcpu`` is entered on ``pcpu`` with its background timer neither cancelled nor due."""

    KIND: ClassVar[str] = "left-armed"
    vcpu: int
    pcpu: int


class LevelGiven(TracedFact, frozen=True, gc=False):
    """kvm_timer_update_irq: the timer of ``vcpu`` gives the vgic ``level`` for ``vintid``."""

    KIND: ClassVar[str] = "level-given"
    context: int
    vcpu: int
    vintid: int
    level: bool


class LevelTaken(TracedFact, frozen=True, gc=False):
    """vgic_update_irq_pending: the vgic takes ``level`` for ``vintid`` of ``vcpu``.

    ``vcpu`` is as printed: its id, or in recent kernels its index.
    """

    KIND: ClassVar[str] = "level-taken"
    context: int
    vcpu: int
    vintid: int
    level: bool


class QueueDecided(TracedFact, frozen=True, gc=False):
    """vgic_queue_irq_unlock found ``vintid`` deliverable: ``vcpu`` is to be kicked for it."""

    KIND: ClassVar[str] = "queue-decided"
    context: int
    vcpu: int
    vintid: int


class KickCalled(TracedFact, frozen=True, gc=False):
    """kvm_vcpu_kick of ``vcpu``."""

    KIND: ClassVar[str] = "kick-called"
    context: int
    vcpu: int


class LoadBegan(TracedFact, frozen=True, gc=False):
    """kvm_arch_vcpu_load of ``vcpu`` begins on ``pcpu``."""

    KIND: ClassVar[str] = "load-began"
    vcpu: int
    pcpu: int


class ExitTraced(TracedFact, frozen=True, gc=False):
    """kvm_exit of ``vcpu`` on ``pcpu``: traced after the exit, with interrupts on."""

    KIND: ClassVar[str] = "exit-traced"
    vcpu: int
    pcpu: int


class SwitchedOut(TracedFact, frozen=True, gc=False):
    """The thread of ``vcpu`` gave ``pcpu`` away."""

    KIND: ClassVar[str] = "switched-out"
    vcpu: int
    pcpu: int


class CallbackEnded(TracedFact, frozen=True, gc=False):
    """The callback of ``vcpu``'s background timer ended; ``restarted``: it was armed again."""

    KIND: ClassVar[str] = "callback-ended"
    vcpu: int
    pcpu: int
    restarted: bool


class DeadlineSet(TracedFact, frozen=True, gc=False):
    """The background timer of ``vcpu`` was armed for ``expiry``; its own timer is due at ``due``.

    Both are ns of the host's clock; ``due`` is worked out from CVAL.
    """

    KIND: ClassVar[str] = "deadline"
    vcpu: int
    expiry: int
    due: int


class PhysActiveAsked(TracedFact, frozen=True, gc=False):
    """vgic_irq_set_phys_active: the vgic is to write ``value`` for ``vintid`` of ``vcpu``."""

    KIND: ClassVar[str] = "phys-active-asked"
    context: int
    vcpu: int
    vintid: int
    value: bool


class PhysActiveDone(TracedFact, frozen=True, gc=False):
    """irq_set_irqchip_state: ``context`` wrote ``value`` as an active state."""

    KIND: ClassVar[str] = "phys-active-done"
    context: int
    value: bool


class Populated(TracedFact, frozen=True, gc=False):
    """populate_lr: the software state that is to go into List Register ``index`` of ``pcpu``.

    ``intid`` is the physical interrupt it is mapped to (-1: none).
    """

    KIND: ClassVar[str] = "populate"
    vcpu: int
    pcpu: int
    index: int
    vintid: int
    intid: int
    pending: bool
    active: bool


class ResampleCalled(TracedFact, frozen=True, gc=False):
    """The fold looks at ``vintid`` of ``vcpu``; ``asked``: it is to read the line again."""

    KIND: ClassVar[str] = "resample-called"
    vcpu: int
    vintid: int
    asked: bool


class FoldEnded(TracedFact, frozen=True, gc=False):
    """The fold of ``vcpu``'s List Registers is over."""

    KIND: ClassVar[str] = "fold-ended"
    vcpu: int


class FlushOwes(TracedFact, frozen=True, gc=False):
    """A flush finds ``vintid`` of ``vcpu`` pending and enabled, and the distributor on."""

    KIND: ClassVar[str] = "flush-owes"
    vcpu: int
    vintid: int


class SoftwareSeen(TracedFact, frozen=True, gc=False):
    """The software state of ``vintid`` as it is right before a flush."""

    KIND: ClassVar[str] = "software-seen"
    vcpu: int
    vintid: int
    enabled: bool
    active: bool
    line_level: bool
    pending_latch: bool
