"""What facts add up to is what the machine has, wherever nobody is in the middle of changing it."""

from collections.abc import Iterator

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.engine.schedule import Schedule
from harness.report.states import Interrupt, States
from harness.spec import RunSpec
from harness.strategies.replay import Replay
from harness.world import VgicWorld
from model.facts import KINDS
from model.gic.registers import FIRST_SPI
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq
from tests.unit.report.runs import FAILING, log_of


def letters(world: VgicWorld, v: int, irq: VgicIrq) -> str:
    text = "P" * irq.pending_latch + "L" * irq.line_level + "A" * irq.active
    if irq.vcpu >= 0:
        text += "q" if irq.vcpu == v or len(world.machine.threads) == 1 else f"q{irq.vcpu}"
    return text + "d" * (not irq.enabled) or "-"


def differences(variant: str) -> Iterator[tuple[int, Interrupt, str, str]]:
    """Run it again beside the states that its facts add up to; yield where they differ."""
    header = log_of(variant).header
    schedule = Schedule.parse(header.schedule)
    world = RunSpec.from_schedule(schedule).build(DirectEngine.task_class)
    states = States(header.setting, header.era)
    world.subscribe(dict.fromkeys(KINDS.values(), states.hear))
    execution = Execution(world, Replay(schedule.choices))
    machine = world.machine
    found = []

    def compare(*_: object) -> None:
        irqs = [(v, irq) for (v, _), irq in machine.private.items()]
        irqs += [(irq.target, irq) for irq in machine.spis.values()]
        for v, irq in irqs:
            now = states.of(Interrupt(v, irq.intid))
            # What a List Register took over, facts tell once the register is written.
            if (
                irq.holder is None
                and not irq.on_lr
                and now.kvm != (wanted := letters(world, v, irq))
            ):
                found.append((execution.steps, Interrupt(v, irq.intid), now.kvm, wanted))
            if irq.hw and irq.intid < FIRST_SPI:
                active = [c for c in range(header.setting.pcpus) if "A" in dist_on(now.dist, c)]
                there = [
                    c for c in range(header.setting.pcpus) if machine.gic.is_active(c, VTIMER_PPI)
                ]
                if active != there:
                    found.append((execution.steps, Interrupt(v, irq.intid), now.dist, str(there)))

    def dist_on(text: str, c: int) -> str:
        if header.setting.pcpus == 1:
            return text
        return next((part for part in text.split() if part.endswith(f"@{c}")), "")

    execution.observer = compare
    DirectEngine().execute(execution)
    assert world.failures
    yield from found


@pytest.mark.parametrize("variant", [v for v in FAILING if v not in ("v4.14+57", "v7.2+57")])
def test_facts_add_up_to_the_machine(variant: str) -> None:
    assert list(differences(variant)) == []
