"""A DIR too many (Linux 6dd333c8942b): nothing comes of it, but with the erratum a CPU hangs.

KVM must not deactivate for a guest what the List Register has deactivated already. Nested guests,
where upstream did so, are not modelled; here KVM deactivates twice what it deactivates at all.
"""

import pytest

from harness.context import Context
from harness.kvm.steps import Steps
from harness.kvm.v7_2 import V7_2
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

ERRATUM = (("lr_on_guest_deactivate", "erratum"),)


class DirTwice(V7_2):
    """The physical interrupt is deactivated once more."""

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        await super().deactivate_phys(t, irq)
        if irq.hw:
            await t.step(Steps.deactivate_phys)
            self.machine.gic.dir(t.c, irq.hwintid)


def test_one_dir_is_harmless() -> None:
    for outcome in outcomes(world_of("overflow-dir", V7_2, ERRATUM), 12, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_a_second_one_wedges_a_cpu() -> None:
    world = world_of("overflow-dir", DirTwice, ERRATUM)
    for outcome in outcomes(world, 300, audited=2):
        if any(cpuif.wedged for cpuif in world.machine.gic.cpuifs):
            assert {"L1", "I6", "R27", "deadlock", "G7"} & {v.rule for v in outcome.violations}
            return
    pytest.fail("no CPU was wedged")
