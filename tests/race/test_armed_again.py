"""A timer that is armed again while its VCPU is preempted: KVM reads a line that the GIC lacks.

With ``timer 100, idle 1, timer 100, idle 2`` and one preemption in the handler era v7.2 breaks R12,
R15, R23 and I1: the load injects a high level, the guest silences its timer and arms it again, and
the clock reaches it between the fold of the register and the look at the line, which KVM believes
(vgic_irq_handle_resampling). The distributor shows it only after the next entry. It is finding F1.
It takes one order of very many, so it is not looked for by chance.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.contract import Abandon, RunInfo, Task
from harness.findings.lookup import find_known
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.check.violation import Violation
from tests.race.running import on_direct, world_of

SCENARIO = str(Path(__file__).parent / "scenarios" / "armed-and-preempted.toml")
GIC = ("line", "deactivations", "pin", "maintenance", "edge", "event")
BEFORE = ("host-irq", "gic", "vcpu", "soft-timer", "clock", "host-scheduler")
AFTER = ("host-scheduler", "host-irq", "gic", "vcpu", "soft-timer", "clock")
TICKED = ("vcpu", "host-irq", "gic", "soft-timer", "clock", "host-scheduler")


class TicksBeforeResample:
    """One preemption after ``steps`` steps; then the clock goes right before KVM reads the line."""

    every_step = True

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def begin(self, info: RunInfo) -> bool:
        self.left = self.steps
        self.ticked = False
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        self.left -= 1
        clock = next((task for task in enabled if task.actor.kind == "clock"), None)
        reads = any(t.op.name == "resample" for t in pending if t.actor.kind == "vcpu")
        if self.left < 0 and clock is not None and reads and not self.ticked:
            self.ticked = True
            return clock
        order = BEFORE if self.left > 0 else TICKED if self.ticked else AFTER

        def place(task: Task) -> int:
            return order.index("gic" if task.actor.kind in GIC else task.actor.kind)

        return min(enabled, key=place)

    def draw(self, name: str, k: int) -> int:
        return 1 if name == "preemptions" else 0

    def end(self, outcome: object) -> None:
        """Keep nothing."""


def found_in(era: type[Kvm], messages: str) -> list[Violation]:
    world = world_of(SCENARIO, era, (("gic_messages", messages),))
    return [v for n in range(62, 78) for v in on_direct(world, TicksBeforeResample(n)).violations]


def test_era_v7_2_enters_with_an_inactive_interrupt() -> None:
    found = found_in(V7_2, "queued")
    assert {violation.rule for violation in found} == {"R12", "R15", "R23", "I1"}
    for violation in found:
        known = find_known(violation, SCENARIO, "v7.2", {})
        assert known is not None
        assert known.id == "F1"


@pytest.mark.parametrize(
    ("era", "messages"),
    [(V7_2, "synchronous"), (V4_14, "queued"), (V4_14, "synchronous")],
)
def test_not_without_lag_and_not_where_the_level_is_computed(era: type[Kvm], messages: str) -> None:
    assert found_in(era, messages) == []
