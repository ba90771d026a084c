"""A trace begins in mid-life and loses events: nobody speaks of what it does not know."""

import pytest

from model import facts
from model.check.alarm import alarm
from model.check.checker import Checker
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.guests import Guests
from model.check.violation import Violation
from model.facts import Fact
from tests.race.mutant import Mutant
from tests.race.mutants import MUTANTS
from tests.unit.check.evidence import (
    OLD_IN_THE_LONG_RUN,
    Evidence,
    Judge,
    broken,
    clean,
    judge,
)


class Owner(State):
    """Who has it, or -1."""

    vcpu: int = -1


class Exclusive(Rule):
    """A CPU's guest changes by an exit only; and whoever halts is out of its guest."""

    id = "exclusive"
    section = "none"
    title = "none"

    TAKEN = alarm("taken", "CPU {pcpu} was taken from VCPU {vcpu}")
    INSIDE = alarm("inside", "VCPU {vcpu} is in its guest")

    guests: Guests

    def setup(self) -> None:
        self.on = self.each_pcpu(Owner)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        owner, self.on[f.pcpu].vcpu = self.on[f.pcpu].vcpu, f.vcpu
        if owner >= 0:
            self.report(self.TAKEN, pcpu=f.pcpu, vcpu=owner)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        self.on[f.pcpu].vcpu = -1

    @on(facts.Halted)
    def on_halt(self, f: facts.Halted) -> None:
        if self.guests.of[f.vcpu].pcpu >= 0:
            self.report(self.INSIDE, vcpu=f.vcpu)

    def at_rest(self) -> None:
        for v, guest in enumerate(self.guests.of):
            if guest.pcpu >= 0:
                self.report(self.INSIDE, vcpu=v)


def heard(*said: Fact, from_start: bool = False) -> Checker:
    made = Checker(Setting(vcpus=2), "v7.2", rules=[Exclusive], states=(), from_start=from_start)
    for fact in said:
        made.emit(fact)
    return made


def alarms(made: Checker) -> list[str]:
    return [x.alarm for x in made.violations]


ENTER, OTHER = facts.Entered(0, 0), facts.Entered(1, 0)


def test_what_a_rule_does_not_know_it_does_not_say() -> None:
    assert alarms(heard(ENTER)) == []
    assert alarms(heard(facts.Halted(0))) == []
    assert heard(facts.Halted(0)).at_rest() == []


def test_what_a_fact_told_is_known() -> None:
    assert alarms(heard(ENTER, OTHER)) == ["taken"]
    assert alarms(heard(facts.Exited(0, 0, "irq", 1), OTHER)) == []
    # Of the other VCPU nothing is known yet.
    assert alarms(heard(ENTER, facts.Halted(1))) == []
    assert alarms(heard(ENTER, facts.Halted(0))) == ["inside"]


def test_what_is_owed_is_claimed_of_those_who_are_known() -> None:
    made = heard(ENTER)
    assert [x.subject.vcpu for x in made.at_rest()] == [0]


def test_lost_facts_make_it_unknown_again() -> None:
    made = heard(ENTER)
    made.forget()
    made.emit(OTHER)
    assert alarms(made) == []
    made.emit(ENTER)
    assert alarms(made) == ["taken"]


def test_facts_of_another_kind_that_are_lost_do_not_matter() -> None:
    made = heard(ENTER)
    made.forget(facts.Ticked)
    made.emit(OTHER)
    assert alarms(made) == ["taken"]


def test_who_is_to_know_everything_does_not_forget() -> None:
    with pytest.raises(ValueError, match="cannot forget"):
        heard(from_start=True).forget()


def test_a_rule_that_could_not_go_on_forgets_what_it_had_not_just_set() -> None:
    class Two(Exclusive):
        id = "two"

        @on(facts.Placed)
        def on_placed(self, f: facts.Placed) -> None:
            self.on[1].vcpu = f.vcpu
            if self.guests.of[f.vcpu].pcpu >= 0:
                self.on[0].vcpu = -1

    made = Checker(Setting(pcpus=2), "v7.2", rules=[Two], states=(), from_start=False)
    made.emit(facts.Exited(0, 0, "irq", 1))
    made.forget(facts.Entered)
    made.emit(facts.Exited(0, 0, "irq", 1))
    made.emit(facts.Exited(0, 1, "irq", 1))
    made.view(Guests).forget()
    made.emit(facts.Placed(0, 0, 1))
    rule = made.rules[0]
    assert isinstance(rule, Two)
    assert rule.on[1].vcpu == 0
    made.emit(ENTER)  # would be "taken" or not: not known any more
    assert alarms(made) == []


# -- all rules -------------------------------------------------------------------------------------


def from_middle(evidence: Evidence, at: int) -> list[Violation]:
    """The verdict of who hears the rest only."""
    made = Judge(Checker(evidence.setting, evidence.era, from_start=False))
    return made.hear(evidence.items[at:])


CUTS = 7


HOLES = {("senders", "G3", "nothing")}
"""A GICv3's SGI that was sent before the cut and is carried out behind an acknowledge of the same
number: nothing says that an access is under way then."""


@pytest.mark.parametrize(("scenario", "era"), OLD_IN_THE_LONG_RUN)
def test_no_rule_cries_in_mid_life(scenario: str, era: str) -> None:
    for i in range(2):
        evidence = clean(scenario, era, i)
        stride = max(1, len(evidence.items) // CUTS)
        for at in range(i, len(evidence.items), stride):
            found = from_middle(evidence, at)
            assert [v for v in found if (scenario, v.rule, v.alarm) not in HOLES] == [], at


@pytest.mark.parametrize(("scenario", "era"), OLD_IN_THE_LONG_RUN)
def test_no_rule_cries_of_what_was_lost(scenario: str, era: str) -> None:
    evidence = clean(scenario, era, 3)
    n = len(evidence.items)
    for at in range(5, n, max(1, n // CUTS)):
        made = Judge(Checker(evidence.setting, evidence.era, from_start=False))
        made.hear(evidence.items[:at])
        made.checker.forget()
        found = made.hear(evidence.items[at + 7 :])
        assert [v for v in found if (scenario, v.rule, v.alarm) not in HOLES] == [], at


def key(violation: Violation) -> object:
    return (violation.rule, violation.alarm, violation.subject)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_what_is_said_in_mid_life_is_true(mutant: Mutant) -> None:
    evidence = broken(mutant)
    true = [key(x) for x in evidence.violations]
    for cut in (0, 1, 2, 3):
        for violation in from_middle(evidence, len(evidence.items) * cut // 4):
            assert key(violation) in true


@pytest.mark.long
def test_much_is_seen_in_mid_life() -> None:
    """These executions are short: at a third of one much is still unknown."""
    tried = 0
    seen: list[set[str]] = []
    for mutant in MUTANTS:
        evidence = broken(mutant)
        tried += bool(evidence.violations)
        rules = {x.rule for x in from_middle(evidence, len(evidence.items) // 3)}
        if rules:
            seen.append(rules)
    assert len(seen) > 0.34 * tried
    assert len(set().union(*seen)) > 20


def test_who_hears_all_misses_nothing_that_it_says() -> None:
    evidence = clean("smp-mix", "v7.2", 0)
    assert judge(evidence, Checker(evidence.setting, evidence.era, from_start=False)) == []
