"""Where code runs: on which CPU, for whom, and whether interrupts can get in between its steps.

A thread's step needs its CPU to itself: not interrupted and, where interrupts are unmasked, with
nothing to take. A step with interrupts off has no such guard: it excludes local handlers and
preemption, never other CPUs or the hardware.
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from harness.contract import Op
from harness.engine.execution import Slot
from harness.engine.footprint import Ops
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld
    from model.host.lock import Lockable
    from model.pcpu import Pcpu, Signals
    from model.vgic.irq import VgicIrq

__all__ = ["Context"]


class Context:
    """A thread or a hard-IRQ handler on a CPU. ``v`` is the VCPU it works for (a thread's own).

    ``task`` parks and goes on; ``o`` are its operations on the CPU where it is; ``hard`` says that
    it runs with interrupts off throughout: a handler (``in_irq``), or a worker's critical section.
    """

    __slots__ = (
        "actor",
        "c",
        "hard",
        "in_irq",
        "irqs_reads",
        "o",
        "p",
        "shared",
        "signals",
        "table",
        "task",
        "v",
        "world",
    )

    c: int
    o: Any
    p: "Pcpu"
    signals: "Signals"

    def __init__(
        self,
        world: "VgicWorld",
        task: Slot,
        v: int,
        *,
        hard: bool = False,
        in_irq: bool = False,
        actor: Actor | None = None,
        declarations: Mapping[str, tuple[str, str]],
    ) -> None:
        self.world = world
        self.task = task
        self.v = v
        self.hard = hard
        self.in_irq = in_irq
        self.actor = actor or task.actor
        self.shared: dict[tuple[int, int, str], Ops] = {
            (c, w, name): world.op_table.ops(declarations, c, w, "pcpu@c", name)
            for c in range(world.config.pcpus)
            for w in range(world.config.vcpus)
            for name in world.shared_irqs
        }
        self.table: dict[tuple[int, int], Ops] = {
            (c, w): world.op_table.ops(declarations, c, w, "pcpu@c")
            for c in range(world.config.pcpus)
            for w in range(world.config.vcpus)
        }

    def move(self, c: int) -> None:
        """Be on CPU ``c`` from now on."""
        machine = self.world.machine
        self.c = c
        self.p = machine.pcpus[c]
        self.signals = machine.signals[c]
        self.irqs_reads = self.p.bit | self.signals.bit
        self.o = self.table[c, self.v]

    def ops(self, v: int) -> Any:
        """Return the operations on this CPU that work on VCPU ``v``."""
        return self.table[self.c, v]

    def ops_on(self, irq: "VgicIrq", v: int) -> Any:
        """Return the operations on this CPU that work on interrupt ``irq`` for VCPU ``v``."""
        if irq.name:
            return self.shared[self.c, v, irq.name]
        return self.table[self.c, v]

    def irqs_clear(self) -> bool:
        """Tell whether a step with interrupts on can be made: nothing to take, no handler runs."""
        return not self.p.in_irq and not self.signals.pin and not self.signals.soft

    def resched(self) -> bool:
        """Tell whether the host scheduler asked for this CPU."""
        return self.p.need_resched

    def step(self, op: Op) -> Awaitable[int]:
        """Announce a step that preemption does not come before (IRQs on or off)."""
        if self.hard or self.p.irqs_off:
            return self.task.step(op)
        return self.task.step(op, self.irqs_clear, self.irqs_reads)

    def preemptible(self, op: Op) -> Awaitable[int]:
        """Announce a step that a preemption may come before: 1 says that it did."""
        return self.task.step(op, self.irqs_clear, self.irqs_reads, (self.o.preempt, self.resched))

    def lock(self, lockable: "Lockable", op: Op) -> Awaitable[int]:
        """Announce taking a lock (which may wait for it); the caller then calls ``took``."""
        if self.hard or self.p.irqs_off:
            return self.task.step(op, lockable.free, lockable.bit)

        def free() -> bool:
            return lockable.holder is None and self.irqs_clear()

        return self.task.step(op, free, lockable.bit | self.irqs_reads)
