"""A host that masks the timer's interrupt, as its controller has no active state that a guest ends.

KVM then leaves the HW bit away, asks for an exit at the guest's end, and lifts the mask at the fold
(timer_irq_set_irqchip_state, VGIC_IRQ_SW_RESAMPLE); 4.14 is made to do the same here. F33 is what
7.2 does wrong with it.
"""

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model import facts
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

MASKS = (("masks", "1"),)


class LooksAtTheLine(V7_2):
    """F33 is mended."""

    async def resample(self, t: Context, irq: VgicIrq) -> None:
        await super().resample(t, irq)
        if not irq.linked:
            self.sample_line(t, irq)


@pytest.mark.parametrize(
    ("era", "scenario"),
    [(V4_14, "timer-busy"), (V4_14, "save"), (V7_2, "timer-wfi"), (V7_2, "spi-level")],
)
async def test_the_eras_are_clean(era: type[Kvm], scenario: str) -> None:
    async for outcome in outcomes(world_of(scenario, era, MASKS), 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


async def test_f33_a_look_at_the_line_mends_it() -> None:
    async for outcome in outcomes(world_of("save", LooksAtTheLine, MASKS), 48, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_the_timer_is_in_no_list_register_that_is_linked_and_never_left_active() -> None:
    world = world_of("timer-busy", V7_2, MASKS)
    shown: list[bool] = []
    ended: list[int] = []

    def on_written(f: facts.LrWritten) -> None:
        if f.after.vintid == VTIMER_PPI and f.after.state:
            shown.append(f.after.hw)

    world.subscribe({
        facts.LrWritten: on_written,
        facts.DeactivationSent: lambda f: ended.append(f.intid),
    })  # fmt: skip
    for _ in outcomes(world, 8, audited=0):
        assert not world.machine.gic.is_active(0, VTIMER_PPI)
    assert shown
    assert not any(shown)
    assert VTIMER_PPI not in ended
