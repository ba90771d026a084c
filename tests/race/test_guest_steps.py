"""A guest makes the step that it announced, whatever others do in between."""

from collections.abc import Sequence

from harness.contract import Abandon, Task
from harness.kvm.v7_2 import V7_2
from harness.strategies.random_walk import RandomWalk
from harness.world import VgicWorld
from tests.race.running import on_direct, world_of


class HeldAtItsSgi(RandomWalk):
    """VCPU 1 makes the exit that it has announced when another has left it something to do.

    That is before it is told by an SGI, which would make it exit otherwise.
    """

    def __init__(self, seed: int, world: VgicWorld) -> None:
        super().__init__(seed)
        self.vm = world.machine.vm
        self.came = 0

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        held = [task for task in enabled if task.name == "v1" and task.op.name == "exit_trap"]
        if held and self.vm.deferred:
            self.came += 1
            return held[0]
        others = [task for task in enabled if task not in held]
        return super().choose(others or enabled, pending, current)


def test_what_is_left_to_be_deactivated_meanwhile_comes_next() -> None:
    """Another VCPU leaves it an SPI to deactivate: it traps as announced, and then writes DIR."""
    world = world_of("overflow-dir", V7_2)
    came = 0
    for i in range(8):
        strategy = HeldAtItsSgi(i, world)
        outcome = on_direct(world, strategy, audited=True)
        assert (outcome.violations, outcome.bound) == ([], "")
        came += strategy.came
    assert came
