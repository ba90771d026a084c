"""The quick tier: what ``-m quick`` selects, all in one place."""

import pytest

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is quick.

    Raises:
        pytest.UsageError: everything was collected, and something that is listed is not there.

    """
    missing = set(QUICK)
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        found = next((entry for entry in QUICK if name.startswith(entry)), None)
        if found is not None:
            item.add_marker(pytest.mark.quick)
            missing.discard(found)
    if missing and config.args_source is config.ArgsSource.TESTPATHS:
        raise pytest.UsageError(f"the quick tier lists what is not there: {sorted(missing)}")
