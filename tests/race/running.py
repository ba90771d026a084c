"""Running many schedules in a test, without the campaign's machinery."""

from collections.abc import Iterator

import msgspec
from harness.kvm.flow import Kvm

from harness.contract import Strategy
from harness.engine.direct_engine import DirectEngine, DirectTask
from harness.engine.execution import Execution, Outcome
from harness.engine.footprint import AuditedExecution
from harness.spec import RunSpec, load_scenario
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk
from harness.world import VgicWorld


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
