"""Phases: what of a state decides on what tasks may still do, besides where they are.

The time (some deadlines are over), where the stimuli are (a preemption is over), and on which CPU
the host scheduler wants each thread; for the interrupt handler of a CPU also whose the CPU is: it
works for that VCPU. A phase is turned by few steps, and only by those of a few tasks.
"""

from collections.abc import Hashable
from typing import Any, Final

from harness.search.explore.futures import Futures, Table
from harness.search.explore.memo import CLOCK, Memo
from harness.search.explore.packed import Row
from harness.search.explore.place import Effect
from model.host.thread import VcpuThread
from model.pcpu import Pcpu

__all__ = ["Phases"]

OWNER: Final = Pcpu.FIELDS.index("owner")
PLACE: Final = VcpuThread.FIELDS.index("place")
HANDLER, VCPU = "host-irq", "vcpu"
"""Kinds of actors."""


class Phases:
    """The phases of a memo's states.

    ``stimuli`` and ``clock`` are the numbers of those tasks, ``turners`` the bits of all who may
    turn the phase.

    Args:
        memo: has the states.
        futures: has the nodes of each phase.

    """

    def __init__(self, memo: Memo, futures: Futures) -> None:
        self.memo = memo
        self.futures = futures
        slots, parts = memo.slots, list(enumerate(memo.parts, memo.tasks))
        self.stimuli = [n for n, slot in enumerate(slots) if slot.optional]
        self.clock = [n for n, slot in enumerate(slots) if slot.actor.kind == CLOCK]
        clocks = [n for n, part in parts if part is memo.bits.clock]
        self.whole = (*clocks, *self.stimuli)
        """The places in a row that are all part of the phase."""
        self.threads = [n for n, part in parts if isinstance(part, VcpuThread)]
        cpus = {part.index: n for n, part in parts if isinstance(part, Pcpu)}
        self.cpus = {
            n: cpus[slot.actor.pcpu]
            for n, slot in enumerate(slots)
            if slot.actor.kind == HANDLER and slot.actor.pcpu in cpus
        }
        """By the task of a CPU's handler the place in a row of the CPU."""
        movers = [*self.stimuli, *self.clock]
        movers += [n for n, slot in enumerate(slots) if slot.actor.kind == VCPU]
        self.turners = sum(1 << n for n in movers)
        self.known: dict[Hashable, list[Table]] = {}

    def tables_of(self, row: Row) -> list[Table]:
        """Return the nodes of each task in the phase of a state."""
        key = [row[slot] for slot in self.whole]
        key += [self.field(slot, row[slot], PLACE) for slot in self.threads]
        owners = [self.field(slot, row[slot], OWNER) for slot in self.cpus.values()]
        both = (*key, *owners)
        found = self.known.get(both)
        if found is None:
            of_task = dict(zip(self.cpus, owners, strict=True))
            found = self.known[both] = [
                self.futures.table(task, (*key, of_task.get(task, -1)))
                for task in range(self.memo.tasks)
            ]
        return found

    def field(self, slot: int, number: int, index: int) -> int:
        """Return a field of a part, by the number of the part's value."""
        key: Any = self.memo.values[slot - self.memo.tasks].keys[number]
        return int(key[index])

    def turns(self, effect: Effect, row: Row) -> bool:
        """Tell whether a step turns the phase."""
        looks = [(slot, OWNER) for slot in self.cpus.values()]
        looks += [(slot, PLACE) for slot in self.threads]
        then = self.memo.changed(row, effect)
        return any(row[slot] != then[slot] for slot in self.whole) or any(
            self.field(slot, row[slot], index) != self.field(slot, then[slot], index)
            for slot, index in looks
        )
