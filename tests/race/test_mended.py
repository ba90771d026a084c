"""What mends a finding: the same scenario is clean with it.

F2, F3, F9, F10 and F14 are mended in the eras themselves, and F8 in ``test_findings``.
"""

from pathlib import Path

import pytest

from harness.context import Context
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import check_overrides
from model.vgic.irq import VgicIrq
from tests.race.running import outcomes, world_of

HERE = Path(__file__).parent / "scenarios"


class CoversIdleGuestsOnly(V7_2):
    """F13: the background timer stands in only for a guest that idles (upstream has IN_WFI)."""

    def is_blocking(self, v: int) -> bool:
        return super().is_blocking(v) and not self.machine.threads[v].is_kept_out()


class CountsPauses(V7_2):
    """F25: ``pause`` is a counter, as was proposed upstream."""

    vcpu_state = {"pauses": 0}

    def pause_guest(self, v: int) -> None:
        self.own_vcpu(v).pauses += 1
        super().pause_guest(v)

    def resume_guest(self, v: int) -> None:
        self.own_vcpu(v).pauses -= 1
        if not self.own_vcpu(v).pauses:
            super().resume_guest(v)


class LooksBeforeTheFlush(V7_2):
    """F31: the timer's line is looked at before its interrupt may get a List Register."""

    async def flush_lrs(self, t: Context) -> None:
        irq = self.timer_irq(t.v)
        await t.lock(irq, Steps.fold_lr, t.at(t.v, irq))
        t.acquired(irq)
        if irq.line_level and not irq.active:
            await self.resample(t, irq)
        await self.irq_unlock(t, irq)
        await super().flush_lrs(t)


class AsksForBoth(V4_14):
    """F32: what is active, or below the mask, is no reason to run (as today).

    The mask has to be in memory for that (5eeaf10eec39).
    """

    async def handle_wfi(self, t: Context) -> None:
        vgic = self.machine.vgics[t.v]
        vgic.vmcr = self.machine.gic.save_vmcr(t.c)
        await super().handle_wfi(t)

    def deliverable(self, irq: VgicIrq, pmr: int) -> bool:
        return super().deliverable(irq, pmr) and not irq.active and irq.priority < pmr


class NotifiesWhenCleared(V7_2):
    """F34, F42: the notifier is called there as well."""

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().change_active(t, irq, on)
        if not on:
            await self.notify_acked_irq(t, irq)


class KicksWhoHasIt(V7_2):
    """F37: whoever has it on its ap_list is woken, to move it or to take it."""

    async def queue_irq_unlock(self, ctx: Context, irq: VgicIrq, saved: bool) -> None:
        owner, target = irq.vcpu, self.target_oracle(ctx, irq)
        await super().queue_irq_unlock(ctx, irq, saved)
        if owner >= 0 and target >= 0 and owner != target:
            await self.request_and_kick(ctx, owner)


class CountsWhatMayComeBack(V7_2):
    """F43: what is on the list counts, wherever it goes to: it may go here again by the fill."""

    async def count_and_sort(self, t: Context) -> None:
        await super().count_and_sort(t)
        vgic = self.machine.vgics[t.v]
        vgic.nr_act = len(vgic.ap_list) - vgic.nr_pend


class ReadsBack(V7_2):
    """F36: the driver of a GICv2 reads back what it made active, as that of a GICv3 does."""

    def reads_back(self, active: bool) -> bool:
        return active


def test_what_is_read_back_cannot_be_overtaken() -> None:
    knobs = (("posted_writes", "1"), ("gic_version", "2"))
    broken = [
        [bool(out.violations) for out in outcomes(world_of("migrate", variant, knobs), 40)]
        for variant in (V7_2, ReadsBack)
    ]
    assert (any(broken[0]), any(broken[1])) == (True, False)


@pytest.mark.long
def test_with_a_kick_of_who_has_it_an_spi_comes_in_the_end() -> None:
    """By what never comes: until the sleeper has moved it, its new target is not told (G7)."""
    file, rules = str(HERE / "enabled-elsewhere.toml"), frozenset({"I6", "L1", "G9"})
    check_overrides(KicksWhoHasIt, "KicksWhoHasIt")
    broken = [
        [bool(out.violations) for out in outcomes(world_of(file, variant, (), rules), 340)]
        for variant in (V7_2, KicksWhoHasIt)
    ]
    assert (any(broken[0]), any(broken[1])) == (True, False)


@pytest.mark.parametrize("scenario", ["dir-unnotified", "resampled-and-cleared"])
def test_an_end_that_is_notified_comes_once(scenario: str) -> None:
    """By G3 alone: F28 shows there, too."""
    file, rules = str(HERE / f"{scenario}.toml"), frozenset({"G3"})
    check_overrides(NotifiesWhenCleared, "NotifiesWhenCleared")
    broken = [
        [bool(out.violations) for out in outcomes(world_of(file, variant, (), rules), 120)]
        for variant in (V7_2, NotifiesWhenCleared)
    ]
    assert (any(broken[0]), any(broken[1])) == (True, False)


@pytest.mark.long
def test_what_is_counted_wherever_it_goes_leaves_nothing_unwatched() -> None:
    check_overrides(CountsWhatMayComeBack, "CountsWhatMayComeBack")
    file = str(HERE / "routed-while-filled.toml")
    broken = [
        any(out.violations for out in outcomes(world_of(file, variant), 4000))
        for variant in (V7_2, CountsWhatMayComeBack)
    ]
    assert broken == [True, False]


@pytest.mark.parametrize(
    ("scenario", "mended", "schedules"),
    [
        ("powered-off", CoversIdleGuestsOnly, 60),
        ("second-halter", CountsPauses, 420),
        ("silenced-outside", LooksBeforeTheFlush, 60),
        ("idle-below-pmr", AsksForBoth, 12),
    ],
)
def test_with_it_the_scenario_is_clean(scenario: str, mended: type[Kvm], schedules: int) -> None:
    check_overrides(mended, mended.__name__)
    for outcome in outcomes(world_of(str(HERE / f"{scenario}.toml"), mended), schedules, audited=2):
        assert (outcome.violations, outcome.bound) == ([], "")
