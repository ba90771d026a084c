"""A VCPU thread, and the soft timer that stands in for its architected timer while it sleeps."""

from model.part import Part

__all__ = [
    "EXITING",
    "INTERRUPTIBLE",
    "IN_GUEST",
    "OUTSIDE",
    "REQ_IRQ_PENDING",
    "REQ_PROCESS_UPDATE",
    "REQ_SLEEP",
    "RUNNING",
    "UNINTERRUPTIBLE",
    "HrTimer",
    "VcpuThread",
]

RUNNING, INTERRUPTIBLE, UNINTERRUPTIBLE = 0, 1, 2
OUTSIDE, IN_GUEST, EXITING = 0, 1, 2
REQ_IRQ_PENDING = 1
REQ_SLEEP = 2
"""KVM_REQ_SLEEP: stay out of the guest while ``pause`` is set."""
REQ_PROCESS_UPDATE = 4
"""KVM_REQ_VGIC_PROCESS_UPDATE: prune the ap_list before the next entry."""


class VcpuThread(Part):
    """What other CPUs may see and change of a VCPU's thread.

    ``state`` is the task state; ``waiting`` says that it is on the waitqueue, ``blocking`` that it
    is there because its guest idles (what kvm_vcpu_is_blocking reads). ``mode`` is vcpu->mode,
    ``requests`` vcpu->requests. ``cpu`` is vcpu->cpu, the CPU it runs on or ran on last (-1: none
    yet), ``loaded`` that it has that CPU's timer and virtual interface; ``place`` is the CPU it
    shall get next. ``pause`` is vcpu->arch.pause: another thread looks at this VCPU's interrupts.
    ``stop`` is a signal from the VM monitor, ``in_user`` that the thread waits in user space for
    its end. ``done``: the guest has finished.
    """

    __slots__ = FIELDS = (
        "state",
        "waiting",
        "blocking",
        "mode",
        "requests",
        "cpu",
        "loaded",
        "place",
        "pause",
        "stop",
        "in_user",
        "done",
    )

    def __init__(self, place: int) -> None:
        super().__init__()
        self.state = RUNNING
        self.waiting = False
        self.blocking = False
        self.mode = OUTSIDE
        self.requests = 0
        self.cpu = -1
        self.loaded = False
        self.place = place
        self.pause = False
        self.stop = False
        self.in_user = False
        self.done = False

    def runnable(self) -> bool:
        """Tell whether the thread is awake."""
        return self.state == RUNNING


class HrTimer(Part):
    """A soft timer of a VCPU: bg_timer, or that of its emulated physical timer.

    ``expiry`` is in virtual nanoseconds, ``signal`` its bit in ``Signals.soft``, constant.

    ``cpu`` is where it is armed and will interrupt; ``running`` that its callback runs; ``work``
    that it queued a work item (before 4.15).
    """

    FIELDS = ("armed", "expiry", "cpu", "running", "work")
    __slots__ = (*FIELDS, "signal")

    def __init__(self, signal: int) -> None:
        super().__init__()
        self.signal = signal
        self.armed = False
        self.expiry = 0
        self.cpu = -1
        self.running = False
        self.work = False

    def idle(self) -> bool:
        """Tell whether no callback runs, so that hrtimer_cancel need not wait."""
        return not self.running

    def quiet(self) -> bool:
        """Tell whether neither callback nor work is under way (cancel_work_sync)."""
        return not self.running and not self.work
