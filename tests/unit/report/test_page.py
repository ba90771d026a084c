"""The page: one file that loads nothing, says everything as text, and trusts no log."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import msgspec

from harness.report.campaign_file import CampaignFile, Entry, Found, Told, buckets_of
from harness.report.campaign_page import campaign_page
from harness.report.course import Course
from harness.report.page import SCRIPTS, failure_page
from harness.report.terminal import Report
from tests.unit.report.runs import course, explained_page, log_of

EVIL = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>{{data}}\u2028"
VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the text in them."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(data.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]

    @property
    def text(self) -> str:
        return " ".join(text for where, text in self.texts if where not in ("script", "style"))

    @property
    def data(self) -> list[dict[str, Any]]:
        kinds = [a.get("type") for tag, a in self.tags if tag == "script"]
        blocks = zip(kinds, self.all("script"), strict=True)
        return [json.loads(text) for kind, text in blocks if kind == "application/json"]


def test_it_has_everything_and_loads_nothing() -> None:
    data = explained_page("v4.14+23")
    page = Page(data)
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "data"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "embed", "form", "base")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)", data)
    assert b"@import" not in data
    assert b"url(" not in data
    assert [tag for tag, _ in page.tags].count("script") == 2
    fails, passes = page.data[0]["runs"]
    assert (fails["name"], passes["name"]) == ("fails", "passes")
    assert {mark for step in fails["steps"] for mark in step["marks"]} == {
        "first", "second", "cause", "break",
    }  # fmt: skip


def test_the_policy_lets_only_its_own_script_run() -> None:
    page = Page(explained_page("v4.14+23"))
    policy = next(
        attributes["content"] or "" for tag, attributes in page.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        digest = hashlib.sha256(page.all(tag)[-1].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_it_says_everything_as_text() -> None:
    page = Page(explained_page("v4.14+23"))
    text = " ".join(page.text.split())
    run = course("v4.14+23")
    assert run.violation is not None
    assert run.violation.text in text
    assert "F2: a deactivation is lost" in text
    assert f"All {run.steps} steps as text" in text
    for step in (1, 10, run.steps):
        assert f" {step} " in text
    assert "1 of the pair" in text
    assert "the break" in text


def hostile() -> Course:
    run = course("v4.14+23")
    replace = msgspec.structs.replace
    turns = tuple(replace(t, op=EVIL, who=replace(t.who, task=EVIL)) for t in run.turns)
    header = replace(run.header, scenario=EVIL, variant=EVIL, version=EVIL, knobs=(EVIL,))
    violation = replace(run.violations[0], rule=EVIL, alarm=EVIL)
    return replace(run, turns=turns, header=header, violations=(violation,))


def test_a_hostile_log_is_only_text() -> None:
    page = Page(failure_page(hostile(), report=Report(note=EVIL, replay=EVIL)))
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in {tag for tag, _ in page.tags}
    assert "</script><script>alert(1)" in page.text
    assert page.data[0]["runs"][0]["steps"][0]["op"] == EVIL


def campaign(*found: Found) -> CampaignFile:
    entries = (Entry("timer-wfi", EVIL, "violated", 10, 100, {"R1": 2}),)
    return CampaignFile("violated", entries, found, 10, 100, 1, arguments=("stress", EVIL))


def found(**values: Any) -> Found:
    header = log_of("v4.14+23").header
    made: dict[str, Any] = {
        "rule": "I11", "alarm": "pending", "text": EVIL, "scenario": "timer-wfi",
        "variant": "v4.14+23", "schedule": header.schedule, "steps": 31, "execution": 1,
    }  # fmt: skip
    return Found(**{**made, **values})


def test_a_campaign_has_a_row_and_a_story_for_each_kind() -> None:
    data = campaign(
        found(execution=1, steps=40), found(execution=2, steps=31), found(execution=2, rule="R1"),
        found(execution=3, alarm="other", schedule="v2;nothing"),
    )  # fmt: skip
    kinds = buckets_of(data)
    assert [(kind.kept, kind.best.steps) for kind in kinds] == [(2, 31), (1, 31)]
    page = Page(campaign_page(data))
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    ids = [a["id"] for tag, a in page.tags if tag == "section"]
    assert links == ["#story-1"]
    assert ids == ["story-1"]
    assert "no story: garbled schedule" in page.text
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert len(page.data) == 1


def test_a_campaign_that_knows_its_bugs_tells_of_these() -> None:
    header = log_of("v4.14+23").header
    told = Told(
        "v4.14+23", 70, "timer-wfi", "I11", "what", 31, header.schedule, exact=False,
        alarms={"I11 pending": 69, EVIL: 1}, scenarios={"timer-wfi": 70},
    )  # fmt: skip
    data = msgspec.structs.replace(campaign(found(), found(execution=2)), buckets=(told,))
    assert [(kind.many, kind.best.rule) for kind in buckets_of(data)] == [("about 70", "I11")]
    page = Page(campaign_page(data))
    assert [a["href"] for tag, a in page.tags if tag == "a"] == ["#story-1"]
    assert "about 70" in page.text
    assert "I11 pending x69" in page.text
    assert "the shortest of about 70" in page.text


def test_a_campaign_that_found_nothing() -> None:
    page = Page(campaign_page(campaign()))
    assert "No rule was broken" in page.text
    assert page.data == []


def test_the_page_is_in_the_package() -> None:
    folder = resources.files("harness.report") / "page"
    names = {file.name for file in folder.iterdir()}
    assert names == {*SCRIPTS, "page.html", "page.css"}
    for name in names:
        assert len((folder / name).read_text(encoding="utf-8").splitlines()) < 400
