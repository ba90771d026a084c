"""Logs in SQL: typed tables that say what the logs say, and nothing else that can be reached."""

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.log.latency import life_rows
from harness.log.schema import fields_of
from harness.log.source import LOG, Source, open_source, told
from harness.log.sql import Database, files_of
from harness.log.tables import FROM, TABLES
from model.facts import KINDS
from tests.unit.log.recorded import recorded

BROKEN = [violation.rule for violation in recorded("spi-level", "v7.2+57", 40).violations]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign's folder with two logs, one of them cut off."""
    path = tmp_path_factory.mktemp("stress-1")
    (path / "a.jsonl").write_bytes(recorded("smp-mix", "v7.2").data)
    data = recorded("spi-level", "v7.2+57", 40).data
    (path / "b.jsonl").write_bytes(data)
    (path / "c.jsonl").write_bytes(data[: len(data) // 2])
    (path / "campaign.json").write_text(
        '{"entries": [{"scenario": "x", "variant": "v7.2", "verdict": "clean", "schedules": 7,'
        '"steps": 70, "seconds": 0.5, "steps_per_second": 140, "more": []}]}'
    )
    return path


@pytest.fixture(scope="module")
def database(folder: Path) -> Database:
    return Database(list(files_of([str(folder)])))


def one(database: Database, query: str) -> Any:
    ((value,),) = database.ask(query).rows
    return value


def test_every_row_says_what_it_is_from(database: Database) -> None:
    for table in ("steps", "facts", "lives", "violations", "campaign"):
        assert list(FROM) == database.ask(f"select * from {table} limit 0").columns[: len(FROM)]
    answer = database.ask(
        "select distinct campaign[:8], scenario, variant, verdict from facts order by all"
    )
    assert answer.rows == [
        ("stress-1", "smp-mix", "v7.2", "clean"),
        ("stress-1", "spi-level", "v7.2+57", "violated"),
        ("stress-1", "spi-level", "v7.2+57", None),
    ]
    assert one(database, "select count(distinct execution) from facts") == 2


def test_columns_are_typed_and_none_is_a_map(database: Database) -> None:
    for table, columns in TABLES.items():
        described = database.ask(f"describe {table}").rows
        assert {row[0]: row[1] for row in described} == columns
        assert not [row for row in described if "MAP" in row[1] or row[1] == "JSON"]
    columns = TABLES["facts"]
    for kind in KINDS:
        for field in fields_of(kind):
            assert field.name in columns or f"{kind.replace('-', '_')}_{field.name}" in columns
    assert columns["hcr_value"] == "UBIGINT"
    assert (columns["before"], columns["placed_before"]) == ("BOOLEAN", "BIGINT")


def test_the_tables_have_what_the_logs_have(database: Database, folder: Path) -> None:
    source = open_source(str(folder / "a.jsonl"))
    assert source.log is not None
    footer = source.log.footer
    assert footer is not None
    mine = f"from facts where log = '{folder / 'a.jsonl'}'"
    assert one(database, f"select count(*) {mine}") == footer.events
    counts = dict(database.ask(f"select event, count(*) {mine} group by all").rows)
    assert counts == {k: n for k, n in footer.counts.items() if k in KINDS}
    steps = f"select count(*) from steps where log = '{folder / 'a.jsonl'}'"
    assert one(database, steps) == footer.steps
    rows = life_rows(told(source))
    query = f"select life_id, to_ack_steps, handling_ns from lives where log = '{source.name}'"
    assert set(database.ask(query).rows) == {
        (row.life, row.latency("to_ack", row.steps), row.latency("handling", row.ns))
        for row in rows
    }
    joined = (
        "select count(*) from facts join lives using (log, life_id) "
        "where facts.step not between began_step and ended_step"
    )
    assert one(database, joined) == 0
    ids = "select count(*) from facts where event = 'deactivation-arrived' and message_id is null"
    assert one(database, ids) == 0
    assert one(database, "select sum(len(vc)) from facts") > 0


def test_campaign_violations_and_entries(database: Database) -> None:
    query = "select verdict, complete, rules, lrs from campaign order by log"
    clean, violated, cut = database.ask(query).rows
    assert clean[:3] == ("clean", True, [])
    assert violated[:3] == ("violated", True, BROKEN)
    assert cut[:2] == (None, False)
    found = database.ask("select rule, scenario, verdict from violations order by seq").rows
    assert found == [(rule, "spi-level", "violated") for rule in BROKEN]
    assert database.ask("select scenario, schedules, seconds from entries").rows == [("x", 7, 0.5)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selec 1", "syntax error"),
        ("", "expected one query, found 0"),
        ("select 1; select 2", "expected one query, found 2"),
        ("drop table facts", "found DROP: logs are only read"),
        ("insert into facts select * from facts", "found INSERT"),
        ("copy facts to 'out.csv'", "found COPY"),
        ("attach 'x.db'", "found ATTACH"),
        ("select nope from facts", '"nope" not found'),
        ("select * from nope", "nope does not exist"),
        ("select * from read_text('/etc/hosts')", "disabled by configuration"),
        ("select * from '/etc/hosts.csv'", "/etc/hosts.csv"),
        ("select getenv('HOME')", "getenv"),
        ("set enable_external_access = true", "found SET"),
        ("select cast('x' as int)", "Could not convert string 'x'"),
        ("select 'a\ud800'", "SQL: "),
    ],
)
def test_a_wrong_query_is_one_line(database: Database, query: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        database.ask(query)
    text = str(caught.value)
    assert words in text
    assert text.startswith("SQL: ")
    assert "\n" not in text


def test_parquet_is_the_one_file_that_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "lives.parquet"
    database = Database([folder / "a.jsonl"], out)
    rows = one(database, "select count(*) from lives")
    assert database.export("select * from lives", out) == rows
    assert one(database, f"select count(*) from read_parquet('{out}')") == rows
    with pytest.raises(UsageError, match="it exists, and nothing is overwritten"):
        database.export("select 1", out)
    other = tmp_path / "other.parquet"
    with pytest.raises(UsageError, match="cannot write"):
        database.export("select 1", other)
    assert not other.exists()


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no logs in this folder"):
        list(files_of([str(tmp_path)]))
    path = tmp_path / "campaign.json"
    for text in ("", "[]", '{"entries": 3}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"is no campaign\.json") as caught:
            Database([path])
        assert "\n" not in str(caught.value)
    (tmp_path / "x.jsonl").write_text("hello\n")
    with pytest.raises(UsageError, match="not JSON"):
        Database([tmp_path / "x.jsonl"])


@pytest.fixture
def no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("duckdb", "perfetto", "perfetto.protos.perfetto.trace"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_the_extras_a_line_says_what_to_install(no_extras: None) -> None:
    from harness.log.perfetto import export

    with pytest.raises(UsageError, match=r"pip install 'vgic-race\[sql\]'"):
        Database([])
    log = recorded("timer-wfi", "v4.14").log
    with pytest.raises(UsageError, match=r"pip install 'vgic-race\[perfetto\]'"):
        list(export(Source("x", LOG, log, log.entries), "step"))
