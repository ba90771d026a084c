"""Which rules are about whom, and how a user chooses among them."""

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.errors import UsageError
from harness.rule_choice import GROUPS, parse_rules
from harness.spec import RunSpec
from model.rules.registry import GUEST, HARDWARE, RULES


def test_each_rule_is_about_the_guest_the_machine_or_kvm() -> None:
    assert {"L1", "L2", "L4", "I6", "I7", "R27", "deadlock"} <= GUEST
    assert not GUEST & HARDWARE
    apart = [name for group, ids in GROUPS.items() if group != "all" for name in ids]
    assert sorted(apart) == sorted(RULES) == sorted(GROUPS["all"])


def test_ids_and_groups_are_chosen_together() -> None:
    assert parse_rules("guest") == GUEST
    assert parse_rules("R15, guest") == GUEST | {"R15"}
    assert parse_rules("guest,kvm,hardware") == set(RULES)


@pytest.mark.parametrize("text", ["guests", "", "L1,,L2"])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="unknown rule"):
        parse_rules(text)


def test_a_specification_with_rules_checks_no_others() -> None:
    spec = RunSpec.make("timer-wfi", "v7.2", rules=GUEST)
    assert set(spec.build(DirectEngine.task_class).checker.checked) <= GUEST
    all_rules = RunSpec.make("timer-wfi", "v7.2").build(DirectEngine.task_class).checker.checked
    assert set(all_rules) > GUEST - {"R27", "G10"}
