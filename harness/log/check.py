"""Checks the rules over a stored log again, and runs nothing: the header has all that it takes.

What the engine has to do with a verdict is done here as it does it: the first violation ends an
execution at the next scheduling point, and what is owed is asked when no task can go any more,
before and after every VCPU had an unrelated exit (``rest`` lines).
"""

from typing import NamedTuple

from harness.errors import UsageError
from harness.log.reader import Log
from harness.log.registry import Header, Rest, Step, ViolationLine
from harness.user_rules import ids_of, load_rule, own_of
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED
from model.check.checker import Checker
from model.check.rule import EVENTUALLY
from model.check.violation import Violation, classify_late_or_lost
from model.facts import KINDS, Fact
from model.rules.registry import RULES

__all__ = ["Found", "Result", "check_log"]

REST = "rest"


class Found(NamedTuple):
    """A violation, and the number of the line at which it was seen."""

    violation: Violation
    line: int


class Result(NamedTuple):
    """What checking a log again came to.

    ``checked`` are the ids of the rules that were checked, ``not_checked`` has those that hold here
    and were not, with the kinds of lines that the log lacks ("rest": the log does not come to where
    the rule is asked). ``agrees`` compares with what the log says of its own execution, as far as
    both looked at the same rules: None if there is nothing to compare, and ``why`` in words.
    """

    verdict: str
    found: list[Found]
    checked: list[str]
    not_checked: dict[str, tuple[str, ...]]
    agrees: bool | None
    why: str


def check_log(log: Log, rules: frozenset[str] | None = None) -> Result:
    """Check ``rules`` (None: all) over a log; one that is cut off is checked as far as it goes."""
    checker = checker_for(log.header, rules)
    hearing = Hearing(checker)
    hearing.hear(log)
    found = hearing.found
    not_checked = dict(checker.not_checked)
    if not found and not hearing.rests:
        late = [rule.id for rule in checker.rules if rule.kind == EVENTUALLY]
        not_checked |= dict.fromkeys(late, (REST,))
    checked = [name for name in checker.checked if name not in not_checked]
    if found:
        verdict = VIOLATED
    elif log.footer is None or log.footer.bound or not checked:
        verdict = INCONCLUSIVE
    else:
        verdict = CLEAN
    order = [cls.id for cls in checker.rule_classes]
    return Result(
        verdict,
        found,
        checked,
        {name: not_checked[name] for name in sorted(not_checked, key=order.index)},
        *compare(log, verdict, found, frozenset(checked)),
    )


def checker_for(header: Header, rules: frozenset[str] | None) -> Checker:
    """Return the Checker of a log's machine, hypervisor and kinds of facts.

    Without ``rules`` it has the user's own that the log's schedule names.

    Raises:
        UsageError: one of the user's cannot be had.

    """
    kinds = None if header.is_whole else frozenset(KINDS[kind] for kind in header.facts)
    own = named_in(header) if rules is None else own_of(rules)
    return Checker(
        header.setting, header.era, rules=(*RULES.values(), *map(load_rule, own)), states=(),
        kinds=kinds, only=None if rules is None else ids_of(rules),
    )  # fmt: skip


def named_in(header: Header) -> tuple[str, ...]:
    """Return the names of the user's rules that a log was recorded with."""
    if RULES.keys() >= set(header.rules):
        return ()
    from harness.engine.schedule import Schedule  # it has what runs: checking a log needs none

    try:
        return Schedule.parse(header.schedule).own
    except UsageError:
        return ()  # the project's chain may have hidden it


class Hearing:
    """Tells a Checker the facts of a log, and does the engine's part; ``found`` is the verdict.

    ``rests`` counts how often no task could go.
    """

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        checker.step = lambda: self.step
        self.step = 0
        self.line = 0
        self.heard = 0
        """How many of the Checker's violations were noted."""
        self.rests = 0
        self.late: list[Violation] = []
        self.nudging = False
        """Between the first rest and the next step the engine does not look for violations."""
        self.found: list[Found] = []

    def hear(self, log: Log) -> None:
        """Hear a log to its end, or to where the first violation ends the execution."""
        for meta, record in log.entries:
            self.step, self.line = meta.step, meta.seq
            if isinstance(record, Fact):
                self.checker.emit(record)
                self.take(self.checker.violations[self.heard :])
                self.heard = len(self.checker.violations)
            elif isinstance(record, Step | Rest):
                if self.found and not self.nudging:
                    return
                self.nudging = False
                if isinstance(record, Rest):
                    self.rest()
        if self.late and self.rests == 1 and not (log.footer and log.footer.bound):
            # It is owed; whether an unrelated exit would have helped, the log does not tell.
            self.take(self.late)

    def rest(self) -> None:
        """Ask what is owed: the first time it may be late only, the second time it is lost."""
        self.rests += 1
        owed = self.checker.at_rest()
        if self.rests == 1:
            self.late, self.nudging = owed, bool(owed)
        elif self.rests == 2:
            self.take(classify_late_or_lost(self.late, owed))

    def take(self, violations: list[Violation]) -> None:
        """Note violations that were seen at the current line."""
        self.found += [Found(violation, self.line) for violation in violations]


def compare(
    log: Log, verdict: str, found: list[Found], checked: frozenset[str]
) -> tuple[bool | None, str]:
    """Hold what was found against what the log says of itself; return ``agrees`` and ``why``."""
    footer = log.footer
    if footer is None:
        return None, "the log ends early and has no verdict of its own"
    own = [r.violation for _, r in log.entries if isinstance(r, ViolationLine)]
    if (footer.verdict == VIOLATED) != bool(own):
        return False, f"the log contradicts itself: {footer.verdict}, {len(own)} violations"
    both = checked & set(log.header.rules)
    if not both:
        return None, f"the log's own verdict, {footer.verdict}, is of other rules"
    new = [x.violation for x in found if x.violation.rule not in log.header.rules]
    if new:
        names = ", ".join(dict.fromkeys(x.rule for x in new))
        return None, f"the log's own verdict, {footer.verdict}, is without {names}"
    now = [x.violation for x in found if x.violation.rule in both]
    then = [violation for violation in own if violation.rule in both]
    if now != then:
        only_now = [f"only now: {said(x)}" for x in now if x not in then]
        only_then = [f"only then: {said(x)}" for x in then if x not in now]
        return False, "; ".join(only_now + only_then) or "the same violations in another order"
    if then != own:
        names = ", ".join(dict.fromkeys(x.rule for x in own if x.rule not in both))
        return None, f"the log's own verdict, {footer.verdict}, rests on {names}, not checked here"
    if verdict != footer.verdict:
        return False, f"the log's own verdict is {footer.verdict}"
    return True, ""


def said(violation: Violation) -> str:
    """Name a violation in a few words."""
    return f"{violation.rule} [{violation.alarm}] at step {violation.step}"
