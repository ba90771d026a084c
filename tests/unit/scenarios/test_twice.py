"""The guest's fault of deactivating an interrupt twice (the scenario's ``twice``)."""

from pathlib import Path

import pytest

from harness.kvm.v7_2 import V7_2
from model import facts
from tests.race.running import outcomes, world_of

TEXT = """\
name = "mine"
title = "a title"
twice = {twice}

[[vcpu]]
program = ["timer 10", "idle 1", "timer 10", "idle 2"]
"""


@pytest.mark.parametrize(
    ("eoimode", "twice", "completed", "deactivated"),
    [
        ("1", 27, ["27"] * 2, ["27"] * 4),
        ("0", -1, ["27"] * 2, ["27"] * 2),
        ("1", 30, ["27"] * 2, ["27"] * 2),
    ],
)
def test_the_register_that_deactivates_is_written_twice(
    tmp_path: Path, eoimode: str, twice: int, completed: list[str], deactivated: list[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.format(twice=twice))
    world = world_of(str(path), V7_2, (("eoimode", eoimode),))
    eoirs: list[str] = []
    ends: list[str] = []
    world.subscribe(
        {
            facts.Completed: lambda f: eoirs.append(str(f.vintid)),
            facts.DeactivatedByGuest: lambda f: ends.append(str(f.vintid)),
        }
    )
    for outcome in outcomes(world, 12):
        assert not outcome.violations
        assert (eoirs, ends) == (completed, deactivated)
        eoirs.clear()
        ends.clear()


def test_a_second_eoir_is_unpredictable_and_told_as_the_guests_fault(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.format(twice=27))
    for outcome in outcomes(world_of(str(path), V7_2), 6):
        assert [(v.rule, v.alarm) for v in outcome.violations] == [("unpredictable", "unasked")]
        assert outcome.violations[0].text.startswith("guest: VCPU 0 wrote EOIR for vINTID 27")
