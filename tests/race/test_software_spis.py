"""Interrupts that the VM monitor makes: signalled, ended, notified, raised again; and each lost."""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from model import facts
from model.device import SoftwareDevice
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"
ERAS = (V4_14, V7_2)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "name",
    [
        "soft-devices",
        "resample-eoi-first",
        "resample-unserved",
        "soft-reset",
        "pended-while-served",
    ],
)
async def test_the_eras_are_clean(era: type[Kvm], name: str) -> None:
    async for outcome in outcomes(world_of(str(HERE / f"{name}.toml"), era), 8, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(
    ("variant", "version"), [("v4.14", "3"), ("v4.14", "2"), ("v7.2", "3"), ("v7.2", "2")]
)
def test_each_end_is_notified_once(variant: str, version: str) -> None:
    """Also where it is ended in the stay in which it was acknowledged: as often as it is ended."""
    world = world_of("spi-resample", resolve_variant(variant), (("gic_version", version),))
    told: list[int] = []
    ended: list[int] = []
    world.subscribe({
        facts.EoiNotified: lambda f: told.append(f.vintid),
        facts.DeactivatedByGuest: lambda f: ended.append(f.vintid),
    })  # fmt: skip
    for _ in outcomes(world, 12, audited=0):
        assert told == [vintid for vintid in ended if vintid == 80]
        told.clear()
        ended.clear()


class NotTold(V7_2):
    """The line is lowered, and nobody hears of it."""

    async def notify_acked_irq(self, t: Context, irq: VgicIrq) -> None:
        device = self.software_device(irq.intid)
        if device is not None and device.resample:
            await self.set_irq(t, device, False)


class NotLowered(V7_2):
    """The VM monitor hears of the end, and the line stays as it is."""

    async def notify_acked_irq(self, t: Context, irq: VgicIrq) -> None:
        device = self.software_device(irq.intid)
        if device is not None and device.resample:
            device.notify()


class NeverLowered(V7_2):
    """KVM_IRQ_LINE does not take a line back."""

    async def set_irq(self, ctx: Context, device: SoftwareDevice, level: bool) -> None:
        if level:
            await super().set_irq(ctx, device, level)


class NobodyKicked(V7_2):
    """An injection from a thread of the VM monitor's queues, and kicks nobody."""

    async def request_and_kick(self, ctx: Context, v: int) -> None:
        if ctx.cpu >= 0:
            await super().request_and_kick(ctx, v)


@pytest.mark.parametrize(
    ("broken", "scenario", "rules"),
    [
        (NotTold, "spi-resample", ("L1", "G7")),
        (NotLowered, "spi-resample", ("G3",)),
        (NeverLowered, "spi-soft-level", ("G3",)),
        (NobodyKicked, "spi-soft-edge", ("G7", "G9", "I6", "L1", "R27", "I12")),
        (NobodyKicked, "spi-soft-level", ("G7", "L1", "R27", "I12")),
    ],
)
async def test_what_the_guest_suffers(
    broken: type[Kvm], scenario: str, rules: tuple[str, ...]
) -> None:
    world = world_of(scenario, broken)
    async for outcome in outcomes(world, 60, audited=0):
        if outcome.violations:
            assert {violation.rule for violation in outcome.violations}.intersection(rules)
            return
    pytest.fail(f"{broken.__name__} was not noticed")
