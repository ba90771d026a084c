"""A DIR of another VCPU that does not trap yet, though the interrupt can be handled already (F23).

KVM puts the VM's first SPI on an ap_list, drops the locks, and only then asks all VCPUs to leave
their guests, so that their writes to DIR trap from then on. In between the VCPU that the SPI goes
to may enter with it, and its guest leave the deactivation to another one. That one's DIR finds the
SPI in no List Register of its own, and nobody hears of it. No GIC need lag for that.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.contract import Abandon, RunInfo, Task
from harness.findings.lookup import find_known
from harness.kvm.kvm import Kvm
from harness.kvm.v7_2 import V7_2
from harness.world import VgicWorld
from model.check.violation import LOST
from tests.race.running import on_direct, world_of

SCENARIO = str(Path(__file__).parent / "scenarios" / "dir-not-trapped-yet.toml")


class KickedTooLate:
    """The host's handler stands still between the ap_list and the kicks, until VCPU 1's DIR."""

    every_step = True

    def __init__(self, world: VgicWorld, *, holds: bool) -> None:
        self.world = world
        self.holds = holds

    def begin(self, info: RunInfo) -> bool:
        self.asked = self.done = False
        return True

    def stands_still(self, task: Task) -> bool:
        """VCPU 1 stays in its guest until there is something to deactivate."""
        machine = self.world.machine
        if task.actor.kind == "host-irq":
            return self.holds and task.op.name == "make_request" and not self.done
        is_busy = task.actor.kind == "vcpu" and task.actor.vcpu == 1 and machine.pcpus[1].guest
        return is_busy and not self.asked

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        deferred = bool(self.world.machine.vm.deferred)
        self.done = self.done or (self.asked and not deferred)
        self.asked = self.asked or deferred
        free = [task for task in enabled if not self.stands_still(task)]
        order = {"vcpu": 3, "host-irq": 2}
        return min(
            free or enabled,
            key=lambda task: 0 if task.actor.vcpu == 1 else order.get(task.actor.kind, 1),
        )

    def draw(self, name: str, k: int) -> int:
        return k - 1

    def end(self, outcome: object) -> None:
        """Keep nothing."""


def world(era: type[Kvm], messages: str) -> VgicWorld:
    return world_of(SCENARIO, era, (("gic_messages", messages),))


@pytest.mark.parametrize("messages", ["synchronous", "queued"])
def test_a_dir_before_the_kick_is_lost(messages: str) -> None:
    run = world(V7_2, messages)
    found = on_direct(run, KickedTooLate(run, holds=True)).violations
    assert [(x.rule, x.alarm, x.type) for x in found] == [
        ("G6", "device", LOST), ("G6", "reads", LOST),
    ]  # fmt: skip
    for violation in found:
        known = find_known(violation, SCENARIO, "v7.2", {"gic_messages": messages})
        assert known is not None
        assert known.id == "F23"


@pytest.mark.parametrize("messages", ["synchronous", "queued"])
def test_behind_the_kick_it_traps(messages: str) -> None:
    run = world(V7_2, messages)
    assert on_direct(run, KickedTooLate(run, holds=False)).violations == []
