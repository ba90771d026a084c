"""The Checker's state is a value: it can be copied, restored, and told apart; who writes what."""

import pytest

from model import facts
from model.check.alarm import alarm
from model.check.checker import Checker
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.guests import Guests
from model.part import bits_of
from tests.race.mutant import Mutant
from tests.unit.check.evidence import CLEAN, REST, Judge, broken, clean, mutants


class Count(State):
    """How often."""

    n: int = 0


class Twice(Rule):
    """A guest is entered once."""

    id = "twice"
    section = "none"
    title = "none"

    AGAIN = alarm("again", "VCPU {vcpu} entered {n} times")
    OWED = alarm("owed", "VCPU {vcpu} is owed an exit")

    guests: Guests

    def setup(self) -> None:
        self.of = self.each_vcpu(Count)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        self.of[f.vcpu].n += 1
        if self.of[f.vcpu].n > 1:
            self.report(self.AGAIN, vcpu=f.vcpu, n=self.of[f.vcpu].n)

    def at_rest(self) -> None:
        for v, guest in enumerate(self.guests.of):
            if guest.pcpu >= 0:
                self.report(self.OWED, vcpu=v)


def checker(**kwargs: object) -> Checker:
    return Checker(Setting(vcpus=2), "v7.2", rules=[Twice], states=(), **kwargs)  # type: ignore[arg-type]


def test_violations_are_counted_as_they_come() -> None:
    made = checker()
    made.step = lambda: 7
    made.emit(facts.Entered(1, 0))
    made.emit(facts.Entered(1, 0))
    (violation,) = made.violations
    assert (violation.rule, violation.alarm, violation.step) == ("twice", "again", 7)
    assert (violation.subject.vcpu, violation.values) == (1, (("n", 2),))


def test_what_is_owed_at_rest_is_not_counted() -> None:
    made = checker()
    made.emit(facts.Entered(1, 0))
    assert [x.text for x in made.at_rest()] == ["VCPU 1 is owed an exit"]
    assert made.violations == []


def test_parts_have_names() -> None:
    names = [name for name, _ in checker().parts]
    assert names == ["Guests.p0", "Guests.v0", "Guests.v1", "twice.v0", "twice.v1"]


def test_two_states_of_one_name_are_refused() -> None:
    class Bad(Twice):
        id = "bad"

        def setup(self) -> None:
            super().setup()
            self.more = self.each_vcpu(Count)

    with pytest.raises(ValueError, match=r"two states are called bad\.v0"):
        Checker(Setting(), "v7.2", rules=[Bad])


def test_two_alarms_of_one_tag_are_refused() -> None:
    with pytest.raises(ValueError, match="same tag"):
        type("Bad", (Twice,), {"id": "bad", "MORE": alarm("again", "")})


def test_others_hear_facts_before_and_after_the_rules() -> None:
    made = checker()
    heard: list[tuple[str, int]] = []
    made.subscribe(
        first={facts.Entered: lambda _f: heard.append(("first", made.view(Guests).of[0].pcpu))},
        last={facts.Entered: lambda _f: heard.append(("last", made.view(Guests).of[0].pcpu))},
    )
    made.emit(facts.Entered(0, 0))
    assert heard == [("first", -1), ("last", 0)]
    made.mute()
    made.emit(facts.Entered(0, 0))
    assert (len(heard), made.violations) == (2, [])


def test_only_the_named_rules_are_checked() -> None:
    made = Checker(Setting(), "v7.2", only=frozenset({"L2", "L5"}))
    assert made.checked == ["L2", "L5"]


@pytest.mark.parametrize(("scenario", "era"), CLEAN)
def test_a_reset_checker_is_a_new_one(scenario: str, era: str) -> None:
    evidence = clean(scenario, era, 1)
    made = Checker(evidence.setting, evidence.era)
    initial = made.key()
    judge = Judge(made)
    judge.hear(evidence.items)
    assert made.key() != initial
    made.reset()
    assert made.key() == initial
    assert hash(initial) == hash(made.key())


def continued(mutant: Mutant, cut: float) -> None:
    evidence = broken(mutant)
    at = int(len(evidence.items) * cut)
    whole = Judge(Checker(evidence.setting, evidence.era))
    whole.hear(evidence.items[:at])
    copies = [whole.checker.copy(), Checker(evidence.setting, evidence.era)]
    copies[1].restore(whole.checker.key())
    verdict = whole.hear(evidence.items[at:])
    for copy in copies:
        assert Judge(copy).hear(evidence.items[at:]) == verdict
        assert copy.key() == whole.checker.key()


@pytest.mark.parametrize("mutant", mutants(every=3), ids=str)
def test_a_copy_judges_as_the_original_would(mutant: Mutant) -> None:
    for cut in (0.1, 0.5, 0.9):
        continued(mutant, cut)


@pytest.mark.parametrize(("scenario", "era"), CLEAN)
def test_a_fact_writes_what_it_is_said_to_write(scenario: str, era: str) -> None:
    evidence = clean(scenario, era, 2)
    made = Checker(evidence.setting, evidence.era)
    for i, (_, part) in enumerate(made.parts):
        part.bit = 1 << i
    before = made.key()
    written = 0
    for _, fact in evidence.items:
        if fact is REST:
            continue
        made.emit(fact)
        after = made.key()
        changed = bits_of(
            part for (_, part), a, b in zip(made.parts, before, after, strict=True) if a != b
        )
        allowed = made.writes_of(fact.__class__)
        assert not changed & ~allowed, fact
        assert not allowed & ~made.reads_of(fact.__class__)
        written |= changed
        before = after
    assert written.bit_count() > 10
