"""A scenario that is written back is read the same."""

from pathlib import Path

import msgspec
import pytest

from harness.scenarios.schema import VcpuSpec, builtin_names, load_builtin, load_file, parse
from harness.scenarios.writer import to_toml

OWN = Path(__file__).resolve().parents[2] / "race" / "scenarios"


@pytest.mark.parametrize("name", builtin_names())
def test_round_trip_of_the_built_in(name: str) -> None:
    """All but what it says for exhaustive searches alone; that scenario is written like any."""
    scenario = load_builtin(name)
    for each in (msgspec.structs.replace(scenario, explore=None), scenario.smaller()):
        assert parse(to_toml(each), name) == each
    assert to_toml(scenario) == to_toml(msgspec.structs.replace(scenario, explore=None))


def test_round_trip_of_the_tests_own() -> None:
    files = sorted(OWN.glob("*.toml"))
    assert len(files) > 20
    for path in files:
        scenario = load_file(path)
        assert parse(to_toml(scenario), path.name) == scenario


def test_any_text_and_defaults() -> None:
    plain = load_builtin("timer-wfi")
    odd = msgspec.structs.replace(
        plain,
        title='a "title" with \\ and \x7f and é and \t',
        vcpu=(VcpuSpec(program=("work 1",)),),
        sometimes={},
        explore=None,
    )
    text = to_toml(odd)
    assert parse(text, "odd") == odd
    assert "lrs" not in text
    assert "sometimes" not in text
