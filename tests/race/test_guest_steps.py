"""A guest makes the step that it announced, whatever others do in between."""

from collections.abc import Sequence

import pytest

from harness.contract import Abandon, Task
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.strategies.random_walk import RandomWalk
from tests.race.running import on_direct, world_of


class HeldAtItsSgi(RandomWalk):
    """VCPU 1 does not make the exit that it has announced as long as anyone else can go."""

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        others = [task for task in enabled if not (task.name == "v1" and is_trap(task))]
        return super().choose(others or enabled, pending, current)


def is_trap(task: Task) -> bool:
    return task.op.name == "exit_trap"


@pytest.mark.parametrize("era", [V4_14, V7_2])
def test_what_is_left_to_be_deactivated_meanwhile_comes_next(era: type[Kvm]) -> None:
    """Another VCPU leaves it an SPI to deactivate: it traps as announced, and then writes DIR."""
    world = world_of("overflow-dir", era)
    for i in range(8):
        outcome = on_direct(world, HeldAtItsSgi(i), audited=True)
        assert (outcome.violations, outcome.bound) == ([], "")
