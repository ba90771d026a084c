"""The emulated physical timer: its footprints, what else it meets, and what upstream gets wrong.

F9, era v7.2: kvm_arm_timer_write_sysreg cancels the emulation's soft timer, writes the register,
and emulates anew, with preemption on. If the thread loses its CPU after the cancellation, the load
arms the soft timer again, for what the register held before. When the write then disables the
timer, timer_emulate finds nothing to arm, and cancels nothing; and when the soft timer fires,
kvm_hrtimer_expire compares the time only. The guest gets the interrupt of a timer that is off. The
era here does all three with preemption off; patch F9 is upstream's. Too deep for random schedules:
it is looked for with one preemption after each step in turn.

F10, era v4.14: 4.14 recomputes the timers at the flush, with interrupts on, and its soft timer's
callback only wakes. If the physical timer fires after that and before the entry, the guest runs on
without it until something else makes it exit. Since 4.15 the callback injects. The era here looks
once more with interrupts off; patch F10 is upstream's.

In 4.14 a trapped write is stored, and the output recomputed before the next entry. No VM is saved
in between, with a timer that is off and its line high: a signal is looked at after that flush.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.context import Context
from harness.contract import Abandon, RunInfo, Task
from harness.findings.lookup import find_known
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.variants import resolve_variant
from harness.world import VgicWorld
from model import facts
from model.check.violation import Violation
from model.identity import BG_TIMER, PTIMER
from model.timer import PTIMER_PPI
from tests.race.running import ONE_IN, on_both, on_direct, outcomes, ptimer_fires, world_of

HERE = Path(__file__).parent / "scenarios"
OFF = str(HERE / "ptimer-off.toml")
RESET, SAVE = str(HERE / "phys-reset.toml"), str(HERE / "phys-save.toml")
ERAS = pytest.mark.parametrize("era", [V4_14, V7_2])


@ERAS
async def test_every_footprint_holds(era: type[Kvm]) -> None:
    async for outcome in outcomes(world_of("timer-phys", era), 16, audited=16):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize("era", [pytest.param(V4_14, marks=pytest.mark.long), V7_2])
@pytest.mark.parametrize(
    "knobs",
    [
        (("gic_version", "2"),),
        (("eoimode", "1"),),
        (("gic_messages", "synchronous"),),
        (("lr_on_guest_deactivate", "polled"),),
    ],
    ids=str,
)
async def test_under_other_knobs(era: type[Kvm], knobs: tuple[tuple[str, str], ...]) -> None:
    async for outcome in outcomes(world_of("timer-phys", era, knobs), 25, audited=4):
        assert (outcome.violations, outcome.bound) == ([], "")


@pytest.mark.parametrize(("scenario", "era"), [(RESET, V4_14), (RESET, V7_2), (SAVE, V7_2)])
async def test_reset_save_and_disabled(scenario: str, era: type[Kvm]) -> None:
    async for outcome in outcomes(world_of(scenario, era), 60, audited=8):
        assert (outcome.violations, outcome.bound) == ([], "")


def test_only_guests_that_use_it_have_it() -> None:
    without, used = world_of("migrate", V7_2), world_of("timer-phys", V7_2)
    new = {"ptimer0", "ptimer_hrtimer0", "ptimer_irq0"}
    assert not new & {name for name, _ in without.machine.parts}
    assert new <= {name for name, _ in used.machine.parts}
    assert not [slot for slot in without.slots if slot.name.startswith("q")]
    assert [slot.name for slot in used.slots if slot.name.startswith("q")] == ["q0", "q1"]


# -- F9 ----------------------------------------------------------------------------------------


GIC = ("line", "deactivations", "pin", "maintenance", "edge", "event")


def kind_of(task: Task) -> str:
    return "gic" if task.actor.kind in GIC else task.actor.kind


class PreemptedAfter:
    """One VCPU goes first and time last, but for one preemption after ``steps`` steps."""

    every_step = True

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def begin(self, info: RunInfo) -> bool:
        self.left = self.steps
        return True

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        self.left -= 1
        if self.left > 0:
            order = ("host-irq", "gic", "vcpu", "soft-timer", "clock", "host-scheduler")
        else:
            order = ("host-scheduler", "host-irq", "gic", "vcpu", "soft-timer", "clock")
        return min(enabled, key=lambda task: order.index(kind_of(task)))

    def draw(self, name: str, k: int) -> int:
        return 1 if name == "preemptions" else 0

    def end(self, outcome: object) -> None:
        """Keep nothing."""


class TimeInTheGuest(PreemptedAfter):
    """The same, and time goes on while the guest works, with its timer disabled."""

    world: VgicWorld

    def choose(
        self, enabled: Sequence[Task], pending: Sequence[Task], current: Task | None
    ) -> Task | Abandon:
        chosen = super().choose(enabled, pending, current)
        guest = self.world.machine.guests[0]
        if guest.program[guest.pc].a == 8 and guest.sub:
            return next((task for task in enabled if task.actor.kind == "clock"), chosen)
        return chosen


async def preempted_everywhere(era: type[Kvm]) -> list[Violation]:
    world = world_of(OFF, era)
    found: list[Violation] = []
    for steps in range(1, 160):

        def make(of: VgicWorld, steps: int = steps) -> TimeInTheGuest:
            strategy = TimeInTheGuest(steps)
            strategy.world = of
            return strategy

        outcome = on_direct(world, make(world)) if steps % ONE_IN else await on_both(world, make)
        assert outcome.bound == ""
        found += outcome.violations
    return found


async def test_f9_a_write_that_is_preempted_leaves_a_soft_timer_behind() -> None:
    found = await preempted_everywhere(resolve_variant("v7.2+F9"))
    assert found
    assert {violation.rule for violation in found} == {"I7"}
    assert "physical timer interrupt" in found[0].text
    for violation in found:
        known = find_known(violation, OFF, "v7.2+F9", {})
        assert known is not None
        assert known.id == "F9"
        assert find_known(violation, OFF, "v7.2", {}) is None


async def test_f9_without_preemption_there_is_none() -> None:
    assert await preempted_everywhere(V7_2) == []


# -- F10 ---------------------------------------------------------------------------------------


async def entered_uncovered(era: type[Kvm]) -> int:
    """Count entries with the physical timer due, KVM not aware of it, and nothing to tell it."""
    world = world_of("timer-phys", era)
    machine = world.machine
    count = 0

    def on_entry(f: facts.Entered) -> None:
        nonlocal count
        v = f.vcpu
        told = machine.private[v, PTIMER_PPI].line_level
        armed = any(machine.hrtimers[v, timer].armed for timer in (BG_TIMER, PTIMER))
        count += ptimer_fires(world, v) and not told and not armed

    world.subscribe({facts.Entered: on_entry})
    async for _ in outcomes(world, 80, audited=0):
        pass
    return count


async def test_f10_what_fires_after_the_flush_is_late() -> None:
    assert await entered_uncovered(resolve_variant("v4.14+F10")) > 0
    assert await entered_uncovered(V4_14) == 0
    assert await entered_uncovered(V7_2) == 0


# -- signals in 4.14 ---------------------------------------------------------------------------


class SignalFirst(V4_14):
    """4.14, with the signal looked at before the flush recomputes the timers, as since 4.15.

    The VM is saved with its timer off and the line high. The VM it is restored into has told its
    vgic nothing yet, finds the timer off, and leaves the line high.
    """

    async def run_once(self, t: Context) -> str:
        await self.point(t, Steps.check_requests)
        return "signal" if self.machine.threads[t.v].stop else await super().run_once(t)


async def test_4_14_looks_at_signals_after_the_flush() -> None:
    async for outcome in outcomes(world_of(SAVE, V4_14), 80):
        assert (outcome.violations, outcome.bound) == ([], "")


async def test_who_looks_before_it_saves_a_timer_that_is_off_with_its_line_high() -> None:
    found = {
        v.rule
        async for outcome in outcomes(world_of(SAVE, SignalFirst), 30)
        for v in outcome.violations
    }
    assert found == {"I7"}
