"""``kernel confirm`` and ``kernel stress`` where they need no kernel: what they refuse."""

import pytest
from click.testing import CliRunner

from harness.cli.kernel import group
from harness.errors import UsageError


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
