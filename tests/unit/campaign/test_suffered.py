"""A campaign's failures say what a guest suffers, and that nothing was found."""

from harness.campaign.suffered import TRIES, suffered, symptom_dict
from harness.engine.direct_engine import DirectEngine, execute
from harness.engine.schedule import Schedule
from harness.held_rules import nothing_to_check
from harness.spec import RunSpec
from model.check.violation import Violation
from tests.race.running import strategy


def failure(scenario: str, variant: str) -> tuple[Schedule, tuple[Violation, ...]]:
    """Return how a variant fails first."""
    spec = RunSpec.make(scenario, variant)
    world = spec.build(DirectEngine.task_class)
    for i in range(200):
        outcome = execute(world, strategy(i))
        if outcome.violations:
            return spec.schedule(outcome), tuple(outcome.violations)
    raise AssertionError("it does not fail")


def test_the_symptom_follows_the_cause() -> None:
    schedule, violations = failure("overflow-dir", "v7.2+45")
    found = suffered(schedule, violations)
    assert found is not None
    assert found.violation is not None
    assert symptom_dict(found) == {
        "rule": found.violation.rule,
        "text": found.violation.text,
        "step": found.violation.step,
        "tried": found.drawn,
    }


def test_no_symptom_is_said_with_its_bound() -> None:
    schedule, violations = failure("migrate", "v7.2+1")
    found = suffered(schedule, violations)
    assert found is not None
    assert found.violation is None
    assert symptom_dict(found) == {"rule": None, "text": None, "step": None, "tried": TRIES}


def test_what_cannot_be_run_has_none() -> None:
    schedule, violations = failure("migrate", "v7.2+1")
    assert suffered(Schedule.parse(str(schedule).replace("v7.2+1", "v7.2+999")), violations) is None
    assert symptom_dict(None) is None


def test_a_rule_that_does_not_hold_is_not_checked() -> None:
    def asked(*rules: str) -> str:
        spec = RunSpec.make("timer-wfi", "v7.2", rules=frozenset(rules))
        return nothing_to_check(spec)

    assert asked("R10") == "not checked: R10 does not hold in v7.2"
    assert asked("R10", "R11") == "not checked: R10, R11 do not hold in v7.2"
    assert asked("R10", "R15") == ""
    assert nothing_to_check(RunSpec.make("timer-wfi", "v7.2")) == ""
    polled = RunSpec.make(
        "timer-wfi", "v7.2", rules=frozenset({"R10"}), knobs={"lr_on_guest_deactivate": "polled"}
    )
    assert nothing_to_check(polled) == ""
