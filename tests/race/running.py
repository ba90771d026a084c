"""Running many schedules in a test, without the campaign's machinery; and looking at a world.

What a test asks about a world in mid-run, as facts tell it, it asks by the functions at the end.
"""

from collections.abc import Iterator

import msgspec

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Outcome
from harness.kvm.kvm import Kvm
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
) -> VgicWorld:
    """A world for the direct engine, of any class of hypervisor."""
    spec = RunSpec.make(scenario, kvm.era, lrs=lrs, knobs=dict(knobs))
    loaded = load_scenario(scenario)
    if "preemptions" in dict(knobs):
        loaded = msgspec.structs.replace(loaded, preemptions=int(dict(knobs)["preemptions"]))
    return VgicWorld(
        loaded, spec.config(loaded), kvm, variant=kvm.era, task_class=DirectTask, rules=rules
    )


def outcomes(world: VgicWorld, schedules: int, *, audited: int = 15) -> Iterator[Outcome]:
    """Run schedules 0, 1, ... and yield how each ended; footprints of the first are audited."""
    engine = DirectEngine()
    for i in range(schedules):
        if i < audited:
            execution: Execution = AuditedExecution(world, strategy(i), world.resources)
        else:
            execution = Execution(world, strategy(i))
        outcome = engine.execute(execution)
        assert outcome is not None
        yield outcome


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
