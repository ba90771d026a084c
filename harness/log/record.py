"""Runs a schedule again with everything written down."""

from collections import defaultdict
from collections.abc import Generator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.contract import Op
from harness.engine.engines import make_engine
from harness.engine.execution import Execution, Outcome
from harness.engine.schedule import Schedule
from harness.engine.slot import NUDGED, SEARCH, Slot
from harness.log.chain import execution_id, project_chain
from harness.log.clocks import VectorClocks
from harness.log.flat import violation_fields
from harness.log.lines import Moment, fact_lines, make_step
from harness.log.lives import Lives
from harness.log.registry import FORMAT
from harness.log.writer import LogFile, MemoryLog
from harness.origin import scenario_digest
from harness.spec import RunSpec
from harness.strategies.replay import Divergence, Replay
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED
from model.facts import KINDS, Fact

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["Recorded", "record", "remember", "verdict_of"]

PHASES = ("search", "drain", "nudged")
ENGINE_TASK = "engine"
"""The task named in facts that the engine causes itself: the preemptions of the drain."""


class Recorded(msgspec.Struct, frozen=True):
    """A recorded execution: how it ended, whether it was the same one, and where its log is.

    ``plain`` is the log as it was before the project's chain changed it; None if there is none.
    """

    outcome: Outcome
    divergence: Divergence | None
    path: Path
    plain: bytes | None = None

    @property
    def verdict(self) -> str:
        """The verdict of this one execution."""
        return verdict_of(self.outcome)


def verdict_of(outcome: Outcome) -> str:
    """Return the verdict of one execution: a bound makes it inconclusive."""
    if outcome.violations:
        return VIOLATED
    return INCONCLUSIVE if outcome.bound else CLEAN


def record(
    spec: RunSpec,
    schedule: Schedule,
    path: Path,
    *,
    engine: str = "direct",
    seed: int | None = None,
    exact: bool = False,
) -> Recorded:
    """Run ``schedule`` again and write its log to ``path``, or to the next free name like it.

    With ``exact``, a taken name is an error. ``seed`` is only noted in the header: the schedule
    alone decides what happens.

    Raises:
        UsageError: the log cannot be written, or the project's chain cannot be had.

    """
    log = LogFile(path, exact=exact, chain=project_chain())
    try:
        outcome, divergence = run_into(log, spec, schedule, engine, seed)
        done = log.commit()
    except BaseException:
        log.abandon()
        raise
    plain = None if log.plain is None else log.plain.data()
    return Recorded(outcome=outcome, divergence=divergence, path=done, plain=plain)


def remember(
    spec: RunSpec, schedule: Schedule, path: Path, *, engine: str, seed: int | None
) -> tuple[Recorded, bytes]:
    """Do as :func:`record` without a file: ``path`` is only noted. The log's bytes come, too."""
    log = MemoryLog()
    outcome, divergence = run_into(log, spec, schedule, engine, seed)
    return Recorded(outcome=outcome, divergence=divergence, path=path), log.data()


def run_into(
    log: LogFile | MemoryLog, spec: RunSpec, schedule: Schedule, engine: str, seed: int | None
) -> tuple[Outcome, Divergence | None]:
    """Run ``schedule`` and write everything to ``log``."""
    driver = make_engine(engine)
    world = spec.build(driver.task_class)
    strategy = Replay(schedule.choices)
    execution = Execution(world, strategy)
    outcomes: list[Outcome] = []

    def once() -> "Generator[Execution, Outcome | None, None]":
        outcome = yield execution
        assert outcome is not None
        outcomes.append(outcome)

    log.bind(
        {slot.name: str(slot.actor) for slot in world.slots},
        scenario=spec.scenario,
        variant=spec.variant,
        execution=execution_id(str(schedule)),
    )
    recorder = Recorder(world, execution, log)
    recorder.header(spec, schedule, seed)
    driver.drive(once())
    recorder.footer(outcomes[0])
    return outcomes[0], strategy.divergence


@cache
def program_version() -> str:
    """Return the version of vgic-race; looking it up takes as long as a hundred steps."""
    try:
        return metadata.version("vgic-race")
    except metadata.PackageNotFoundError:
        return "unknown"


