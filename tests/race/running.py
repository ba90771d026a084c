"""Running many schedules in a test, without the campaign's machinery; and looking at a world.

A race test is ``async def``, under pytest-trio: it awaits the Trio engine within its own Trio
program for a share of its schedules, and each of these on the direct engine as well, which must
come to the same end. The rest, the bulk, runs on the direct engine alone.

What a test asks about a world in mid-run, as facts tell it, it asks by the functions at the end.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Self

import msgspec

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Outcome, Slot
from harness.engine.trio_engine import TrioEngine
from harness.kvm.kvm import Kvm
from harness.scenarios.schema import builtin_names, load_builtin
from harness.spec import RunSpec, load_scenario
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.world import VgicWorld
from model.check.views.active_states import ActiveStates
from model.check.views.fired_timers import FiredTimers
from model.check.views.guest_timers import GuestTimers
from model.check.views.guests import Guests
from model.check.views.hyp_control import HypControl
from model.check.views.lines import Lines
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.gic.lr import Lr
from model.identity import PTIMER
from model.timer import VTIMER_PPI

ONE_IN = 8
"""The share of schedules that runs on both engines: the first of each test, one in so many."""


class RaceWorld(VgicWorld):
    """A world of the direct engine, which tests watch, and how to build it for another engine."""

    build: Callable[[type[Slot]], VgicWorld]

    @cached_property
    def twin(self) -> VgicWorld:
        """The same world for the Trio engine. Nobody watches it."""
        return self.build(TrioEngine.task_class)


def clean_names(era: str) -> list[str]:
    """Return the built-in scenarios that an era is clean on as it was."""
    return [name for name in builtin_names() if era not in load_builtin(name).unclean]


def strategy(i: int) -> Strategy:
    """Schedule ``i``: even ones random, odd ones pct."""
    return RandomWalk(i) if i % 2 == 0 else Pct(i, 3, 200)


def world_of(
    scenario: str,
    kvm: type[Kvm],
    knobs: tuple[tuple[str, str], ...] = (),
    rules: frozenset[str] | None = None,
    *,
    lrs: int | None = None,
) -> RaceWorld:
    """A world of any class of hypervisor."""
    spec = RunSpec.make(scenario, kvm.era, lrs=lrs, knobs=dict(knobs))
    loaded = load_scenario(scenario)
    if "preemptions" in dict(knobs):
        loaded = msgspec.structs.replace(loaded, preemptions=int(dict(knobs)["preemptions"]))

    def build(task_class: type[Slot]) -> RaceWorld:
        return RaceWorld(
            loaded, spec.config(loaded), kvm, variant=kvm.era, task_class=task_class, rules=rules
        )

    world = build(DirectTask)
    world.build = build
    return world


def on_direct(world: VgicWorld, strategy: Strategy, *, audited: bool = False) -> Outcome:
    """Run one execution on the direct engine."""
    if audited:
        # A mutant may tell what KVM does not; a test that listens looks at views.
        heard = type(world.kvm).__module__.startswith("harness.") and not world.checker.first
        execution: Execution = AuditedExecution(world, strategy, world.resources, heard=heard)
    else:
        execution = Execution(world, strategy)
    outcome = DirectEngine().execute(execution)
    assert outcome is not None
    return outcome


async def on_both(
    world: RaceWorld, make: Callable[[VgicWorld], Strategy], *, audited: bool = False
) -> Outcome:
    """Run one execution on the Trio engine and on the direct one; they must agree.

    ``make`` makes the strategy for each of the two worlds.
    That is in everything an outcome says (choices, steps, hand-overs, violations, bound, what was
    reached) and in the state of the whole machine.
    """
    trios = await TrioEngine().execute(Execution(world.twin, make(world.twin)))
    directs = on_direct(world, make(world), audited=audited)
    assert trios == directs
    assert world.twin.machine.key() == world.machine.key()
    return directs


class Outcomes:
    """Runs schedules 0, 1, ... one at a time and gives how each ended.

    ``async for`` runs the first of them, one in :data:`ONE_IN`, on both engines; a plain ``for``
    runs all on the direct engine, for tests that are not about races. A loop may be left early.
    """

    def __init__(self, world: RaceWorld, schedules: int, audited: int) -> None:
        self.world = world
        self.schedules = schedules
        self.audited = audited
        self.next = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        i = self.next
        if i >= self.schedules:
            raise StopAsyncIteration
        self.next += 1
        audited = i < self.audited
        if i * ONE_IN < self.schedules:
            return await on_both(self.world, lambda _: strategy(i), audited=audited)
        return on_direct(self.world, strategy(i), audited=audited)

    def __iter__(self) -> Iterator[Outcome]:
        for i in range(self.schedules):
            yield on_direct(self.world, strategy(i), audited=i < self.audited)


def outcomes(world: RaceWorld, schedules: int, *, audited: int = 6) -> Outcomes:
    """Run schedules 0, 1, ... and give how each ended; footprints of the first are audited."""
    return Outcomes(world, schedules, audited)


# -- what facts say of a world by now ------------------------------------------------------------


def guest_on(world: VgicWorld, pcpu: int) -> int:
    """The VCPU whose guest runs on a CPU (-1: none)."""
    return world.checker.view(Guests).on[pcpu].vcpu


def loaded_on(world: VgicWorld, pcpu: int) -> int:
    """The VCPU that is loaded on a CPU (-1: none)."""
    return world.checker.view(LoadedVcpus).on[pcpu].vcpu


def is_active(world: VgicWorld, pcpu: int, intid: int = VTIMER_PPI) -> bool:
    """Whether an interrupt is active at the distributor, as a CPU sees it."""
    return world.checker.view(ActiveStates).has(pcpu, intid)


def is_high(world: VgicWorld, pcpu: int, intid: int) -> bool:
    """Whether the distributor has sampled the line of an interrupt as high."""
    return world.checker.view(Lines).has(pcpu, intid)


def timer_lr(world: VgicWorld, pcpu: int) -> Lr:
    """The List Register of a CPU that holds the virtual timer's interrupt, or the empty one."""
    return world.checker.view(ListRegisters).timer(pcpu)


def hcr_on(world: VgicWorld, pcpu: int) -> int:
    """What KVM wrote to HCR of a CPU last."""
    return world.checker.view(HypControl).on[pcpu].hcr


def has_fired(world: VgicWorld, v: int) -> bool:
    """Whether a VCPU's virtual timer fired since its line was lowered or its interrupt ended."""
    return world.checker.view(FiredTimers).of[v].fired


def ptimer_fires(world: VgicWorld, v: int) -> bool:
    """Whether a VCPU's physical timer, as its guest programmed it, asserts its interrupt."""
    return world.checker.view(GuestTimers).fires(v, PTIMER)
