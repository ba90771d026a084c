"""A VCPU's thread, and the soft timers that stand in for its architected timers.

What happens to a thread is said by the thread itself (``emit``), whoever brings it about: whoever
overrides the code that does it cannot leave a rule in the dark.
"""

from collections.abc import Callable

from model.facts import (
    Armed,
    Blocked,
    Cancelled,
    Expired,
    Fact,
    Halted,
    KeptAsleep,
    Kicked,
    Loaded,
    NeedResched,
    Put,
    Rechecked,
    Requested,
    RequestsChecked,
    Stopping,
    Unblocked,
    UserEntered,
    UserLeft,
    Woken,
)
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
    """What other CPUs may see and change of the thread of VCPU ``vcpu``.

    ``state`` is the task state; ``waiting`` says that it is on the waitqueue, be it that its guest
    idles or that it is kept out of it (what kvm_vcpu_is_blocking reads). ``mode`` is vcpu->mode,
    ``requests`` vcpu->requests. ``cpu`` is vcpu->cpu, the CPU it runs on or ran on last (-1: none
    yet), ``loaded`` that it has that CPU's timer and virtual interface; ``place`` is the CPU it
    shall get next. ``pause`` is vcpu->arch.pause: another thread looks at this VCPU's interrupts.
    ``off`` says that its guest powered it off (vcpu->arch.mp_state is KVM_MP_STATE_STOPPED).
    ``stop`` is a signal from the VM monitor, ``in_user`` that the thread waits in user space for
    its end. ``done``: the guest has finished.
    """

    FIELDS = (
        "state",
        "waiting",
        "mode",
        "requests",
        "cpu",
        "loaded",
        "place",
        "pause",
        "off",
        "stop",
        "in_user",
        "done",
    )
    __slots__ = (*FIELDS, "emit", "vcpu")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpu: int, place: int) -> None:
        super().__init__()
        self.vcpu = vcpu
        self.emit = None
        self.state = RUNNING
        self.waiting = False
        self.mode = OUTSIDE
        self.requests = 0
        self.cpu = -1
        self.loaded = False
        self.place = place
        self.pause = False
        self.off = False
        self.stop = False
        self.in_user = False
        self.done = False

    def place_on(self, cpu: int) -> None:
        """Let the thread go on on ``cpu`` once it gives up the CPU that it has."""
        self.place = cpu
        self.resched(cpu)

    def resched(self, target: int) -> None:
        """Say that the host scheduler wants the thread to go, next on CPU ``target``."""
        if self.emit is not None:
            self.emit(NeedResched(self.vcpu, self.cpu, target))

    def request(self, request: int) -> None:
        """kvm_make_request: set a request bit."""
        self.requests |= request
        if request == REQ_IRQ_PENDING and self.emit is not None:
            self.emit(Requested(self.vcpu))

    def check_requests(self) -> int:
        """Look at the requests before an entry (check_vcpu_requests); return those that are set."""
        if self.emit is not None:
            self.emit(RequestsChecked(self.vcpu, self.requests != 0))
        return self.requests

    def kick(self, cpu: int, *, here: bool) -> bool:
        """Claim the kick of a running guest, from ``cpu`` (kvm_arch_vcpu_should_kick).

        Args:
            cpu: the CPU of the kicker.
            here: the kicker interrupted this very thread, which so is out of its guest.

        Returns:
            whether an IPI must be sent to ``self.cpu``.

        """
        running = self.mode == IN_GUEST
        if running:
            self.mode = EXITING
        ipi = running and not here
        if self.emit is not None:
            self.emit(Kicked(cpu, self.vcpu, ipi))
        return ipi

    def kick_for_request(self, cpu: int) -> bool:
        """Claim the kick that waits for an answer (kvm_make_all_cpus_request, KVM_REQUEST_WAIT).

        Returns:
            whether the CPU must be interrupted: the thread is not outside guest mode.

        """
        inside = self.mode != OUTSIDE
        if self.mode == IN_GUEST:
            self.mode = EXITING
        if self.emit is not None:
            self.emit(Kicked(cpu, self.vcpu, inside))
        return inside

    def rechecked(self, window: str) -> None:
        """Say that KVM's second look found something; ``window`` is of ``model.rules.windows``."""
        if self.emit is not None:
            self.emit(Rechecked(self.vcpu, window))

    def wake(self) -> bool:
        """rcuwait_wake_up: wake a thread that sleeps or is about to; return whether it was."""
        if not self.waiting or self.state != INTERRUPTIBLE:
            return False
        self.state = RUNNING
        if self.emit is not None:
            self.emit(Woken(self.vcpu))
        return True

    def sleep(self) -> None:
        """Go to sleep because the guest idles: nothing woke the thread before schedule()."""
        if self.emit is not None:
            self.emit(Blocked(self.vcpu))

    def is_kept_out(self) -> bool:
        """Tell whether it must stay out of its guest: it is paused, or powered off."""
        return self.pause or self.off

    def stay_asleep(self) -> None:
        """Go to sleep because it must stay out of its guest."""
        if self.emit is not None:
            self.emit(KeptAsleep(self.vcpu))

    def power_off(self) -> None:
        """kvm_arm_vcpu_power_off: its guest has finished, and stays so."""
        self.off = True
        self.request(REQ_SLEEP)
        self.finish()

    def stop_waiting(self) -> None:
        """finish_rcuwait: leave the waitqueue."""
        self.state = RUNNING
        self.waiting = False
        if self.emit is not None:
            self.emit(Unblocked(self.vcpu))

    def load(self, cpu: int) -> None:
        """End vcpu_load: the thread has the timer and the virtual interface of ``cpu``."""
        if self.emit is not None:
            self.emit(Loaded(self.vcpu, cpu))

    def put(self) -> None:
        """End vcpu_put: nothing of the VCPU is left on its CPU."""
        self.loaded = False
        if self.emit is not None:
            self.emit(Put(self.vcpu, self.cpu))

    def leave_to_user(self) -> None:
        """Return from KVM_RUN."""
        if self.emit is not None:
            self.emit(UserLeft(self.vcpu))

    def enter_from_user(self) -> None:
        """Come back by KVM_RUN."""
        if self.emit is not None:
            self.emit(UserEntered(self.vcpu))

    def signal_stop(self, stop: bool) -> None:
        """Signal the thread to go to user space, or (``stop`` false) take the signal back."""
        self.stop = stop
        if self.emit is not None:
            self.emit(Stopping(self.vcpu, stop))

    def finish(self) -> None:
        """Note that the guest has finished its program."""
        self.done = True
        if self.emit is not None:
            self.emit(Halted(self.vcpu))