class Recorder:
    """Listens to an execution and writes its log."""

    def __init__(self, world: "VgicWorld", execution: Execution, log: LogFile | MemoryLog) -> None:
        self.world = world
        self.execution = execution
        self.log = log
        self.machine = world.machine
        self.clocks = VectorClocks(len(world.slots))
        self.lives = Lives()
        self.seq = 0
        self.events = 0
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.current: Slot | None = None
        self.phase = SEARCH
        self.moment = Moment()
        self.moment.task = ENGINE_TASK
        self.moment.vc = self.clocks.zero
        check = world.checker.emit

        def tell(fact: Fact) -> None:
            self.on_fact(fact)
            check(fact)

        # Straight from the machine: to subscribe would have the Checker sort its table again.
        world.machine.tell(tell)
        execution.observer = self.on_step
        world.on_rest = self.on_rest

    def next(self, event: str) -> int:
        """Number the next line, and count it."""
        self.seq += 1
        self.counts[event] += 1
        return self.seq

    def header(self, spec: RunSpec, schedule: Schedule, seed: int | None) -> None:
        """Write the first line."""
        world = self.world
        self.log.write(
            "header",
            seq=self.next("header"),
            format=FORMAT,
            version=program_version(),
            scenario=spec.scenario,
            scenario_digest=scenario_digest(world.scenario),
            variant=spec.variant,
            era=world.checker.era,
            seed=seed,
            schedule=str(schedule),
            setting=world.checker.setting,
            knobs=[f"{name}={value}" for name, value in spec.knobs],
            tasks=[slot.name for slot in world.slots],
            facts=list(KINDS),
            rules=world.checker.checked,
        )

    def locate(self, slot: Slot | None) -> None:
        """Note the pCPU and the VCPU that a task works on and for, as far as it has them now."""
        moment = self.moment
        moment.pcpu = moment.vcpu = None
        if slot is None:
            return
        actor, machine = slot.actor, self.machine
        kind = actor.kind
        if kind == "vcpu":
            c = machine.threads[actor.vcpu].cpu
            if c >= 0 and machine.pcpus[c].owner == actor.vcpu:
                moment.pcpu = c
        elif kind == "soft-timer":
            hrtimer = machine.hrtimers[actor.vcpu, actor.n]
            if hrtimer.armed or hrtimer.running:
                moment.pcpu = hrtimer.cpu
        elif kind == "host-irq" and (v := machine.pcpus[actor.pcpu].running_vcpu) >= 0:
            moment.pcpu, moment.vcpu = actor.pcpu, v
            return
        if actor.pcpu >= 0:
            moment.pcpu = actor.pcpu
        if actor.vcpu >= 0:
            moment.vcpu = actor.vcpu

    def on_step(self, slot: Slot, op: Op) -> None:
        """Write the line of a step that was chosen."""
        execution, moment = self.execution, self.moment
        self.current = slot
        self.phase = execution.phase
        moment.task = slot.name
        moment.op = op.name
        moment.phase = PHASES[self.phase]
        moment.vc = self.clocks.step(slot.index, op.reads | slot.guard_reads, op.writes)
        moment.t = self.machine.clock.now
        moment.step = execution.steps
        moment.seq = self.next("step")
        self.locate(slot)
        made = make_step(moment.pcpu is not None, moment.vcpu is not None)
        self.log.put(made[0](*made[1](moment)))

    def on_fact(self, fact: Fact) -> None:
        """Write the line of a fact emitted in the current step."""
        moment = self.moment
        if self.execution.phase == NUDGED and self.phase != NUDGED:
            # The engine itself preempts everyone; no task does.
            self.phase = NUDGED
            self.current = None
            moment.task = ENGINE_TASK
            moment.vc = self.clocks.barrier()
        self.events += 1
        lines = fact_lines(type(fact))
        whose = self.lives.hear(fact)
        moment.life = None
        if whose is not None and lines.is_about:
            moment.life = self.lives.numbers.get(whose, 0)
        moment.fact = fact
        moment.t = self.machine.clock.now
        moment.step = self.execution.steps
        moment.seq = self.next(lines.kind)
        self.locate(self.current)
        self.log.put(lines.line(moment))

    def on_rest(self) -> None:
        """Write that no task can go any more: the rules are now asked what is owed."""
        self.log.write(
            "rest",
            seq=self.next("rest"),
            t=self.machine.clock.now,
            step=self.execution.steps,
            task=ENGINE_TASK,
            phase=PHASES[self.execution.phase],
        )

    def footer(self, outcome: Outcome) -> None:
        """Write the violations and the last line."""
        now = self.machine.clock.now
        for violation in outcome.violations:
            self.log.write(
                "violation",
                seq=self.next("violation"),
                t=now,
                **violation_fields(violation),
            )
        seq = self.next("footer")
        self.log.write(
            "footer",
            seq=seq,
            t=now,
            verdict=verdict_of(outcome),
            bound=outcome.bound,
            violations=[violation.rule for violation in outcome.violations],
            steps=outcome.steps,
            events=self.events,
            dropped=0,
            **{f"count.{kind}": count for kind, count in sorted(self.counts.items())},
        )
