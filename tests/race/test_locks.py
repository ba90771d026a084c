"""What needs a lock says so when it is not held, and what changed unsaid is said at the release.

Where the kernel has lockdep_assert_held, whatever hook a variant overrides.
"""

import pytest

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.scenarios.schema import builtin_names
from harness.variants import check_overrides
from model import facts
from model.facts import Fact
from model.gic.lr import Lr
from model.identity import AP_LIST, CONFIG, IRQ, LockId
from model.timer import VTIMER_PPI
from model.vgic.irq import VgicIrq
from tests.race.mutant import laid_over
from tests.race.running import outcomes, world_of

ERAS = pytest.mark.parametrize("era", [V4_14, V7_2])
TIMER = LockId(IRQ, 0, VTIMER_PPI)


async def told(kvm: type[Kvm], scenario: str, schedules: int, *kinds: type[Fact]) -> list[Fact]:
    """The facts of these kinds, with the rules off, so that no violation cuts a run short."""
    world = world_of(scenario, kvm, rules=frozenset())
    seen: list[Fact] = []
    world.subscribe(dict.fromkeys(kinds, seen.append))
    async for _ in outcomes(world, schedules, audited=0):
        pass
    return seen


async def missing(layer: type[Hooks], era: type[Kvm], scenario: str) -> set[tuple[LockId, str]]:
    """What was done without which lock in 20 schedules of a variant that a user could write."""
    variant = laid_over(layer, era)
    check_overrides(variant, variant.__name__)
    found = await told(variant, scenario, 20, facts.LockNotHeld)
    return {(f.lock, f.what) for f in found if isinstance(f, facts.LockNotHeld)}


@pytest.mark.parametrize("scenario", builtin_names())
@ERAS
async def test_the_eras_miss_no_lock_and_say_all_changes(era: type[Kvm], scenario: str) -> None:
    assert await told(era, scenario, 8, facts.LockNotHeld, facts.SoftwareChanged) == []


# -- locks that are not held ---------------------------------------------------------------------


class ForgetsToTake(Hooks):
    """fold_lr without ``t.acquired(irq)``."""

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        irq = self.machine.irq(t.v, lr.vintid)
        at = t.at(t.v, irq)
        await t.lock(irq, Steps.fold_lr, at)
        await self.fold_locked(t, irq, self.trusted(t, lr))
        await t.step(Steps.irq_unlock, at)
        t.released(irq)


@ERAS
async def test_a_fold_without_its_lock(era: type[Kvm]) -> None:
    found = await missing(ForgetsToTake, era, "timer-busy")
    assert {(TIMER, "fold its List Register"), (TIMER, "release it")} <= found
    resampled = {(TIMER, "sample its line")} if era is V7_2 else set()
    assert {x for x in found if x[0] == TIMER} == resampled | {
        (TIMER, "fold its List Register"), (TIMER, "release it"),
    }  # fmt: skip


class FlushesUnlocked(Hooks):
    """The flush takes neither the list's lock nor the interrupt's."""

    async def flush_lrs(self, t: Context) -> None:
        vgic = self.machine.vgics[t.v]
        await t.step(Steps.flush_ap_list)
        vgic.used = 0
        await self.count_and_sort(t)
        for intid in vgic.ap_list[: len(vgic.lrs)]:
            irq = self.machine.irq(t.v, intid)
            await t.step(Steps.populate_lr, t.at(t.v, irq))
            if self.target_oracle(t, irq) == t.v:
                self.put_in_lr(t, irq)
        await t.step(Steps.flush_hcr)
        vgic.hcr = self.configure_hcr(0, 0, len(vgic.lrs))


@ERAS
async def test_a_flush_without_locks(era: type[Kvm]) -> None:
    assert await missing(FlushesUnlocked, era, "timer-busy") == {
        (LockId(AP_LIST, 0), "count and sort the ap_list"),
        (TIMER, "choose its VCPU"),
        (TIMER, "populate its List Register"),
    }


class PrunesUnlocked(Hooks):
    """The prune takes what is idle off the list without any lock."""

    async def prune(self, t: Context) -> None:
        vgic = self.machine.vgics[t.v]
        await t.step(Steps.prune_ap_list)
        vgic.used = vgic.hcr = vgic.eoicount = 0
        for intid in vgic.ap_list:
            irq = self.machine.irq(t.v, intid)
            await t.step(Steps.prune_irq, t.at(t.v, irq))
            if not irq.active and not irq.is_pending():
                self.unqueue(t, irq)


