"""An execution as a reader follows it: turn by turn, each with who makes it and what came of it.

Made of a log alone. A log names tasks by their short names; who they are (of which CPU, VCPU or
device) is asked of the world that the log's schedule builds, where that can still be built.
"""

from collections.abc import Iterator

import msgspec

from harness.errors import UsageError
from harness.log.lives import Life, Lives
from harness.log.reader import Entry, Log
from harness.log.registry import Header, Rest, Step, ViolationLine
from harness.log.scribe import ENGINE_TASK
from model.check.violation import VIOLATION, Violation
from model.facts import Fact
from model.identity import Actor

__all__ = ["Course", "Turn", "Who", "actors_of", "course_of"]

ENGINE = Actor("engine")
REST = "rest"
UNKNOWN = "task"
"""The kind of an actor of which nothing is known but its name."""


class Who(msgspec.Struct, frozen=True):
    """Who makes turns: the ``task`` as schedules name it, and the ``actor`` it is.

    The actor's kind is "task" where the world of a log cannot be built any more.
    """

    task: str
    actor: Actor


class Turn(msgspec.Struct, frozen=True):
    """A step, or what the engine itself does at rest, with the facts that came of it.

    Attributes:
        index: the position in the course, from 0.
        number: the number of the step, from 1; the engine's turns have that of the step before.
        t: the virtual time after it, in ns.
        who: whose turn it is.
        op: the name of the operation; of the engine "rest" or "preempt".
        phase: "search", "drain" or "nudged".
        pcpu: on which physical CPU (-1: none).
        vcpu: for which virtual CPU (-1: none).
        facts: what came of it, in order.
        lives: for each fact, the interrupt that it is about and which of its lives, or None.

    """

    index: int
    number: int
    t: int
    who: Who
    op: str
    phase: str
    pcpu: int
    vcpu: int
    facts: tuple[Fact, ...]
    lives: tuple[Life | None, ...]

    @property
    def told(self) -> Iterator[tuple[Fact, Life | None]]:
        """Each fact with the interrupt it is about."""
        return zip(self.facts, self.lives, strict=True)


class Course(msgspec.Struct, frozen=True):
    """A whole execution: what it ran, its turns, and the violations, the first one first.

    ``bound`` names the bound that was reached, or is empty; ``complete`` says that the log has its
    end.
    """

    header: Header
    turns: tuple[Turn, ...]
    violations: tuple[Violation, ...]
    verdict: str
    bound: str = ""
    complete: bool = True

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return self.turns[-1].number if self.turns else 0

    @property
    def violation(self) -> Violation | None:
        """The first rule that was broken, if one was."""
        return self.violations[0] if self.violations else None

    def at(self, step: int) -> int:
        """Return the index of the turn that is step ``step``; of the last one before, if none."""
        found = 0
        for turn in self.turns:
            if turn.number > step:
                break
            if turn.who.actor != ENGINE or turn.number < step:
                found = turn.index
        return found

    @property
    def end(self) -> int:
        """The index of the turn at which the first rule was broken; of the last one if none was.

        What is owed is found at rest, which is the engine's turn.
        """
        violation = self.violation
        last = len(self.turns) - 1
        if violation is None:
            return last
        if violation.type != VIOLATION:
            rests = (t.index for t in self.turns if t.op == REST and t.number >= violation.step)
            return next(rests, last)
        return last if violation.step >= self.steps else self.at(violation.step)


def actors_of(header: Header) -> dict[str, Actor]:
    """Return who each task of a log is; those that cannot be told are of kind "task".

    It builds the world that the log's schedule names, and so loads its variant.
    """
    from harness.campaign.crash import naming_variant
    from harness.engine.direct_engine import DirectEngine
    from harness.engine.schedule import Schedule
    from harness.spec import RunSpec

    known: dict[str, Actor] = {}
    try:
        spec = RunSpec.from_schedule(Schedule.parse(header.schedule))
        with naming_variant(spec):
            world = spec.build(DirectEngine.task_class)
        known = {slot.name: slot.actor for slot in world.slots}
    except UsageError:
        # The scenario or the variant is not here, or is another: the names must do.
        known = {}
    return {name: known.get(name, Actor(UNKNOWN)) for name in header.tasks}


def course_of(log: Log, actors: dict[str, Actor] | None = None) -> Course:
    """Return the course of a log; one that ends early goes as far as it goes.

    Args:
        log: the log.
        actors: who its tasks are; None: :func:`actors_of` is asked.

    Raises:
        UsageError: it has no step.

    """
    if not any(isinstance(entry.record, Step) for entry in log.entries):
        raise UsageError("the log has no step: there is nothing to tell of it")
    known = actors_of(log.header) if actors is None else actors
    footer = log.footer
    violations = tuple(r.violation for _, r in log.entries if isinstance(r, ViolationLine))
    return Course(
        header=log.header,
        turns=tuple(Turns(known).of(log.entries)),
        violations=violations,
        verdict=footer.verdict if footer else "inconclusive",
        bound=footer.bound if footer else "",
        complete=footer is not None,
    )


class Turns:
    """Puts the lines of a log together to turns."""

    def __init__(self, actors: dict[str, Actor]) -> None:
        self.whos = {name: Who(name, actor) for name, actor in actors.items()}
        self.whos[ENGINE_TASK] = Who(ENGINE_TASK, ENGINE)
        self.lives = Lives()
        self.count = 0

    def of(self, entries: list[Entry]) -> Iterator[Turn]:
        """Yield the turns of the entries, in order."""
        head: Entry | None = None
        facts: list[Fact] = []
        for entry in entries:
            record = entry.record
            if isinstance(record, ViolationLine):
                continue
            begins = isinstance(record, Step | Rest)
            # The engine's own preemptions come between two rests, without a step.
            begins |= head is not None and entry.meta.task != head.meta.task
            if begins or head is None:
                if head is not None:
                    yield self.turn(head, facts)
                head, facts = entry, []
            if isinstance(record, Fact):
                facts.append(record)
        if head is not None:
            yield self.turn(head, facts)

    def turn(self, head: Entry, facts: list[Fact]) -> Turn:
        """Make the turn that begins with ``head``."""
        meta, record = head
        self.count += 1
        step = isinstance(record, Step)
        phase = record.phase if isinstance(record, Step | Rest) else "nudged"
        return Turn(
            index=self.count - 1,
            number=meta.step,
            t=meta.t,
            who=self.whos.get(meta.task) or Who(meta.task, Actor(UNKNOWN)),
            op=record.op if isinstance(record, Step) else meta.event if not facts else "preempt",
            phase=phase,
            pcpu=-1 if meta.pcpu is None or not step else meta.pcpu,
            vcpu=-1 if meta.vcpu is None or not step else meta.vcpu,
            facts=tuple(facts),
            lives=tuple(self.lives.of(fact) for fact in facts),
        )
