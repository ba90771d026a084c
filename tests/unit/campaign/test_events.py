"""A campaign's own events, caught by structlog's own means."""

import json
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from harness.campaign.batches import BatchResult
from harness.campaign.events import Events, shown
from harness.campaign.evidence import Evidence
from harness.campaign.interrupt import Interrupts
from harness.campaign.plan import Plan
from harness.campaign.runner import run_campaign
from harness.campaign.summary import Tally
from harness.spec import RunSpec


def plan(*variants: str) -> Plan:
    specs = tuple(RunSpec.make("timer-wfi", variant) for variant in variants)
    return Plan(specs=specs, engine="direct", seed=7, schedules=60 * len(specs))


@pytest.fixture(autouse=True)
def not_configured() -> Iterator[None]:
    """Catching leaves structlog configured: it is as it was for whoever comes next."""
    yield
    structlog.reset_defaults()


def silent(campaign: object) -> None:
    """Say nothing of progress."""


@pytest.fixture
def events(tmp_path: object) -> list[dict[str, object]]:
    """What a campaign says that finds something in its second entry."""
    with capture_logs() as caught:
        campaign = run_campaign(plan("v7.2", "v7.2+1"), Interrupts(), silent)
        Evidence(tmp_path).keep(campaign)  # type: ignore[arg-type]
    return [dict(event) for event in caught]


def test_a_campaign_says_what_it_does(events: list[dict[str, object]]) -> None:
    names = [event["event"] for event in events]
    assert names[0] == "campaign began"
    assert names.count("entry began") == 2
    assert names.count("worker started") == names.count("campaign ended") == 1
    assert names.count("violation") == names.count("evidence written") == 1
    assert {event["campaign"] for event in events} == {"stress-7"}
    began = [event for event in events if event["event"] == "entry began"]
    assert [(event["scenario"], event["variant"]) for event in began] == [
        ("timer-wfi", "v7.2"), ("timer-wfi", "v7.2+1"),
    ]  # fmt: skip
    violation = next(event for event in events if event["event"] == "violation")
    assert violation["log_level"] == "warning"
    bound = {name: violation[name] for name in ("scenario", "variant", "worker", "rule")}
    assert bound == {"scenario": "timer-wfi", "variant": "v7.2+1", "worker": 1, "rule": "R23"}
    written = next(event for event in events if event["event"] == "evidence written")
    assert written["schedule"] == violation["schedule"]
    assert events[-2]["event"] == "campaign ended"
    assert events[-2]["verdict"] == "violated"


def test_evidence_that_is_lost_is_an_error(tmp_path: object) -> None:
    folder = tmp_path / "file"  # type: ignore[operator]
    folder.touch()
    with capture_logs() as caught:
        campaign = run_campaign(plan("v7.2+1"), Interrupts(), silent)
        Evidence(folder).keep(campaign)
    assert [e["log_level"] for e in caught if e["event"] == "evidence lost"] == ["error"]


def test_a_slow_down_is_said_once_per_entry() -> None:
    campaign = plan("v7.2")
    events = Events(campaign)
    tally = Tally.make(campaign.specs[0], 3, "mix")
    with capture_logs() as caught:
        for done, seconds in ((100, 0.2), (60, 0.2), (10, 0.2), (1, 0.2), (1, 0.01)):
            result = BatchResult(0, 0, done=done, seconds=seconds, worker=11)
            events.took(result, tally)
    slow = [event for event in caught if event["event"] == "slow-down"]
    assert [(e["rate"], e["before"], e["worker"], e["log_level"]) for e in slow] == [
        (50.0, 400.0, 1, "warning")
    ]


def test_who_has_not_configured_structlog_is_told_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Events(plan("v7.2")).begin()
    assert capfd.readouterr() == ("", "")


def test_the_command_shows_them_as_text_or_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    events = Events(plan("v7.2"))
    with shown(as_json=False, verbose=False):
        events.begin()
    assert capfd.readouterr() == ("", "")
    with shown(as_json=False, verbose=True):
        events.begin()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("  info: campaign began (entries 1, jobs 1, ")
    with shown(as_json=True, verbose=False):
        events.begin()
    out, err = capfd.readouterr()
    said = json.loads(err)
    assert out == ""
    assert (said["event"], said["level"], said["campaign"]) == (
        "campaign began", "info", "stress-7",
    )  # fmt: skip
    assert "timestamp" in said
