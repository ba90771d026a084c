"""Looks at a variant of the user's own while it runs, whether it keeps the contract of a task.

In the first schedules of an entry and a sample of those after, footprints are audited and what it
keeps is compared before and after; a forgotten await and a lock that is not held are noticed in
all. Which schedules hangs on their numbers alone, so that any number of processes finds the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.execution import Execution
from harness.guard.awaits import Awaits, hold_to_awaits
from harness.guard.code import is_variant_own
from harness.guard.locks import hold_to_locks
from harness.guard.state import OwnState
from harness.guard.watch import watch

if TYPE_CHECKING:
    from harness.kvm.kvm import Kvm
    from harness.world import VgicWorld

__all__ = ["FIRST", "SAMPLE", "Inspection", "attended", "prepare"]

FIRST = 8
"""So many schedules of an entry are looked at closely, from the first on,"""
SAMPLE = 64
"""and then one of so many."""


def attended(kvm: "type[Kvm]") -> "type[Kvm]":
    """Return the class of a variant, which is watched from now on: it is about to be made."""
    watch.attend()
    return kvm


def prepare(world: "VgicWorld") -> None:
    """Make a world that was just built ready for code of the user's, if there is any."""
    if is_variant_own(world.variant):
        world.steps_only = True
        hold_to_locks(world)
        hold_to_awaits(world)
    watch.attend()


class Inspection:
    """Looks at the executions of one world; at nothing if the variant is not the user's.

    Args:
        world: what is run.
    """

    def __init__(self, world: "VgicWorld") -> None:
        self.world = world
        self.is_on = is_variant_own(world.variant)
        self.awaits = Awaits()
        self.state = OwnState(world.kvm) if self.is_on else None
        self.audited: AuditedExecution | None = None

    def execution(self, strategy: Strategy, index: int, plain: Execution) -> Execution:
        """Return what is to be run as schedule ``index``: ``plain``, or one that is audited."""
        plain.strategy = strategy
        plain.every_step = strategy.every_step
        if not self.is_on or not (index < FIRST or index % SAMPLE == 0):
            return plain
        if self.audited is None:
            world = self.world
            self.audited = AuditedExecution(world, strategy, world.resources, heard=False)
        self.audited.strategy = strategy
        self.audited.every_step = strategy.every_step
        return self.audited

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look at all that is run within.

        Raises:
            Fault: a coroutine was never awaited.
        """
        watch.attend()
        with self.awaits.watched() if self.is_on else nullcontext():
            yield

    def check(self, execution: Execution) -> None:
        """Look at what an execution left behind, now that it is over.

        Raises:
            Fault: the variant broke the contract.
        """
        if self.is_on:
            self.awaits.check()
        if execution is self.audited and self.state is not None:
            self.state.check()
