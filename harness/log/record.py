"""Runs a schedule again with everything written down."""

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
from harness.log.flat import violation_fields
from harness.log.registry import FORMAT
from harness.log.scribe import BARRIER, FACT, REST, Note, Scribe
from harness.log.writer import LogFile, MemoryLog
from harness.origin import scenario_digest
from harness.spec import RunSpec
from harness.strategies.replay import Divergence, Replay
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED
from model.facts import KINDS, Fact

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["Recorded", "record", "remember", "verdict_of"]

NOTES_MAX = 1_000
"""So many notes are turned into lines at once."""


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
    try:
        driver.drive(once())
    except BaseException:
        recorder.settle()  # for what there is of the log
        raise
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
    """Listens to an execution, notes what happens, and has its log written."""

    def __init__(self, world: "VgicWorld", execution: Execution, log: LogFile | MemoryLog) -> None:
        self.world = world
        self.execution = execution
        self.machine = world.machine
        self.clock = world.machine.clock
        self.scribe = Scribe(log, len(world.slots))
        self.notes: list[Note] = []
        self.current: Slot | None = None
        self.phase = SEARCH
        check = world.checker.emit

        def tell(fact: Fact) -> None:
            self.on_fact(fact)
            check(fact)

        # Straight from the machine: to subscribe would have the Checker sort its table again.
        world.machine.tell(tell)
        execution.observer = self.on_step
        world.on_rest = self.on_rest

    def header(self, spec: RunSpec, schedule: Schedule, seed: int | None) -> None:
        """Write the first line."""
        world = self.world
        self.scribe.write(
            "header",
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

    def where(self, slot: Slot | None) -> tuple[int | None, int | None]:
        """Return the pCPU and the VCPU that a task works on and for, as far as it has them now."""
        if slot is None:
            return None, None
        actor, machine = slot.actor, self.machine
        kind, v, c = actor.kind, actor.vcpu, actor.pcpu
        if kind == "host-irq":
            running = machine.pcpus[c].running_vcpu
            return c, running if running >= 0 else None
        if kind == "vcpu":
            on = machine.threads[v].cpu
            return (on if on >= 0 and machine.pcpus[on].owner == v else None), v
        if kind == "soft-timer":
            hrtimer = machine.hrtimers[v, actor.n]
            return (hrtimer.cpu if hrtimer.armed or hrtimer.running else None), v
        return (c if c >= 0 else None), (v if v >= 0 else None)

    def on_step(self, slot: Slot, op: Op) -> None:
        """Note a step that was chosen."""
        execution, notes = self.execution, self.notes
        self.current = slot
        self.phase = phase = execution.phase
        when = (self.clock.now, execution.steps, phase)
        notes.append((slot, op, slot.guard_reads, *when, *self.where(slot)))
        if len(notes) >= NOTES_MAX:
            self.settle()

    def on_fact(self, fact: Fact) -> None:
        """Note a fact emitted in the current step."""
        execution = self.execution
        when = (self.clock.now, execution.steps, execution.phase)
        if execution.phase == NUDGED and self.phase != NUDGED:
            self.phase = NUDGED
            self.current = None
            self.notes.append((BARRIER, None, 0, *when, None, None))
        self.notes.append((FACT, fact, 0, *when, *self.where(self.current)))

    def on_rest(self) -> None:
        """Note that no task can go any more: the rules are now asked what is owed."""
        when = (self.clock.now, self.execution.steps, self.execution.phase)
        self.notes.append((REST, None, 0, *when, None, None))

    def settle(self) -> None:
        """Have the lines written of what was noted so far.

        Raises:
            UsageError: the log cannot be written.

        """
        notes, self.notes = self.notes, []
        self.scribe.take(notes)

    def footer(self, outcome: Outcome) -> None:
        """Write what is left, the violations and the last line."""
        self.settle()
        scribe, now = self.scribe, self.clock.now
        for violation in outcome.violations:
            scribe.write("violation", t=now, **violation_fields(violation))
        counts = {**scribe.counts, "footer": 1}
        scribe.write(
            "footer",
            t=now,
            verdict=verdict_of(outcome),
            bound=outcome.bound,
            violations=[violation.rule for violation in outcome.violations],
            steps=outcome.steps,
            events=scribe.events,
            dropped=0,
            **{f"count.{kind}": count for kind, count in sorted(counts.items())},
        )
