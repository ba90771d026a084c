"""The tiers, all in one place: what ``-m quick`` selects, and what is left to ``-m long``."""

import os

import pytest

os.environ.setdefault("VGIC_RACE_KEPT", "off")  # tests keep failures only where they say so
for name in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)  # pytest and stress print otherwise there: same tests everywhere

QUICK = (
    # The parts: pure, or a handful of executions.
    "unit/model/test_locks.py",
    "unit/model/test_messages.py",
    "unit/model/test_timer",
    "unit/model/test_vgic",
    "unit/gic/test_cpu_interface.py",
    "unit/gic/test_distributor.py",
    "unit/gic/test_lr",
    "unit/gic/test_registers.py",
    "unit/gic/test_virtual_interface.py",
    "unit/log/test_clocks.py",
    "unit/log/test_reader.py",
    "unit/log/test_registry.py",
    "unit/strategies/",
    "unit/campaign/",
    "unit/check/test_checker.py",
    "unit/check/test_state.py",
    "unit/check/test_unknown.py",
    "unit/engine/test_choices.py",
    "unit/engine/test_crashes.py",
    "unit/engine/test_ends.py",
    "unit/engine/test_guards.py",
    "unit/engine/test_interleavings.py",
    "unit/engine/test_position.py",
    "unit/engine/test_trio_cancellation.py",
    "unit/engine/test_trio_program.py",
    "unit/engine/test_engines_agree.py::test_same_outcomes_under_knobs",
    "unit/scenarios/test_program.py",
    "unit/scenarios/test_schema.py",
    "unit/scenarios/test_spec.py",
    "quality/test_imports.py",
    "quality/test_rules_table.py",
    # The whole: a rule of KVM and one of the hardware, each with its mutant and a clean twin.
    "race/test_rules.py::test_every_rule_has_a_mutant",
    "race/test_rules.py::test_mutant_is_caught_and_its_twin_is_silent[R12-NeverActive]",
    "race/test_rules.py::test_mutant_is_caught_and_its_twin_is_silent[R3-V7_2OnAckEmpties]",
    "race/test_literal_order.py",
    # A log that is replayed, and the commands.
    "replay/test_round_trip.py::test_replay_of_a_schedule_file",
    "cli/test_main.py::test_help_tells_the_exit_codes",
    "cli/test_main.py::test_unknown_names",
    "cli/test_stress.py::test_round_robin_is_one_schedule",
)
"""Folders, files and tests, as their ids begin. None may be an oracle's or a benchmark's."""

SAMPLED = {
    "race/test_rules.py::test_mutant_is_caught_and_its_twin_is_silent": 8,
    "race/test_every_alarm.py::test_it_is_raised_and_the_era_is_silent": 4,
    "race/test_known_findings.py::test_each_is_found_and_named": 2,
    "race/test_instructions.py::test_its_example_runs": 3,
    "unit/check/test_needs.py::test_without_a_kind_of_fact_a_rule_says_the_same": 5,
    "unit/check/test_needs.py::test_without_a_kind_of_fact_no_rule_cries": 4,
    "unit/check/test_mid_life.py::test_what_is_said_in_mid_life_is_true": 8,
    "unit/check/test_again.py::test_broken_executions_have_the_same_violations": 6,
    "unit/check/test_again.py::test_clean_executions_are_clean": 6,
    "unit/model/test_world_histories.py::test_two_worlds_under_one_schedule_agree_at_every_step": 6,
    "unit/engine/test_engines_agree.py::test_same_outcomes": 6,
    "unit/engine/test_footprint_audit.py::test_patches_keep_to_their_footprints[": 6,
    "unit/engine/test_footprint_audit.py::test_eras_keep_to_their_footprints[": 5,
    "unit/engine/test_prefix.py::test_state_after_a_prefix": 5,
    "unit/log/test_check.py::test_a_patch_is_caught_again": 6,
    "unit/log/test_check.py::test_without_a_kind_of_fact_each_rule_says_the_same": 5,
    "quality/test_museum.py::test_a_patch_is_found_and_its_era_is_silent": 4,
    "quality/test_state_is_a_value.py::test_no_patch_keeps_an_iterator": 3,
    "race/test_lr_modes.py::test_a_guest_cannot_tell_the_four_apart": 2,
    "unit/guard/test_own_variants.py::test_a_mistake_is_said_with_file_and_line": 2,
    "unit/check/test_checker.py::test_a_fact_writes_what_it_is_said_to_write": 3,
    "unit/check/test_mid_life.py::test_no_rule_cries_in_mid_life": 6,
    "unit/check/test_mid_life.py::test_no_rule_cries_of_what_was_lost": 6,
    "quality/test_state_is_a_value.py::test_the_same_state_has_the_same_future": 3,
    "cli/test_stress.py::test_a_full_disk_hides_nothing": 2,
    "cli/test_stress.py::test_a_signal_with_workers_running": 2,
    "race/test_lr_modes.py::test_correct_kvm_is_clean": 5,
    "race/test_lr_modes.py::test_nor_with_messages_on_their_way": 3,
}
"""Sweeps of which the default run takes one in so many, the long run a third of the others.

The rest is marked ``thorough`` as well, and run by hand.
"""
THOROUGH = 3


def leave_to_the_long_run(items: list[pytest.Item]) -> set[str]:
    """Mark what is not sampled, and return the sweeps that were not seen."""
    seen = dict.fromkeys(SAMPLED, 0)
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        sweep = next((entry for entry in SAMPLED if name.startswith(entry)), None)
        if sweep is None:
            continue
        turn, place = divmod(seen[sweep], SAMPLED[sweep])
        if place and not name.startswith(QUICK):
            item.add_marker(pytest.mark.long)
            if (turn + place) % THOROUGH:
                item.add_marker(pytest.mark.thorough)
        seen[sweep] += 1
    return {sweep for sweep, count in seen.items() if not count}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is quick, and what is long.

    Raises:
        pytest.UsageError: everything was collected, and something that is listed is not there.

    """
    missing = set(QUICK) | leave_to_the_long_run(items)
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        found = next((entry for entry in QUICK if name.startswith(entry)), None)
        if found is not None:
            item.add_marker(pytest.mark.quick)
            missing.discard(found)
    if missing and config.args_source is config.ArgsSource.TESTPATHS:
        raise pytest.UsageError(f"a tier lists what is not there: {sorted(missing)}")