@ERAS
async def test_a_prune_without_locks(era: type[Kvm]) -> None:
    assert await missing(PrunesUnlocked, era, "timer-busy") == {
        (LockId(AP_LIST, 0), "change the ap_list"),
        (TIMER, "change the ap_list it is on"),
    }


class InjectsUnlocked(Hooks):
    """An injection takes no irq_lock, and queues what it injects."""

    async def inject_irq(self, ctx: Context, irq: VgicIrq, v: int, level: bool) -> None:
        await ctx.step(Steps.inject, ctx.at(v, irq))
        irq.inject(ctx.c, v, level, accepted=self.accepts_injection(irq, level))
        await self.queue_irq_unlock(ctx, irq, False)


@ERAS
async def test_an_injection_without_its_lock(era: type[Kvm]) -> None:
    found = await missing(InjectsUnlocked, era, "timer-busy")
    assert {(TIMER, "queue it"), (TIMER, "choose its VCPU"), (TIMER, "release it")} == found


class EnablesAfterUnlocking(Hooks):
    """The line is looked at when irq_lock has been dropped."""

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().write_enable(t, irq, on)
        await t.step(Steps.write_enable, t.at(t.v, irq))
        self.sample_line(t, irq)


async def test_a_line_that_is_sampled_without_its_lock() -> None:
    assert await missing(EnablesAfterUnlocking, V7_2, "timer-busy") == {(TIMER, "sample its line")}


class HaltsUnlocked(Hooks):
    """Whoever halts the guests has not taken config_lock."""

    async def access_active(self, t: Context, irq: VgicIrq, *, halt: bool) -> None:
        if halt:
            await self.halt_guests(t)


@ERAS
async def test_halting_without_the_mutex(era: type[Kvm]) -> None:
    found = await missing(HaltsUnlocked, era, "smp-mix")
    assert found == {(LockId(CONFIG), "halt the guests"), (LockId(CONFIG), "release it")}


class ReleasesTwice(Hooks):
    """Gives irq_lock back once more after the fold."""

    async def fold_lr(self, t: Context, lr: Lr) -> None:
        await super().fold_lr(t, lr)
        t.released(self.machine.irq(t.v, lr.vintid))


@ERAS
async def test_a_release_of_what_is_not_held(era: type[Kvm]) -> None:
    assert await missing(ReleasesTwice, era, "timer-busy") == {(TIMER, "release it")}


# -- changes that nothing said -------------------------------------------------------------------


class ActiveByHand(Hooks):
    """The fold sets the active state once more, by hand, under the lock."""

    async def fold_locked(self, t: Context, irq: VgicIrq, lr: Lr) -> None:
        await super().fold_locked(t, irq, lr)
        irq.active = True


@ERAS
async def test_a_change_by_hand_is_said_when_the_lock_is_given_back(era: type[Kvm]) -> None:
    variant = laid_over(ActiveByHand, era)
    check_overrides(variant, variant.__name__)
    world = world_of("timer-busy", variant, rules=frozenset())
    irq = world.machine.private[0, VTIMER_PPI]
    folded_inactive = False
    told_by_hand = 0

    def on_fold(fact: facts.Folded) -> None:
        nonlocal folded_inactive
        folded_inactive = not fact.active

    def on_change(fact: facts.SoftwareChanged) -> None:
        nonlocal folded_inactive, told_by_hand
        assert folded_inactive
        assert irq.holder is not None
        assert (fact.vcpu, fact.vintid, fact.active) == (0, VTIMER_PPI, True)
        assert (fact.enabled, fact.line_level) == (irq.enabled, irq.line_level)
        assert fact.pending_latch == irq.pending_latch
        folded_inactive = False
        told_by_hand += 1

    def on_release(fact: facts.LockReleased) -> None:
        assert not (fact.lock == TIMER and folded_inactive)

    world.subscribe(
        {facts.Folded: on_fold, facts.SoftwareChanged: on_change, facts.LockReleased: on_release}
    )
    assert len([outcome async for outcome in outcomes(world, 20, audited=0)]) == 20
    assert told_by_hand >= 20  # once in each at least


class DisabledByHand(Hooks):
    """A hook without steps, called under the lock, disables the interrupt by hand."""

    def put_in_lr(self, t: Context, irq: VgicIrq) -> None:
        super().put_in_lr(t, irq)
        irq.enabled = False


@ERAS
async def test_whichever_hook_changes_it(era: type[Kvm]) -> None:
    seen = await told(laid_over(DisabledByHand, era), "timer-busy", 20, facts.SoftwareChanged)
    assert seen
    assert not any(fact.enabled for fact in seen if isinstance(fact, facts.SoftwareChanged))
