"""What a variant remembers besides: declared, in the key, in the footprints, and reset."""

from pathlib import Path
from typing import ClassVar

import pytest

from harness.context import Context
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine
from harness.errors import UsageError
from harness.kvm.hooks import Hooks, own_state
from harness.kvm.v7_2 import V7_2
from harness.museum import patches
from harness.museum.patch import Patch
from harness.strategies.random_walk import RandomWalk
from harness.variants import compose, resolve_variant
from harness.world import VgicWorld
from model.machine import Machine
from model.own import OwnState
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

HEADER = "from harness.kvm.v7_2 import V7_2\nclass Mine(V7_2):\n"


class Counts(V7_2):
    """Counts entries of the VM and of each VCPU, and whether those were odd, per interrupt."""

    vm_state: ClassVar = {"entries": 0}
    vcpu_state: ClassVar = {"entries": 0}
    irq_state: ClassVar = {"odd": False}

    async def flush_lrs(self, t: Context) -> None:
        self.own_vm.entries += 1
        self.own_vcpu(t.v).entries += 1
        for irq in self.machine.private_irqs(t.v):
            self.own_irq(irq).odd ^= True
        await super().flush_lrs(t)


def keys(machine: Machine) -> list[object]:
    return [part.key() for name, part in machine.parts if name.startswith("own_")]


@pytest.mark.parametrize("scenario", ["migrate", "spi-level", "smp-mix"])
def test_it_is_counted_and_audited(scenario: str) -> None:
    world = world_of(scenario, Counts)
    initial = keys(world.machine)
    assert set(initial) == {0}
    assert [outcome.violations for outcome in outcomes(world, 6, audited=6)] == [[]] * 6
    machine = world.machine
    entries = [own.key() for own in (machine.own_vm, *machine.own_vcpus)]
    assert entries[0] == sum(entries[1:]) > 0  # type: ignore[arg-type]
    copied = machine.copy()
    assert keys(copied) == keys(machine) != initial
    machine.reset()
    assert keys(machine) == initial
    assert keys(copied) != initial


def test_a_machine_without_it_has_no_part_more() -> None:
    assert keys(world_of("migrate", V7_2).machine) == []


def test_every_step_of_the_code_may_write_it_and_no_step_of_the_hardware() -> None:
    world = world_of("migrate", Counts)
    own = world.resources.mask(()) | sum(
        part.bit for name, part in world.machine.parts if name.startswith("own_")
    )
    seen: dict[str, bool] = {}
    execution = AuditedExecution(world, RandomWalk(1), world.resources)
    execution.observer = lambda task, op: seen.update({task.name: op.writes & own == own})
    DirectEngine().execute(execution)
    assert seen["v0"]
    assert not seen["c"]


def patch(name: str, **fields: object) -> Patch:
    hooks = type(name, (Hooks,), fields)
    return Patch(id=name, title="t", source="s", symptom="s", hooks=hooks)


def test_patches_add_up() -> None:
    one, other = (
        patch("p", vcpu_state={"a": 1}),
        patch("q", vcpu_state={"b": 2}, irq_state={"c": 0}),
    )
    cls = compose("v7.2+p+q", "v7.2", [one, other])
    assert own_state(cls) == OwnState({}, {"b": 2, "a": 1}, {"c": 0})
    with pytest.raises(UsageError, match="vcpu_state: 'a' is declared twice"):
        compose("v7.2+p+r", "v7.2", [one, patch("r", vcpu_state={"a": 3})])
    assert all(isinstance(resolve_variant(f"v7.2+{x}"), type) for x in ("44", "F2"))
    assert patches()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("vm_state = {'seen': []}", "vm_state: 'seen' is a list, expected a value that never"),
        ("vcpu_state = {'a b': 1}", "vcpu_state: 'a b' cannot be the name of a field"),
        ("irq_state = {'key': 1}", "irq_state: 'key' cannot be the name of a field"),
        ("vm_state = 3", "'int' object has no attribute 'items'"),
    ],
)
def test_what_cannot_be_declared(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"{HEADER}    {body}\n")
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        resolve_variant(f"{path}:Mine")


def test_each_interrupt_has_its_own() -> None:
    world: VgicWorld = world_of("migrate", Counts)
    irqs: list[VgicIrq] = [world.machine.irq(v, 27) for v in range(2)]
    one, other = (world.kvm.own_irq(irq) for irq in irqs)
    one.odd = True
    assert not other.odd
