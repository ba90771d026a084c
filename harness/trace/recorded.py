"""Events that only the script of ``trace setup`` records, typed.

A trace without them says less, and nothing is missed in it. ``harness.trace.events`` says what all
events have in common; ``harness/trace/setup/README.md`` where each of these comes from.
"""

from harness.trace.event import Event

__all__ = [
    "EntryList",
    "FlushList",
    "FoldLr",
    "GuestDir",
    "GuestSgir",
    "HaltGuest",
    "PhysLine",
    "RequestAll",
    "ResumeGuest",
    "SignalSent",
    "TimerLine",
    "TimerLineAsked",
]


class FlushList(Event, frozen=True, gc=False):
    """At the beginning of a flush, the ap_list of ``vcpu``.

    ``listed`` are its INTIDs in order; ``whole`` says whether that is all of it: a longer one is
    shown in part. Read without the lock of the list.
    """

    vcpu: int
    listed: tuple[int, ...]
    whole: bool


class EntryList(Event, frozen=True, gc=False):
    """The same right before the entry: as the flush has sorted it."""

    vcpu: int
    listed: tuple[int, ...]
    whole: bool


class FoldLr(Event, frozen=True, gc=False):
    """vgic_v3_fold_lr, vgic_v2_fold_lr begins: ``val`` is the List Register to be folded.

    Of what is outside the List Registers it is the one that its deactivation would have left.
    """

    vcpu: int
    val: int


class GuestDir(Event, frozen=True, gc=False):
    """vgic_v3_deactivate begins: a write of ``vcpu`` to DIR trapped."""

    vcpu: int
    val: int


class GuestSgir(Event, frozen=True, gc=False):
    """vgic_mmio_write_sgir begins: ``vcpu`` wrote ``val`` to GICD_SGIR."""

    vcpu: int
    val: int


class HaltGuest(Event, frozen=True, gc=False):
    """kvm_arm_halt_guest begins: all VCPUs of a VM are to leave their guests, and stay out."""


class ResumeGuest(Event, frozen=True, gc=False):
    """kvm_arm_resume_guest begins: they may go on."""


class RequestAll(Event, frozen=True, gc=False):
    """kvm_make_all_cpus_request begins: request ``req`` is made of all VCPUs of a VM."""

    req: int = -1


class TimerLineAsked(Event, frozen=True, gc=False):
    """kvm_arch_timer_get_input_level begins: the line of ``vintid`` is read."""

    vintid: int


class TimerLine(Event, frozen=True, gc=False):
    """kvm_arch_timer_get_input_level returns the ``level`` of a timer's line."""

    level: bool


class PhysLine(Event, frozen=True, gc=False):
    """vgic_get_phys_line_level returns the ``level`` of a mapped interrupt's line."""

    level: bool


class SignalSent(Event, frozen=True, gc=False):
    """signal_generate: thread ``pid`` is sent signal ``sig``."""

    pid: int
    sig: int
