"""Where the hypervisor's coroutines run when nobody schedules them: they go through to the end.

A step is made at once, without parking, and a lock is always free; only at the steps named in
``parks`` does a coroutine wait, for the event of the trace that says what comes next there.
"""

from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, cast

from harness.context import Context
from harness.contract import Alternative, Guard, Op
from harness.engine.footprint import Ops, Step
from harness.engine.slot import Slot
from harness.kvm.steps import Steps
from harness.runtime import Runtime
from model.host.lock import Lockable
from model.identity import Actor
from model.vgic.irq import VgicIrq

__all__ = ["Flight", "Quiet", "run"]

PARKS = frozenset({
    Steps.populate_lr, Steps.flush_hcr, Steps.fold_lr, Steps.fold_held, Steps.resample,
    Steps.resample_device,
    Steps.timer_update, Steps.map_is_active, Steps.phys_active, Steps.timer_restore,
})  # fmt: skip
"""Where the trace has something to say before the hypervisor goes on."""


class Goes:
    """A step that is made at once."""

    def __await__(self) -> Generator[Any, None, int]:
        yield from ()
        return 0


class Waits:
    """A step that waits until the flight is told to go on."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def __await__(self) -> Generator[Any, None, int]:
        yield self.step
        return 0


GOES = Goes()
WAITS = {step: Waits(step) for step in PARKS}


class Everywhere(dict[Step, Any]):
    """The operations of any place: a step stands for itself."""

    def __missing__(self, step: Step) -> Step:
        return step


HERE = cast("Ops", Everywhere())
ACTOR = Actor("vcpu")


class QuietSlot(Slot):
    """A task that is never parked."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("trace", ACTOR, cast("Any", None))

    def step(
        self,
        op: Op,
        guard: Guard | None = None,
        guard_reads: int = 0,
        alt: Alternative | None = None,
        wakes: int = -1,
    ) -> Awaitable[int]:
        """Go on, or wait for the trace."""
        return WAITS.get(cast("Step", op), GOES)


TASK = QuietSlot()


class Quiet(Context):
    """A context in which nothing is scheduled and nothing locked; see ``harness.context``.

    ``irq`` is the interrupt that was worked on last.
    """

    __slots__ = ("irq",)

    def __init__(self, rt: Runtime, v: int, c: int, *, hard: bool = False) -> None:
        super().__init__(rt, TASK, v, hard=hard, in_irq=hard)
        self.irq: VgicIrq | None = None
        self.move(c)

    def move(self, c: int) -> None:
        """Go to CPU ``c``."""
        self.c = c
        self.p = self.rt.machine.pcpus[c]
        self.signals = self.rt.machine.signals[c]
        self.irqs_reads = 0
        self.here = HERE

    def at(self, v: int, irq: VgicIrq | None = None) -> Ops:
        """Note which interrupt is worked on; what a step touches is not asked here."""
        self.irq = irq
        return HERE

    def step(self, step: Step, at: Ops | None = None) -> Awaitable[int]:
        """Go on, or wait for the trace."""
        return WAITS.get(step, GOES)

    preemptible = step

    def lock(self, lock: Lockable, step: Step, at: Ops | None = None) -> Awaitable[int]:
        """Go on, or wait for the trace: the lock is free."""
        return WAITS.get(step, GOES)

    def acquired(self, lock: Lockable) -> None:
        """Nobody else wants the lock."""

    def released(self, lock: Lockable, *, irqs_on: bool = False) -> None:
        """Nobody else wants the lock."""


class Flight:
    """A coroutine under way in ``context``.

    ``at`` is the step that it waits at, None once it is done, and ``irq`` the interrupt that the
    step works on.
    """

    __slots__ = ("at", "context", "coroutine", "irq")

    def __init__(self, context: Quiet, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.context = context
        self.coroutine = coroutine
        self.at: Step | None = None
        self.irq: VgicIrq | None = None
        self.go()

    def go(self) -> None:
        """Make the step that it waits at, and go on to the next that it waits at."""
        try:
            self.at = self.coroutine.send(None)
            self.irq = self.context.irq
        except StopIteration:
            self.at = None

    def finish(self) -> None:
        """Go on to the end."""
        while self.at is not None:
            self.go()

    def drop(self) -> None:
        """Leave it where it is."""
        self.coroutine.close()
        self.at = None


def run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine to its end, whatever it would wait at."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass
