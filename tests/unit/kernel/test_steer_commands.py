"""``kernel confirm`` and ``kernel stress`` where they need no kernel: what they refuse."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.kernel import group
from harness.errors import UsageError
from harness.kernel.errors import MachineFailedError
from harness.kernel.image import Image
from harness.kernel.run import Options
from harness.kernel.steer.campaign import Campaign, Result
from harness.scenarios.schema import load_builtin


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["confirm", "F99"], "unknown finding with a script 'F99'"),
        (["confirm", "gone.toml"], "gone.toml"),
        (["confirm", "v3;timer-wfi"], "garbled schedule"),
        (["stress", "overflow-dir"], "see --software"),
        (["stress", "timer-wif"], "timer-wfi"),
        (["stress"], "expected either a SCENARIO"),
    ],
)
def test_bad_input_is_refused(words: list[str], said: str) -> None:
    done = CliRunner().invoke(group, words, standalone_mode=False)
    assert isinstance(done.exception, UsageError), done.exception
    assert said in str(done.exception)


def test_a_machine_that_fails_is_evidence_and_another_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def on_a_machine(_self: Campaign, *words: object) -> None:
        tried.append(int(str(words[3])))
        if len(tried) < 3:
            raise MachineFailedError("the machine failed: it ended", ["Oops"])

    monkeypatch.setattr(Campaign, "on_a_machine", on_a_machine)
    monkeypatch.setattr("harness.kernel.steer.campaign.of_scenario", lambda *_words: None)
    done: list[Result] = []
    image = Image(tmp_path / "Image", "7.2", "")
    campaign = Campaign(image, Options(), 10, 1000.0, 1, 1, tmp_path, done=done.append)
    results = campaign.run([load_builtin("timer-wfi")])
    assert (tried, results) == ([0, 1000, 2000], done)
    assert results[0].failed == ["the machine failed: it ended"] * 2
    said = (tmp_path / "timer-wfi-machine-2.txt").read_text(encoding="utf-8")
    assert said == "the machine failed: it ended\n\nOops\n"


def test_evidence_is_a_table_of_what_confirm_prints() -> None:
    from harness.findings.known import FINDINGS
    from harness.kernel.steer.evidence import read_evidence, rows_of, table
    from harness.kernel.steer.script import case_names

    line = (
        '{"type": "confirmation", "id": "F8", "kernel": "7.2", "without": {"wrong": 18, "of": 25},'
        ' "scripts": [{"script": null, "said": "CONFIRMED", "why": "", "wrong": 18, "of": 25,'
        ' "control": {"wrong": 0, "of": 25}}]}'
    )
    row = next(iter(rows_of([line, '{"type": "summary"}'])))
    assert table([row]).splitlines()[2] == "| F8 | 7.2 | CONFIRMED |  | 18 of 25 | 0 of 25 |  |"
    known = {each.id for each in read_evidence()}
    assert set(case_names()) | set(FINDINGS) <= known
    assert all(each.why or each.said == "CONFIRMED" for each in read_evidence())


def test_what_was_confirmed_is_told_by_its_finding() -> None:
    from harness.findings.known import FINDINGS
    from harness.kernel.steer.evidence import read_evidence

    shown = {each.id for each in read_evidence() if each.said == "CONFIRMED"}
    assert {name for name, each in FINDINGS.items() if each.confirmed} == shown & set(FINDINGS)
