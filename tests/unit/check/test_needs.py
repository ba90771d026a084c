"""What a rule needs is derived: a producer that lacks it cannot check the rule, and says so."""

import pytest

from model import facts
from model.check.alarm import alarm
from model.check.checker import Checker
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.views.guests import Guests
from model.check.views.timer_levels import TimerLevels
from model.check.violation import Violation
from model.facts import KINDS, Fact
from model.rules.registry import RULES
from tests.race.mutant import Mutant
from tests.unit.check.evidence import OLD_IN_THE_LONG_RUN, Evidence, broken, clean, judge, mutants

ALL = frozenset(KINDS.values())
UNUSED = {"request", "user-entry", "dir-trap", "recheck"}


class Toy(Rule):
    """A rule for these tests."""

    id = "toy"
    section = "none"
    title = "none"

    GONE = alarm("gone", "VCPU {vcpu} is gone")

    guests: Guests

    @on(facts.Halted)
    def on_halt(self, f: facts.Halted) -> None:
        if self.guests.of[f.vcpu].pcpu < 0:
            self.report(self.GONE, vcpu=f.vcpu)


def test_needs_are_those_of_the_handlers_and_of_the_views() -> None:
    assert Toy.needs() == {facts.Halted, facts.Entered, facts.Exited}


def test_a_view_that_is_not_named_cannot_be_reached() -> None:
    rule = Checker(Setting(), "v7.2", rules=[Toy]).rules[0]
    assert isinstance(rule, Toy)
    assert isinstance(rule.guests, Guests)
    assert not hasattr(rule, "levels")
    assert not any(isinstance(value, TimerLevels) for value in vars(rule).values())


def test_a_subclass_hears_what_it_overrides_and_names_more_views() -> None:
    class Other(Toy):
        id = "toy-2"
        levels: TimerLevels

        def on_halt(self, f: facts.Halted) -> None:
            """Say nothing."""

    assert Other.needs() == Toy.needs() | {facts.TimerRead, facts.VmReset}
    checker = Checker(Setting(), "v7.2", rules=[Other])
    checker.emit(facts.Halted(0))
    assert checker.violations == []


def test_missing_kinds_are_named() -> None:
    kinds: frozenset[type[facts.Fact]] = frozenset({facts.Halted, facts.Entered})
    checker = Checker(Setting(), "v7.2", rules=[Toy], kinds=kinds)
    assert checker.checked == []
    assert checker.not_checked == {"toy": ("exit",)}


def test_a_rule_of_another_era_is_neither_checked_nor_missed() -> None:
    class OfOne(Toy):
        id = "toy-3"
        eras = ("v4.14",)

    checker = Checker(Setting(), "v7.2", rules=[OfOne], kinds=frozenset())
    assert (checker.checked, checker.not_checked) == ([], {})


def without(kind: type[Fact], evidence: Evidence) -> tuple[Checker, list[Violation]]:
    """What is left of the verdict when the producer has no such facts, and says so."""
    checker = Checker(evidence.setting, evidence.era, kinds=ALL - {kind})
    items = tuple(item for item in evidence.items if item[1].__class__ is not kind)
    left = Evidence(evidence.setting, evidence.era, items, evidence.violations)
    return checker, judge(left, checker)


@pytest.mark.parametrize(("scenario", "era"), OLD_IN_THE_LONG_RUN)
def test_without_a_kind_of_fact_no_rule_cries(scenario: str, era: str) -> None:
    evidence = clean(scenario, era, 0)
    for kind in sorted(ALL, key=lambda kind: kind.KIND):
        checker, verdict = without(kind, evidence)
        assert verdict == []
        missed = {cls.id for cls in RULES.values() if kind in cls.needs()}
        assert set(checker.not_checked) <= missed
        assert not missed & set(checker.checked)


@pytest.mark.parametrize("mutant", mutants(every=5), ids=str)
def test_without_a_kind_of_fact_a_rule_says_the_same_or_is_not_checked(mutant: Mutant) -> None:
    evidence = broken(mutant)
    for kind in sorted(ALL, key=lambda kind: kind.KIND):
        checker, verdict = without(kind, evidence)
        checked = set(checker.checked)
        # Late or lost is told by the same rule's debts, so a rule's verdict is its own.
        assert verdict == [x for x in evidence.violations if x.rule in checked]


def test_every_rule_needs_something_and_every_kind_but_few_is_needed() -> None:
    assert all(cls.needs() for cls in RULES.values())
    unused = ALL - frozenset().union(*(cls.needs() for cls in RULES.values()))
    # What no rule rests on: a hypervisor's word for what the distributor, a thread's own turn or
    # the guest's own accesses show, and what only a "sometimes" state is about.
    assert {kind.KIND for kind in unused} <= UNUSED
