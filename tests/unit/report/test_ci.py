"""What CI systems read of a campaign: JUnit XML against its schema, and GitHub's commands."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from harness.campaign.batches import BatchResult, Finding
from harness.campaign.crash import Crash
from harness.campaign.evidence import Failure
from harness.campaign.plan import Plan
from harness.campaign.summary import Again, Campaign, Tally
from harness.engine.execution import Violation
from harness.report.github import annotations, append_summary, is_github
from harness.report.junit import junit_of
from harness.spec import RunSpec

SCHEMA = Path(__file__).with_name("junit.xsd")
EVIL = "<b>&\"'\x00\x1b[31m\ud800%,:|`*_\n::error::no"


def campaign(spec: RunSpec, *, crash: bool = False) -> tuple[Campaign, list[Failure]]:
    """A campaign with a failure of each kind, and an entry that is open."""
    other = RunSpec.make("migrate", "v7.2")
    plan = Plan(specs=(spec, other), seed=7, schedules=20)
    tallies = [Tally.of(plan, 0), Tally.of(plan, 1)]
    violations = (Violation("R23", EVIL, step=5), Violation("I1", "entered", step=6))
    finding = Finding(3, "v3;x;" + EVIL, 9, violations)
    tallies[0].add(BatchResult(0, 0, done=4, steps=40, findings=[finding]))
    tallies[1].add(BatchResult(1, 0, done=4, steps=40))
    again = [Again(0, "aa", finding, ran=True), Again(1, "bb", ran=True)]
    made = Campaign(plan=plan, tallies=tallies, seconds=1.5, again=again)
    if crash:
        made.crash = Crash(EVIL, EVIL, usage=True)
    return made, [Failure(tallies[0], finding)]


@pytest.mark.parametrize("crash", [False, True])
def test_junit_is_as_its_schema_says(crash: bool) -> None:
    made, failures = campaign(RunSpec.make("timer-wfi", "v7.2"), crash=crash)
    data = junit_of(made, failures)
    schema: Any = xmlschema.XMLSchema(str(SCHEMA))
    schema.validate(data.decode())
    suite = ET.fromstring(data)[0]
    cases = {(c.get("classname"), c.get("name")): c for c in suite.iter("testcase")}
    failed = cases["vgic-race.timer-wfi", "v7.2"].find("failure")
    assert failed is not None
    assert failed.get("type") == "R23"
    assert "<b>&" in str(failed.get("message"))
    assert "reproduce: vgic-race replay" in str(failed.text)
    error = cases["vgic-race.migrate", "v7.2"].find("error")
    assert error is not None
    assert error.get("type") == "inconclusive"
    assert ("vgic-race.migrate", "v7.2, kept failure bb") in cases
    assert (suite.get("tests"), suite.get("failures")) == ("4" if crash else "3", "1")
    assert suite.get("errors") == ("2" if crash else "1")


def test_the_schema_refuses_what_is_none() -> None:
    schema: Any = xmlschema.XMLSchema(str(SCHEMA))
    made, failures = campaign(RunSpec.make("timer-wfi", "v7.2"))
    data = junit_of(made, failures).decode()
    for old, new in (('tests="3"', ""), ("failure", "failed"), ('errors="1"', 'errors="x"')):
        assert not schema.is_valid(data.replace(old, new))


def test_annotations_are_lines_at_the_users_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from harness.kvm.v7_2 import V7_2\n\n\nclass Mine(V7_2):\n    pass\n"
    )
    made, failures = campaign(RunSpec.make("timer-wfi", "mine.py:Mine"), crash=True)
    lines = annotations(made, failures)
    assert all("\n" not in line for line in lines)
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert lines[0].startswith(
        "::error file=mine.py,line=4,title=R23 in timer-wfi mine.py%3AMine%2C"
    )
    assert "%25" in lines[0]
    assert "%0Areproduce: vgic-race replay" in lines[0]
    assert lines[2].startswith("::warning title=INCONCLUSIVE migrate v7.2::never reached")


def test_the_summary_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    made, failures = campaign(RunSpec.make("timer-wfi", "v7.2"))
    failures[0] = Failure(failures[0].tally, Finding(3, "v3;x", 9, (Violation("R1", EVIL[:8]),)))
    assert append_summary(made, failures, "VIOLATED: a|b") == ""
    text = path.read_text()
    assert text.startswith("before\n## vgic-race stress\n\nVIOLATED: a\\|b\n")
    assert "| migrate | v7.2 | 4 | inconclusive |" in text
    assert "vgic-race replay 'v3;x'" in text
    assert "<b>" not in text
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert "cannot write the step summary" in append_summary(made, failures, "")


def test_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert (is_github("github"), is_github("auto"), is_github("none")) == (True, False, False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert (is_github("github"), is_github("auto"), is_github("none")) == (True, True, False)
