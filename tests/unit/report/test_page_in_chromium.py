"""The page in a real Chromium: it draws, answers keys and buttons, prints, and needs no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.report.campaign_file import CampaignFile, Entry
from harness.report.campaign_page import campaign_page
from harness.report.page import failure_page
from tests.unit.report.chromium import Browser, chromium
from tests.unit.report.runs import STORM, course, explained, explained_page, log_of
from tests.unit.report.test_page import EVIL, found, hostile

pytestmark = pytest.mark.oracle

PICKED = "Number(document.querySelector('.row.picked .num').textContent)"
ROWS = "document.querySelectorAll('.pane .row').length"
TITLE = "document.querySelector('.panel h3').textContent"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Any:
    """Open a page, and at the end find that nothing complained and nothing was loaded."""

    def open_page(data: bytes, **options: Any) -> Browser:
        path = tmp_path / "page.html"
        path.write_bytes(data)
        return browser.open(path, **options)

    yield open_page
    assert browser.complaints() == []


def press(browser: Browser, key: str) -> Any:
    browser.value("document.querySelector('.scroll').focus()")
    browser.key(key)
    return browser.value(PICKED)


def test_keys_and_buttons_go_from_step_to_step(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    pair = explained("v4.14+1").pairs[0]
    run = course("v4.14+1")
    assert run.violation is not None
    assert browser.value(PICKED) == pair.first.step
    assert press(browser, "2") == pair.second.step
    assert press(browser, "x") == run.violation.step
    assert browser.value(TITLE).startswith(f"step {run.violation.step}: ")
    last = browser.value(PICKED)
    before = press(browser, "ArrowUp")
    assert before < last
    browser.click("▶")
    assert browser.value(PICKED) == last
    browser.click("all steps")
    assert press(browser, "Home") == 1
    assert press(browser, "j") == 2
    assert browser.value(ROWS) == len(run.turns)
    assert press(browser, "k") == 1


def test_the_machine_stands_beside_it_in_any_order_of_steps(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    body = "document.querySelector('.panel .in').textContent"
    browser.click("all steps")
    press(browser, "Home")
    forwards = []
    for _ in range(12):
        forwards.append(browser.value(body))
        press(browser, "j")
    press(browser, "End")
    press(browser, "Home")
    for text in forwards:
        assert browser.value(body) == text
        press(browser, "j")
    assert len(set(forwards)) == len(forwards)
    assert "physical CPU 0" in forwards[0]


def test_lanes_bands_messages_and_the_pair_are_drawn(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    browser.click("all steps")
    count = "document.querySelectorAll('{}').length"
    assert browser.value(count.format("svg .rail")) == len(
        {turn.who for turn in course("v4.14+1").turns}
    )
    assert browser.value(count.format("svg path.deactivation")) >= 2
    assert browser.value(count.format("svg .pair")) == 1
    texts = browser.value("[...document.querySelectorAll('.badge-text')].map(t => t.textContent)")
    assert sorted(texts) == ["1", "2", "C", "✗"]
    assert browser.value(count.format(".cell.s-a")) > 10
    shares = "[...document.querySelectorAll('.row .share')].map(x => x.textContent).filter(x => x)"
    assert browser.value(shares) == ["10 %", "100 %"]
    widths = browser.value("[document.body.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


def test_filters_hide_rows_and_add_bands(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    browser.click("all steps")
    everything = browser.value(ROWS)
    browser.click("VCPU 1")
    assert 0 < browser.value(ROWS) < everything
    browser.click("VCPU 1")
    assert browser.value(ROWS) == everything
    browser.click("only steps about them")
    assert 0 < browser.value(ROWS) < everything
    bands = "document.querySelectorAll('.head .band').length"
    assert browser.value(bands) == 1
    browser.click("vINTID 27 of VCPU 1, virtual timer")
    assert browser.value(bands) == 2


def test_fail_and_pass_side_by_side(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    panes = "[...document.querySelectorAll('.pane h3')].map(h => h.textContent)"
    assert browser.value(panes) == ["fails"]
    browser.click("side by side")
    assert browser.value(panes) == ["fails", "passes"]
    rows = "[...document.querySelectorAll('.pane')].map(p => p.querySelectorAll('.row').length)"
    left, right = browser.value(rows)
    assert left == right > 0
    browser.click("passes")
    assert browser.value(panes) == ["passes"]


def test_of_thousands_of_steps_only_those_in_sight_are_drawn(show: Any) -> None:
    browser = show(failure_page(log_of(STORM)))
    assert course(STORM).steps > 1_000
    browser.click("all steps")
    assert browser.value(ROWS) < 200
    inside = """(() => {
      const scroll = document.querySelector('.scroll');
      return [7, 611, 1203, 40].map((n) => {
        scroll.scrollTop = n * 22;
        scroll.dispatchEvent(new Event('scroll'));
        const cells = [...document.querySelectorAll(".row .num")];
        const numbers = cells.map((x) => Number(x.textContent));
        return [numbers.length, numbers.includes(n + 2)];
      }); })()"""
    for rows, there in browser.value(inside):
        assert rows < 200
        assert there
    assert press(browser, "End") > 1_000
    assert press(browser, "Home") == 1


def test_it_says_the_same_without_scripts(show: Any) -> None:
    browser = show(explained_page("v4.14+1"), scripts=False)
    root = browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    html = browser.call("DOM.getOuterHTML", nodeId=root)["outerHTML"]
    assert '<details class="alternative" open' in html
    assert "1 of the pair" in html
    assert 'class="row' not in html


def test_it_prints(show: Any) -> None:
    browser = show(explained_page("v4.14+1"))
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF")
    pages = pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page\r") + pdf.count(b"/Type /Page/")
    assert 1 <= pages <= 4


def test_a_hostile_log_runs_nothing(show: Any) -> None:
    for data in (
        failure_page(hostile()),
        campaign_page(
            CampaignFile("violated", (Entry(EVIL, EVIL, EVIL, 1, 1),), (found(),), 1, 1, 1)
        ),
    ):
        browser = show(data)
        browser.value("new Promise(resolve => setTimeout(resolve, 50))")
        assert browser.value("document.querySelectorAll('img, iframe, object').length") == 0
        assert browser.value("document.scripts.length") == 2
        assert not [e for e in browser.events if e.get("method") == "Page.javascriptDialogOpening"]


def test_the_charts_of_a_campaign_are_drawn_as_they_come_into_sight(show: Any) -> None:
    data = CampaignFile("violated", (), (found(), found(execution=2, alarm="other")), 10, 100, 1)
    browser = show(campaign_page(data), size=(1200, 500))
    browser.value("document.getElementById('story-2').scrollIntoView()")
    wait = """new Promise(done => {
      const drawn = () => document.querySelector('#story-2 .pane') !== null;
      const ask = () => drawn() ? done(true) : requestAnimationFrame(ask);
      ask(); })"""
    assert browser.value(wait)
