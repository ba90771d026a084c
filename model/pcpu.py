"""A physical CPU as the host kernel and the interrupt controller see it."""

from collections.abc import Callable

from model.facts import (
    Entered,
    Exited,
    Fact,
    InterruptTaken,
    IsrBegan,
    IsrEnded,
    Placed,
)
from model.part import Part

__all__ = ["Pcpu", "Signals"]


class Pcpu(Part):
    """Who runs on a CPU and whether interrupts can get through.

    ``owner`` is the VCPU whose thread runs here (-1: the idle task). ``irqs_off`` is PSTATE.I of
    the host, and set throughout a guest stay; ``guest`` says that the guest runs; ``in_irq`` that
    a host handler interrupted the owner; ``need_resched`` is TIF_NEED_RESCHED; ``running_vcpu`` is
    KVM's per-CPU pointer (kvm_get_running_vcpu), -1 for NULL. ``call`` says that another CPU waits
    until this one has taken its function-call IPI.
    """

    FIELDS = (
        "owner",
        "irqs_off",
        "guest",
        "in_irq",
        "need_resched",
        "running_vcpu",
        "call",
    )
    __slots__ = (*FIELDS, "emit", "index")

    emit: Callable[[Fact], object] | None

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.emit = None
        self.owner = -1
        self.irqs_off = False
        self.guest = False
        self.in_irq = False
        self.need_resched = False
        self.running_vcpu = -1
        self.call = False

    def canonical(self) -> object:
        """Without TIF_NEED_RESCHED of a thread that has left: who comes next clears it."""
        if self.owner < 0 and self.need_resched:
            return (-1, self.irqs_off, self.guest, self.in_irq, False, self.running_vcpu, self.call)
        return self.key()

    def can_switch_in(self) -> bool:
        """Tell whether a thread can get this CPU: it is idle, and in no interrupt."""
        return self.owner < 0 and not self.in_irq

    def switch_in(self, vcpu: int, before: int) -> None:
        """Give the CPU to the thread of ``vcpu``, which ran on CPU ``before`` last (-1: none)."""
        self.owner = vcpu
        self.need_resched = False
        if self.emit is not None:
            self.emit(Placed(vcpu, before, self.index))

    def enter_guest(self, vcpu: int) -> None:
        """ERET to the guest of ``vcpu``."""
        self.guest = True
        if self.emit is not None:
            self.emit(Entered(vcpu, self.index))

    def exit_guest(self, vcpu: int, reason: str, instructions: int) -> None:
        """Take the exception to EL2 that ends a stay; ``reason`` and the rest as in ``Exited``."""
        self.guest = False
        if self.emit is not None:
            self.emit(Exited(vcpu, self.index, reason, instructions))

    def take_interrupt(self, source: str) -> None:
        """Take an interrupt exception in the host; ``source`` is "irq" or "hrtimer"."""
        self.in_irq = True
        if self.emit is not None:
            self.emit(InterruptTaken(self.index, source))

    def begin_isr(self, intid: int) -> None:
        """Call the handler of ``intid``."""
        if self.emit is not None:
            self.emit(IsrBegan(self.index, intid))

    def end_isr(self, intid: int, line: bool | None) -> None:
        """Return from the handler of ``intid``, which read ``line`` of its device, if it did."""
        if self.emit is not None:
            self.emit(IsrEnded(self.index, intid, line))


class Signals(Part):
    """The interrupt inputs of a CPU, as it sees them.

    ``pin`` is IRQ from its GIC CPU interface, sampled (it lags behind the GIC); ``soft`` has a bit
    per soft timer that has expired here (``HrTimer.signal``). The host's own timer interrupt, which
    carries soft timers, is not modelled beyond that bit: the host handles it whole.
    """

    __slots__ = FIELDS = ("pin", "soft")

    def __init__(self) -> None:
        super().__init__()
        self.pin = False
        self.soft = 0

    def any(self) -> bool:
        """Tell whether the CPU has an interrupt to take."""
        return self.pin or self.soft != 0