class HrTimer(Part):
    """A soft timer of VCPU ``vcpu``: its background timer, or that of an emulated timer.

    ``timer`` is BG_TIMER or the emulated timer's number; ``expiry`` is in virtual nanoseconds,
    ``signal`` its bit in ``Signals.soft``, constant. ``cpu`` is where it is armed and will
    interrupt; ``running`` says that its callback runs; ``work`` that it queued a work item (before
    4.15).
    """

    FIELDS = ("armed", "expiry", "cpu", "running", "work")
    __slots__ = (*FIELDS, "emit", "signal", "timer", "vcpu")

    emit: Callable[[Fact], object] | None

    def __init__(self, vcpu: int, timer: int, signal: int) -> None:
        super().__init__()
        self.vcpu = vcpu
        self.timer = timer
        self.signal = signal
        self.emit = None
        self.armed = False
        self.expiry = 0
        self.cpu = -1
        self.running = False
        self.work = False

    def canonical(self) -> object:
        """Without what says when and where it is armed for, while it is not.

        Where it was armed counts as long as its callback runs: one that came too early starts it
        again there.
        """
        if self.armed:
            return self.key()
        return (False, 0, self.cpu if self.running else -1, self.running, self.work)

    def idle(self) -> bool:
        """Tell whether no callback runs, so that hrtimer_cancel need not wait."""
        return not self.running

    def quiet(self) -> bool:
        """Tell whether neither callback nor work is under way (cancel_work_sync)."""
        return not self.running and not self.work

    def start(self, cpu: int, expiry: int, stands_for: int) -> None:
        """Arm for ``expiry`` (virtual ns) on ``cpu``; ``stands_for`` is the timer it is armed for.

        In 4.14 the background timer also emulates the physical timer while the guest runs.
        """
        self.armed = True
        self.cpu = cpu
        self.expiry = expiry
        if self.emit is not None:
            self.emit(Armed(self.vcpu, stands_for, cpu, expiry))

    def cancel(self, stands_for: int) -> None:
        """Disarm; ``stands_for`` as in :meth:`start`."""
        if self.emit is not None:
            self.emit(Cancelled(self.vcpu, stands_for, self.armed, self.running))
        self.armed = False

    def expire(self, early: bool) -> None:
        """Say that the callback ran, and whether it came too ``early`` and starts again."""
        if self.emit is not None:
            self.emit(Expired(self.vcpu, self.timer, self.cpu, early))
