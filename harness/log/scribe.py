"""Makes the lines of an execution's log of what a recorder noted, some hundred notes at a time.

To note what happened takes next to nothing; numbering, clocks, lives and lines then come in one go,
which is much faster than a line here and a step of the execution there.
"""

from collections import defaultdict
from typing import Any

from harness.contract import Op
from harness.engine.slot import Slot
from harness.log.clocks import VectorClocks
from harness.log.lines import Moment, fact_lines, make_step
from harness.log.lives import Lives
from harness.log.writer import LogFile, MemoryLog, ordered
from model.facts import Fact

__all__ = ["BARRIER", "ENGINE_TASK", "FACT", "PHASES", "REST", "Note", "Scribe"]

PHASES = ("search", "drain", "nudged")
ENGINE_TASK = "engine"
"""The task named in facts that the engine causes itself: the preemptions of the drain."""
FACT, REST, BARRIER = "fact", "rest", "barrier"

Note = tuple[Slot | str, Any, int, int, int, int, int | None, int | None]
"""Something that happened. Of a step: the task, its operation, what its guard reads, and when; of a
fact, a rest or a barrier: which of these, the fact, and when. When is virtual time, number of the
step, phase, and the pCPU and VCPU that the acting task is on."""


class Scribe:
    """Turns notes into lines, and numbers and counts all lines of the log.

    ``events`` counts facts, ``counts`` lines by kind.
    """

    def __init__(self, log: LogFile | MemoryLog, tasks: int) -> None:
        self.log = log
        self.clocks = VectorClocks(tasks)
        self.lives = Lives()
        self.seq = 0
        self.events = 0
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.moment = Moment()
        self.moment.task = ENGINE_TASK
        self.moment.vc = self.clocks.zero

    def number(self, event: str) -> int:
        """Number the next line, and count it."""
        self.seq += 1
        self.counts[event] += 1
        return self.seq

    def write(self, event: str, **fields: Any) -> None:
        """Write a line that is no step and no fact.

        Raises:
            UsageError: the log cannot be written.

        """
        self.log.write(event, seq=self.number(event), **fields)

    def take(self, notes: list[Note]) -> None:
        """Write the lines of notes, in their order.

        Raises:
            UsageError: the log cannot be written.

        """
        moment, lines = self.moment, []
        for what, said, guard_reads, t, step, phase, pcpu, vcpu in notes:
            moment.t, moment.step, moment.pcpu, moment.vcpu = t, step, pcpu, vcpu
            if what is FACT:
                lines.append(self.fact(said))
            elif what is REST:
                fields = {"seq": self.number(REST), "t": t, "step": step, "task": ENGINE_TASK}
                lines.append(ordered(REST, {**fields, "phase": PHASES[phase]}))
            elif what is BARRIER:
                # The engine itself preempts everyone; no task does.
                moment.task = ENGINE_TASK
                moment.vc = self.clocks.barrier()
            else:
                moment.phase = PHASES[phase]
                lines.append(self.step(what, said, guard_reads))  # type: ignore[arg-type]
        self.log.put_all(lines)

    def step(self, slot: Slot, op: Op, guard_reads: int) -> Any:
        """Return the line of a step that was chosen."""
        moment = self.moment
        moment.task = slot.name
        moment.op = op.name
        moment.vc = self.clocks.step(slot.index, op.reads | guard_reads, op.writes)
        self.seq = moment.seq = self.seq + 1
        self.counts["step"] += 1
        made = make_step(moment.pcpu is not None, moment.vcpu is not None)
        return made[0](*made[1](moment))

    def fact(self, fact: Fact) -> Any:
        """Return the line of a fact emitted in the current step."""
        moment = self.moment
        lines = fact_lines(type(fact))
        whose = self.lives.hear(fact)
        moment.life = None
        if whose is not None and lines.is_about:
            moment.life = self.lives.numbers.get(whose, 0)
        moment.fact = fact
        self.events += 1
        self.seq = moment.seq = self.seq + 1
        self.counts[lines.kind] += 1
        return lines.line(moment)
