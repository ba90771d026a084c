"""``vgic-race why``: what it says, what it keeps, and what it says of bad input."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.search.explanation import Explanation
from harness.search.why.explain import Inquiry
from harness.spec import RunSpec
from tests.cli.support import Cli
from tests.race.running import strategy
from tests.replay.support import one, random_schedule


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure less than a user wants to know."""
    monkeypatch.setattr("harness.search.why.symptom.DRAWS", 5)
    monkeypatch.setattr("harness.search.why.shares.DRAWS", 5)


@cache
def failing() -> str:
    """A request between the flush and guest mode that nobody looks at (patch 30)."""
    spec = RunSpec.make("spi-level", "v4.14+30")
    for number in range(100):
        schedule, outcome = one(spec, strategy(number))
        if outcome.violations:
            return str(schedule)
    raise AssertionError("nothing found")


def test_why(cli: Cli, logs: Path) -> None:
    done = cli("why", failing())
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("VIOLATED spi-level v4.14+30")
    assert any("fails; the" in line for line in lines), "the order that decides"
    assert any("cause      v0 recheck_requests" in line for line in lines)
    assert lines[-1].startswith("reproduce: vgic-race replay ")
    folder = logs / "why-spi-level-v4.14-30"
    kept = json.loads((folder / "why.json").read_text())
    assert cli("replay", folder / "failing.schedule").code == 1
    assert cli("replay", kept["passing"]).code == 0
    again = cli("why", folder / "failing.schedule", "--no-shrink", "--json")
    assert again.code == 1
    assert again.summary["cause"]["op"] == kept["cause"]["op"] == "recheck_requests"
    assert again.summary["pairs"]
    assert again.summary["violations"][0]["rule"] == "I12"


def test_what_was_known_when_it_was_interrupted(
    cli: Cli, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Inquiry.run

    def interrupted(self: Inquiry) -> Iterator[Explanation]:
        for number, known in enumerate(run(self)):
            yield known
            if number == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(Inquiry, "run", interrupted)
    done = cli("why", failing(), "--no-shrink")
    assert (done.code, done.out) == (130, "")
    said, last = done.err.splitlines()[-2:]
    assert last == "interrupted"
    assert said.startswith("what was known by then: ")
    kept = json.loads((logs / "why-spi-level-v4.14-30" / "why.json").read_text())
    assert [x["op"] for x in kept["pairs"][0].values()] == ["kick_mode", "mode_in_guest"]
    assert kept["symptom"] is None


def test_bad_input(cli: Cli, tmp_path: Path) -> None:
    cli("why").refused("SCHEDULE")
    cli("why", tmp_path / "none").refused("neither a schedule", "No such file")
    cli("why", "v3;x").refused("garbled schedule")
    clean = random_schedule("timer-wfi", "v7.2", 1)
    cli("why", str(clean)).refused("it breaks no rule")
    other = cli("why", str(clean).replace("variant=v7.2;", "variant=v4.14;"))
    assert other.code == 4
    errors = [line for line in other.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "cannot be run again" in errors[0]
