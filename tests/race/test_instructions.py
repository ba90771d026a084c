"""Each instruction of guest programs is documented by an example, and the example runs."""

from pathlib import Path

import pytest

from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.scenarios.instructions import Entry, entries
from harness.scenarios.program import compile_line
from harness.scenarios.writer import quoted
from tests.race.running import outcomes, world_of

EXAMPLE = """\
name = "example"
title = "an instruction"
pcpus = 2
eoimode = {eoimode}

[[forward]]
intid = 50
vintid = 80
kind = "edge"
pcpu = 1
{lpi}
[[vcpu]]
program = [{lines}]

[[vcpu]]
program = ["work 2"]
"""


LPI = """
[[forward]]
intid = 8192
kind = "lpi"
vintid = 8192
pcpu = 0
"""


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_its_example_runs(entry: Entry, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    lpi = LPI if "8192" in str(entry.example) else ""
    lines = ", ".join(quoted(line) for line in entry.example)
    path.write_text(EXAMPLE.format(eoimode=entry.eoimode, lines=lines, lpi=lpi))
    assert any(compile_line(line, "")[0] is entry for line in entry.example)
    for era in (V4_14, V7_2):
        for outcome in outcomes(world_of(str(path), era), 3, audited=1):
            assert (outcome.violations, outcome.bound) == ([], "")
