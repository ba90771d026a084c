"""An SPI that is counted down each time, and counted up once: F28.

``active_spis`` says whether DIR traps on every VCPU. A level of software whose line is high again
when it is deactivated stays on its ap_list, so that it is not counted again when it comes again.
Then another VCPU's DIR finds it in no List Register of its own and does not trap, as with museum
45. Finding F8 (a trapped DIR wakes nobody) is in the way here, and mended.
"""

from pathlib import Path

from harness.context import Context
from harness.findings.lookup import find_known
from harness.kvm.v7_2 import V7_2
from model.check.violation import LOST
from model.gic.lr import Lr
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

SCENARIO = str(Path(__file__).parent / "scenarios" / "spi-recounted.toml")


class Kicks(V7_2):
    """F8 is mended: the VCPU that has the interrupt is kicked."""

    async def handle_dir(self, t: Context) -> None:
        await super().handle_dir(t)
        for v in range(len(self.machine.threads)):
            if v != t.v:
                await self.kick(t, v)


class CountsTheLists(Kicks):
    """An SPI counts as long as it is on an ap_list."""

    def counts_down(self, irq: VgicIrq, lr: Lr) -> bool:
        return False

    def unqueue(self, t: Context, irq: VgicIrq) -> None:
        super().unqueue(t, irq)
        if irq.is_spi() and self.broadcasts():
            self.machine.dist.spi_ended()


async def test_f28_the_second_deactivation_is_lost() -> None:
    found = []
    async for outcome in outcomes(world_of(SCENARIO, Kicks), 24, audited=2):
        found += outcome.violations
    assert found
    for violation in found:
        assert (violation.rule, violation.type) == ("G6", LOST)
        known = find_known(violation, SCENARIO, "v7.2", {})
        assert known is not None
        assert known.id == "F28"


async def test_f28_counting_what_is_on_a_list_mends_it() -> None:
    async for outcome in outcomes(world_of(SCENARIO, CountsTheLists), 60, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


async def test_f28_takes_a_host_that_traps_dir_alone() -> None:
    """Without TDIR all DIRs trap all the time."""
    async for outcome in outcomes(world_of(SCENARIO, Kicks, (("tdir", "0"),)), 60, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")
