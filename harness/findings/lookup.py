"""Tells whether a violation is one of the known findings."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.findings.finding import Case, Finding
from harness.findings.known import FINDINGS
from harness.scenarios.schema import Scenario, load_builtin, load_file, parse
from harness.variants import ERAS, SHIPPED
from model.check.violation import Violation

__all__ = ["case_of", "find_known"]


def find_known(
    violation: Violation,
    scenario_name: str,
    variant: str,
    knobs: Mapping[str, str] | Iterable[tuple[str, str]],
    *,
    lrs: int | None = None,
    toml: str = "",
) -> Finding | None:
    """Return the finding that a violation is, or None.

    A variant of a user's own is never excused, nor a patch that is no fault of KVM as shipped: what
    was broken there may be theirs.

    Args:
        violation: what was found.
        scenario_name: a built-in scenario's name, or the path of a ``.toml`` file.
        variant: its name, as ``--variant`` takes it.
        knobs: those that were set.
        lrs: List Registers per CPU (None: the scenario's).
        toml: the text of the scenario itself, where it is none that is found by its name.

    Raises:
        UsageError: there is no such scenario.

    """
    case = case_of(scenario_name, variant, knobs, lrs, toml)
    if case is None:
        return None
    for finding in FINDINGS.values():
        if any(condition.covers(violation, case) for condition in finding.conditions):
            return finding
    return None


def scenario_of(name: str, toml: str) -> Scenario:
    """Return the scenario that was run.

    Raises:
        UsageError: there is none.

    """
    if toml:
        return parse(toml, f"scenario {name!r}")
    return load_file(Path(name)) if name.endswith(".toml") else load_builtin(name)


def case_of(
    scenario_name: str,
    variant: str,
    knobs: Mapping[str, str] | Iterable[tuple[str, str]],
    lrs: int | None = None,
    toml: str = "",
) -> Case | None:
    """Return what was run, or None if the variant may have faults of its own.

    Raises:
        UsageError: there is no such scenario.

    """
    era, _, rest = variant.partition("+")
    shipped = [finding.id for finding in FINDINGS.values() if any_patch(finding)]
    patches = [name for part in filter(None, rest.split("+")) for name in expand(part, shipped)]
    if era not in ERAS or not set(patches) <= set(shipped):
        return None
    scenario = scenario_of(scenario_name, toml)
    # With other List Registers than its own a built-in scenario is one of a user's.
    shipped_as = lrs is None or lrs == scenario.lrs
    builtin = shipped_as and not toml and not scenario_name.endswith(".toml")
    if lrs is not None:
        scenario = msgspec.structs.replace(scenario, lrs=lrs)
    return Case(
        scenario=scenario,
        builtin=builtin,
        era=era,
        patches=tuple(patches),
        knobs=dict(knobs),
        programs=scenario.programs(scenario.vcpus or len(scenario.vcpu)),
    )


def any_patch(finding: Finding) -> bool:
    """Tell whether a patch of the finding's name shows it."""
    return any(condition.patch == finding.id for condition in finding.conditions)


def expand(part: str, shipped: list[str]) -> list[str]:
    """Return the patches that a part of a variant's name stands for."""
    return shipped if part == SHIPPED else [part]
