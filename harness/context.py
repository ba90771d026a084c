"""Where code runs: on which CPU, for whom, and whether interrupts can get in between its steps.

A thread's step needs its CPU to itself: not interrupted and, where interrupts are unmasked, with
nothing to take. A step with interrupts off has no such guard: it excludes local handlers and
preemption, never other CPUs or the hardware.
"""

from collections.abc import Awaitable

from harness.engine.encoding import wiring
from harness.engine.execution import Slot
from harness.engine.footprint import Ops, Step
from harness.kvm.steps import Steps
from harness.resources import OWN_STATE
from harness.runtime import Runtime
from model.host.lock import Lockable
from model.identity import Actor
from model.pcpu import Pcpu, Signals
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq

__all__ = ["Context"]


class Context:
    """A thread or a hard-IRQ handler on a CPU. ``v`` is the VCPU it works for (a thread's own).

    ``task`` parks and goes on; ``actor`` is who it is to locks and rules; ``hard`` says that it
    runs with interrupts off throughout: a handler (``in_irq``), or a worker's critical section.
    ``c`` is the CPU that it is on, ``here`` the operations that it can make there.
    """

    __slots__ = (
        "actor",
        "c",
        "hard",
        "here",
        "in_irq",
        "irqs_reads",
        "p",
        "places",
        "rt",
        "signals",
        "task",
        "v",
    )

    c: int
    here: Ops
    p: Pcpu
    signals: Signals

    def __init__(
        self,
        rt: Runtime,
        task: Slot,
        v: int,
        *,
        hard: bool = False,
        in_irq: bool = False,
        actor: Actor | None = None,
    ) -> None:
        self.rt = rt
        self.task = task
        self.v = v
        self.hard = hard
        self.in_irq = in_irq
        self.actor = actor or task.actor
        self.places: dict[tuple[int, int, int], Ops] = {}

    def move(self, c: int) -> None:
        """Go to CPU ``c``; what is announced from here on is done there."""
        machine = self.rt.machine
        self.c = c
        self.p = machine.pcpus[c]
        self.signals = machine.signals[c]
        self.irqs_reads = self.p.bit | self.signals.bit
        self.here = self.at(self.v)

    def at(self, v: int, irq: VgicIrq | None = None) -> Ops:
        """Return the operations on this CPU that work on VCPU ``v``, and on its ``irq``.

        Without ``irq``, those that work on an interrupt work on the VCPU's virtual timer's.
        """
        place = (self.c, v, -1 if irq is None else irq.bit)
        ops = self.places.get(place)
        if ops is None:
            which = self.rt.machine.private[v, VTIMER_PPI] if irq is None else irq
            resources = self.rt.resources
            own = resources.mask(OWN_STATE)
            ops = resources.ops(c=self.c, v=v, irq=which.bit, also=self.p.bit, touches=own)
            self.places[place] = ops
        return ops

    @property
    def cpu(self) -> int:
        """The CPU that the code runs on, as facts have it: -1 for a thread that is on none."""
        return -1 if self.hard and not self.in_irq else self.c

    def irqs_clear(self) -> bool:
        """Tell whether a step with interrupts on can be made: nothing to take, no handler runs."""
        return not self.p.in_irq and not self.signals.pin and not self.signals.soft

    def resched(self) -> bool:
        """Tell whether the host scheduler asked for this CPU."""
        return self.p.need_resched

    def step(self, step: Step, at: Ops | None = None) -> Awaitable[int]:
        """Announce a step that preemption does not come before (IRQs on or off)."""
        op = (self.here if at is None else at)[step]
        if self.hard or self.p.irqs_off:
            return self.task.step(op)
        return self.task.step(op, self.irqs_clear, self.irqs_reads)

    def preemptible(self, step: Step, at: Ops | None = None) -> Awaitable[int]:
        """Announce a step that a preemption may come before: 1 says that it did."""
        op = (self.here if at is None else at)[step]
        alternative = (self.here[Steps.preempt], self.resched)
        return self.task.step(op, self.irqs_clear, self.irqs_reads, alternative)

    def lock(self, lock: Lockable, step: Step, at: Ops | None = None) -> Awaitable[int]:
        """Announce taking a lock, which may wait for it; the caller then calls :meth:`acquired`."""
        op = (self.here if at is None else at)[step]
        if self.hard or self.p.irqs_off:
            return self.task.step(op, lock.free, lock.bit)

        def free() -> bool:
            return lock.holder is None and self.irqs_clear()

        return self.task.step(op, free, lock.bit | self.irqs_reads)

    def acquired(self, lock: Lockable) -> None:
        """Take the lock whose step was just chosen."""
        lock.acquire(self.actor, self.hard or self.p.irqs_off, self.in_irq)

    def released(self, lock: Lockable, *, irqs_on: bool = False) -> None:
        """Give a lock back, and let interrupts in with ``irqs_on`` (spin_unlock_irqrestore)."""
        lock.release(self.actor)
        if irqs_on:
            self.p.irqs_off = False


wiring(Context, lambda context: (context.actor, context.c))
wiring(Ops, Ops.place)
wiring(Step, lambda step: step.name)
