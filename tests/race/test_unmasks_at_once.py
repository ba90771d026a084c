"""R17: a guest that is entered with its CPU's interrupt input high unmasks nothing before it exits.

It has masked interrupts to look before it sleeps, an interrupt has made it exit, and what it waited
for has happened when it goes on. To unmask is an instruction, and the exit comes before that. Once
the model's guest did both in the step of its entry, and R17 said that it went on. Random schedules
come there about once in 100,000: this one is directed.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.contract import Abandon, RunInfo, Task
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.world import VgicWorld
from model import facts
from model.check.views.pins import Pins
from tests.race.mutants import IrqsIgnored
from tests.race.running import on_direct, world_of

SCENARIO = str(Path(__file__).parent / "scenarios" / "unmasks-at-once.toml")
KICKED = 3
"""Where VCPU 0's program is when its first SGI has been carried out."""
FIRST = ("i", "f", "p", "l", "d", "m")
"""Handlers and the GIC go first, in this order; then the VCPUs, the second before the first."""


class Directed:
    """VCPU 1 parks before its WFI until its CPU is interrupted, and before its entry until again.

    In between VCPU 0 serves its device, which is what VCPU 1 waits for, and sends it an SGI.
    """

    every_step = True

    def __init__(self, world: VgicWorld) -> None:
        self.world = world

    def begin(self, info: RunInfo) -> bool:
        return True

    def is_held(self, task: Task, enabled: Sequence[Task]) -> bool:
        guests = self.world.machine.guests
        if task.name != "v1" or not guests[1].irqs_masked:
            return False
        if task.op.name == "guest_wfi":
            return task.alt is not None and not task.alt[1]()
        rising = any(other.name == "p1" for other in enabled)
        return task.op.name == "enter" and (guests[0].pc < KICKED or rising)

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        free = [task for task in enabled if not self.is_held(task, enabled)] or enabled
        return min(free, key=order)

    def draw(self, name: str, k: int) -> int:
        return k - 1 if name.startswith("event") else 0

    def end(self, outcome: object) -> None:
        """Keep nothing."""


def order(task: Task) -> tuple[int, int]:
    if task.name[0] in FIRST:
        return FIRST.index(task.name[0]), task.index
    vcpus = ("v1", "v0")
    return len(FIRST) + (vcpus.index(task.name) if task.name in vcpus else 2), task.index


@pytest.mark.parametrize("era", [V4_14, V7_2])
def test_it_is_silent(era: type[Kvm]) -> None:
    world = world_of(SCENARIO, era)
    reached = []

    def on_entry(f: facts.Entered) -> None:
        high = world.checker.view(Pins).on[f.pcpu].high
        reached.append(f.vcpu == 1 and high and world.machine.guests[1].irqs_masked)

    world.subscribe({facts.Entered: on_entry})
    outcome = on_direct(world, Directed(world), audited=True)
    assert (outcome.violations, outcome.bound) == ([], "")
    assert any(reached)


def test_its_twin_with_a_fault_is_not() -> None:
    """The CPU executes its guest on with an interrupt to take."""
    world = world_of(SCENARIO, IrqsIgnored, rules=frozenset({"R17"}))
    outcome = on_direct(world, Directed(world))
    assert [violation.alarm for violation in outcome.violations] == ["went-on"]
