"""Checks the rules over a trace: facts from ``harness.trace.facts``, the Checker of all producers.

What was found counts only if the trace is from where the rules hold, which may come out at its end
(``harness.trace.ground``); what was found while events were being lost does not count.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from harness.trace.events import BufferStarted, Lost
from harness.trace.facts import Producer
from harness.trace.ground import CHECKED, ERA, Ground, Witness
from harness.trace.life import Lives, stamp
from harness.trace.line import Counts, Record, records
from harness.trace.source import Source
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED
from model.check.checker import Checker
from model.check.setting import Forwarded, Setting
from model.check.state import MembersPart
from model.check.violation import Violation
from model.facts.traced import Gap
from model.messages import VTIMER_PPI
from model.rules.registry import RULES, TRACED

__all__ = ["Found", "Report", "check_lines", "check_trace"]

FOUND_MAX = 10_000
"""So many violations are kept."""
LIVES_MAX = 3
"""With so many of each rule and alarm, the life of the interrupt."""
LRS_MIN = 4
"""No GIC that KVM runs on is known to have fewer List Registers."""
LATE = ("T16", "late")
UNREPORTED = ("T3", "unreported")
"""Counts where loads report levels: old kernels do not."""
LATE_MIN = 2
"""One late deadline may be the host's: it was held up while it worked it out."""


class Found(NamedTuple):
    """A violation: when it was seen (ns), in which line, and the life of what it is about."""

    violation: Violation
    time: int
    line: int
    life: list[str]


class Report(msgspec.Struct):
    """What checking a trace came to.

    ``checked`` are the ids of the rules that were checked, ``not_checked`` says of each other one
    which facts are missing, or which assumption does not hold. ``withdrawn`` counts what was found
    where events were being lost; ``more`` what was found beyond what is kept.
    """

    name: str
    counts: Counts
    verdict: str
    found: list[Found]
    checked: list[str]
    not_checked: dict[str, tuple[str, ...]]
    damage: str = ""
    cut: bool = False
    withdrawn: int = 0
    more: int = 0


class Judge:
    """Holds a Checker and gives it facts; makes a larger one when more CPUs or VCPUs are seen."""

    def __init__(self) -> None:
        self.producer = Producer()
        self.witness = Witness()
        self.lives = Lives()
        self.found: list[Found] = []
        self.shown: dict[tuple[str, str], int] = {}
        self.last_line: dict[int, int] = {}
        self.withdrawn = 0
        self.more = 0
        self.pcpus = self.vcpus = 2
        self.mapped = 0
        self.checker = self.make()

    def make(self) -> Checker:
        """Return a Checker of this size."""
        mapped = self.producer.scene.irqs.mapped
        forwards = tuple(
            Forwarded(intid, vintid, 0, 0, level=True)
            for vintid, intid in sorted(mapped.items())
            if (vintid, intid) != (VTIMER_PPI, VTIMER_PPI)
        )
        setting = Setting(self.pcpus, self.vcpus, LRS_MIN, forwards=forwards)
        return Checker(setting, ERA, rules=CHECKED.values(), states=(), from_start=False)

    def grow(self, cpu: int) -> None:
        """Go on with a Checker that is large enough, and knows what this one knows."""
        while self.pcpus <= cpu:
            self.pcpus *= 2
        while self.vcpus < self.producer.scene.threads.top:
            self.vcpus *= 2
        self.mapped = self.producer.registers.mapped
        old, self.checker = self.checker, self.make()
        parts = dict(self.checker.parts)
        for name, part in old.parts:
            if isinstance(part, MembersPart):
                parts[name].restore(part.key())
            else:
                part.copy_to(parts[name])

    def read(self, record: Record) -> None:
        """Judge an event."""
        producer = self.producer
        facts = producer.read(record)
        cpu = record.where.cpu
        if (
            cpu >= self.pcpus
            or producer.scene.threads.top > self.vcpus
            or producer.registers.mapped != self.mapped
        ):
            self.grow(cpu)
        if isinstance(record.event, Lost | BufferStarted):
            self.lost(record.event)
        elif cpu >= 0:
            self.last_line[cpu] = record.line
        checker, witness, lives = self.checker, self.witness, self.lives
        for fact in facts:
            witness.hear(fact)
            lives.hear(record.time, record.line, fact)
            if fact.__class__ is Gap:
                checker.forget()
                continue
            checker.emit(fact)
            if checker.violations:
                self.take(record)

    def take(self, record: Record) -> None:
        """Keep what was found."""
        for violation in self.checker.violations:
            key = (violation.rule, violation.alarm)
            shown = self.shown[key] = self.shown.get(key, 0) + 1
            subject = violation.subject
            life: list[str] = []
            if shown <= LIVES_MAX:
                vcpu = subject.vcpu
                if vcpu < 0:
                    vcpu = self.lives.on.get(subject.pcpu, -1)
                here = f"{stamp(record.time, record.line)}>> {violation.rule}: {violation.alarm}"
                life = self.lives.view(vcpu, max(subject.vintid, subject.intid), here)
            if len(self.found) < FOUND_MAX:
                self.found.append(Found(violation, record.time, record.line, life))
            else:
                self.more += 1
        self.checker.violations.clear()

    def lost(self, event: Lost | BufferStarted) -> None:
        """What was found while this CPU's events were missing does not count."""
        since = 0 if isinstance(event, BufferStarted) else self.last_line.get(event.cpu, 0)
        kept = [x for x in self.found if x.line <= since]
        self.withdrawn += len(self.found) - len(kept)
        self.found = kept


def check_trace(name: str, only: frozenset[str] | None = None) -> Report:
    """Check a trace: a file, or ``-`` for standard input. ``only``: these rules (None: all).

    Raises:
        UsageError: it cannot be read, or is no trace.

    """
    with Source(name) as source:
        report = check_lines(source, name, only)
        if not (report.counts.events or report.counts.comments or report.counts.loss_marks):
            raise source.bad("there is no event of ftrace in it")
        report.damage, report.cut = source.damage, source.cut
    if source.damage and report.verdict == CLEAN:
        report.verdict = INCONCLUSIVE
    return report


def check_lines(lines: Iterable[bytes], name: str, only: frozenset[str] | None = None) -> Report:
    """Check the lines of a trace, which ``name`` names; ``only`` these rules (None: all)."""
    counts = Counts()
    judge = Judge()
    for record in records(lines, counts):
        judge.read(record)
    ground = Ground(judge.producer.scene, counts, judge.witness)
    checked: list[str] = []
    not_checked: dict[str, tuple[str, ...]] = {}
    for rule in (*RULES.values(), *TRACED.values()):
        if ERA not in rule.eras or (only is not None and rule.id not in only):
            continue
        why = ground.why_not(rule)
        if why:
            not_checked[rule.id] = why
        else:
            checked.append(rule.id)
    late = sum((x.violation.rule, x.violation.alarm) == LATE for x in judge.found)
    doubted = set() if late >= LATE_MIN else {LATE}
    if not judge.producer.scene.load_reports:
        doubted.add(UNREPORTED)
    found = [
        x
        for x in judge.found
        if x.violation.rule in checked and (x.violation.rule, x.violation.alarm) not in doubted
    ]
    verdict = VIOLATED if found else CLEAN if checked else INCONCLUSIVE
    return Report(
        name, counts, verdict, found, checked, not_checked,
        withdrawn=judge.withdrawn, more=judge.more,
    )  # fmt: skip
