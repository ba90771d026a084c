"""The ``log`` and ``export`` commands as a user types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.log.registry import REGISTRY
from tests.cli.support import Cli, Done
from tests.unit.log.recorded import recorded

KERNEL = Path(__file__).parents[1] / "conformance/data/migrate-with-active-timer.txt.gz"


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "clean.jsonl"
    path.write_bytes(recorded("timer-wfi", "v4.14").data)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.jsonl"
    path.write_bytes(recorded("spi-level", "v7.2+57", 40).data)
    return path


def objects(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_showing_a_violated_log_is_no_failure(cli: Cli, broken: Path) -> None:
    done = cli("log", "show", broken)
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("violated after ")
    done = cli("log", "show", broken, "--json")
    assert (done.code, done.summary["verdict"]) == (0, "violated")


def test_fields_have_one_name_each(cli: Cli, broken: Path) -> None:
    *lines, _ = objects(cli("log", "show", broken, "--json"))
    assert lines
    names = {"type", "seq", "t", "step", "task", "event", "pcpu", "vcpu", "intid", "vintid",
             "life", "life_id", "message_id", "text", "story"}  # fmt: skip
    assert {frozenset(line) for line in lines} == {frozenset(names)}
    stored = {line["seq"]: line for line in recorded("spi-level", "v7.2+57", 40).lines}
    for line in lines:
        own = stored[line["seq"]]
        assert (line["t"], line["step"], line["event"]) == (own["t"], own["step"], own["event"])
        assert own.get("life") in (None, line["life"])


def test_filters(cli: Cli, clean: Path) -> None:
    every = cli("log", "show", clean, "--columns").out.splitlines()
    some = cli("log", "show", clean, "--columns", "--event", "entry,exit", "--steps", "10:60")
    assert some.code == 0
    lines = some.out.splitlines()[2:-2]
    assert lines
    assert set(lines) < set(every)
    assert all(line.split()[5] in ("entry", "exit") for line in lines)
    for line in cli("log", "show", clean, "--columns", "--actor", "v").out.splitlines()[2:-2]:
        assert line.split()[2].startswith("v")
    lives = objects(cli("log", "show", clean, "--irq", "27", "--vcpu", "0", "--json"))
    assert {line["vintid"] for line in lives[:-1]} == {27}
    cli("log", "show", clean, "--event", "entri").refused("unknown event 'entri'", "'entry'")
    cli("log", "show", clean, "--steps", "9:3").refused("--steps '9:3'", "ends before it begins")


def test_the_same_filters_by_other_names(cli: Cli, clean: Path) -> None:
    one = cli(
        "log", "show", clean, "--json", "--irq", "27", "--actor", "v", "--time", "10050:10200"
    )
    two = cli(
        "log",
        "show",
        clean,
        "--json",
        "--intid",
        "27",
        "--task",
        "v0",
        "--from",
        "10050",
        "--to",
        10200,
    )
    assert one.out == two.out
    assert len(objects(one)) > 1
    assert all(10050 <= line["t"] <= 10200 for line in objects(two)[:-1])
    cli("log", "show", clean, "--time", "1:2", "--from", "1").refused("--time and --from")
    cli("log", "show", clean, "--from", "9", "--to", "1").refused("ends before it begins")


def test_a_summary_counts_what_is_chosen(cli: Cli, clean: Path, broken: Path) -> None:
    whole = objects(cli("log", "summary", clean, "--json"))[0]
    some = objects(cli("log", "summary", clean, "--json", "--event", "entry,exit"))[0]
    assert some["kinds"] == {kind: whole["kinds"][kind] for kind in ("entry", "exit")}
    assert some["tasks"] == {}
    assert some["interrupts"] == []
    timer = objects(cli("log", "summary", broken, "--json", "--intid", "27"))[0]
    assert timer["interrupts"] != []
    assert {row.get("vintid", row.get("intid")) for row in timer["interrupts"]} == {27}
    assert timer["violations"] != []


def test_a_difference_in_what_is_chosen(cli: Cli, clean: Path, broken: Path) -> None:
    assert cli("log", "diff", clean, broken).code == 4
    assert cli("log", "diff", clean, clean, "--event", "entry").code == 0
    found = cli("log", "diff", clean, broken, "--event", "entry", "--json").summary
    assert {line["event"] for line in found["before"] + found["a"] + found["b"]} == {"entry"}


def test_sql_over_what_is_chosen(cli: Cli, clean: Path) -> None:
    query = "select distinct event from facts order by 1"
    done = cli("log", "sql", clean, query, "--event", "entry,exit", "--csv")
    assert done.out.split() == ["event", "entry", "exit"]
    done = cli("log", "sql", clean, "select count(*) from steps", "--task", "v0", "--csv")
    every = cli("log", "sql", clean, "select count(*) from steps where task = 'v0'", "--csv")
    assert done.out == every.out


def test_summary(cli: Cli, clean: Path, broken: Path) -> None:
    done = cli("log", "summary", clean, broken)
    assert done.code == 0
    assert "timer-wfi, variant v4.14; " in done.out
    assert "VIOLATED L1: LOST: " in done.out
    *logs, summary = objects(cli("log", "summary", clean, broken, "--json"))
    assert [log["verdict"] for log in logs] == ["clean", "violated"]
    assert summary["logs"] == 2
    broken_rules = [x.rule for x in recorded("spi-level", "v7.2+57", 40).violations]
    assert [violation["rule"] for violation in summary["violations"]] == broken_rules
    timer = next(row for row in logs[0]["interrupts"] if row["vintid"] == 27)
    assert timer["whole"] >= 1
    assert timer["to_ack_steps"]["least"] > 0
    assert sum(logs[0]["kinds"].values()) == logs[0]["facts"]


def test_one_interrupt(cli: Cli, clean: Path) -> None:
    done = cli("log", "irq", 27, clean, "--life", 1)
    assert done.code == 0
    assert "v0/27/1: INTID 27 of VCPU 0, life 1" in done.out
    assert "acked" in done.out
    took = done.out.splitlines()[-1]
    assert took.startswith("  took: to inject ")
    life, summary = objects(cli("log", "irq", 27, clean, "--life", 1, "--json"))
    assert summary["lives"] == 1
    assert f"to ack {life['to_ack_steps']} steps, {life['to_ack_ns']} ns" in took
    assert life["acked_step"] - life["asserted_step"] == life["to_ack_steps"]
    cli("log", "irq", 99, clean).refused("says nothing of interrupt 99", "27")


def test_timeline(cli: Cli, clean: Path) -> None:
    done = cli("log", "timeline", clean)
    head, *rows = done.out.splitlines()
    assert head.split() == ["time/ns", "step", "task", "CPU", "0", "v0", "v0/27"]
    assert any("asserted" in row for row in rows)
    *changes, summary = objects(cli("log", "timeline", clean, "--json", "--irq", "27"))
    assert summary["rows"] <= len(changes)
    at: dict[str, str] = {}
    for change in changes:
        if change["lane"] == "v0/27":
            assert change["before"] == at.get("v0/27", "idle")
            at["v0/27"] = change["after"]
    assert at["v0/27"] == "idle"


def test_diff(cli: Cli, clean: Path, broken: Path, tmp_path: Path) -> None:
    assert cli("log", "diff", clean, clean).code == 0
    done = cli("log", "diff", clean, broken)
    assert done.code == 4
    assert "scenario: timer-wfi | spi-level" in done.out
    assert "verdict: clean | violated" in done.out
    # Some lines less: the first difference is there, with what was before it.
    lines = clean.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if '"event":"guest-ack"' in line)
    header = json.loads(lines[0])
    header["facts"].remove("guest-eoi")
    kept = [json.dumps(header) + "\n", *(x for x in lines[1:] if '"event":"guest-eoi"' not in x)]
    other = tmp_path / "other.jsonl"
    other.write_text("".join(kept))
    found = cli("log", "diff", clean, other, "--json", "--context", 2)
    assert (found.code, found.summary["same"]) == (4, False)
    assert found.summary["counts"] == {"guest-eoi": [2, 0]}
    assert found.summary["a"][0]["event"] == "guest-eoi"
    assert found.summary["lines_in_common"] >= at - 1
    assert len(found.summary["before"]) == 2


def test_sql(cli: Cli, clean: Path, broken: Path, tmp_path: Path) -> None:
    query = "select scenario, count(*) as n from lives group by all order by 1"
    done = cli("log", "sql", clean, broken, query)
    assert done.code == 0
    head, *rows = done.out.splitlines()
    assert head.split() == ["scenario", "n"]
    assert [row.split()[0] for row in rows] == ["spi-level", "timer-wfi"]
    *found, summary = objects(cli("log", "sql", clean, broken, query, "--json"))
    assert [row["values"]["scenario"] for row in found] == ["spi-level", "timer-wfi"]
    assert (summary["rows"], summary["columns"]) == (2, ["scenario", "n"])
    text = cli("log", "sql", clean, "select 'a,b' as x, null as y", "--csv").out
    assert text == 'x,y\n"a,b",\n'
    out = tmp_path / "x.parquet"
    assert cli("log", "sql", clean, "select * from facts", "--parquet", out).code == 0
    assert out.read_bytes()[:4] == b"PAR1"
    cli("log", "sql", clean, "select * from facts", "--parquet", out).refused("it exists")
    cli("log", "sql", clean, "selec 1").refused("SQL: ", "selec")
    cli("log", "sql", "select 1").refused("expected a log and then a query")
    cli("log", "sql", clean, "select 1", "--csv", "--json").refused("exclude each other")


def test_fields_and_schema(cli: Cli) -> None:
    assert json.loads(cli("log", "schema").out)["title"].endswith("format 2")
    text = cli("log", "fields").out
    assert all(f"\n{kind}: " in f"\n{text}" for kind in REGISTRY)
    *events, summary = objects(cli("log", "fields", "--json"))
    assert summary["count"] == len(events) == len(REGISTRY)
    (entry, _) = objects(cli("log", "fields", "entry", "--json"))
    assert entry["fields"]["vcpu"] == {"type": "int", "always": True}
    assert "any number of value.NAME" in cli("log", "fields", "violation").out
    cli("log", "fields", "entri").refused("did you mean 'entry'")


def test_export(cli: Cli, clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.pftrace"
    done = cli("export", "perfetto", clean, "-o", out)
    assert (done.code, done.out) == (0, "")
    assert out.stat().st_size > 1_000
    assert list(tmp_path.glob("*.partial")) == []
    cli("export", "perfetto", clean, "-o", out).refused("nothing is overwritten")
    cli("export", "perfetto", clean, "-o", tmp_path / "no" / "x").refused("cannot write")
    cli("export", "perfetto", tmp_path / "none", "-o", tmp_path / "y").refused("cannot read")
    assert not (tmp_path / "y").exists()


def test_a_kernel_trace_in_the_place_of_a_log(cli: Cli, tmp_path: Path) -> None:
    cli("log", "check", KERNEL).refused("is a kernel trace", "trace check")
    done = cli("log", "show", KERNEL, "--columns", "--event", "guest-ack")
    assert done.code == 0
    assert done.out.count("guest IAR = 27") > 3
    (figures, summary) = objects(cli("log", "summary", KERNEL, "--json"))
    assert (figures["source"], summary["verdict"]) == ("trace", "inconclusive")
    timers = [row for row in figures["interrupts"] if row.get("vintid") == 27]
    assert sum(row["whole"] for row in timers) > 5
    assert all(row["to_ack_ns"]["least"] > 0 for row in timers if row["to_ack_ns"])
    life = objects(cli("log", "irq", 27, KERNEL, "--vcpu", 3, "--life", 2, "--json"))[0]
    assert life["life"] == "v3/27/2"
    assert life["asserted_t"] <= life["in_lr_t"] <= life["acked_t"] <= life["deactivated_t"]
    assert "v3/27" in cli("log", "timeline", KERNEL).out.splitlines()[0]
    assert cli("log", "diff", KERNEL, KERNEL).code == 0
    rows = objects(cli("log", "sql", KERNEL, "select life_id from lives", "--json"))
    assert {"v3/27/2"} <= {row["values"]["life_id"] for row in rows[:-1]}
    out = tmp_path / "x.pftrace"
    assert cli("export", "perfetto", KERNEL, "-o", out, "--clock", "ns").code == 0
    assert out.stat().st_size > 10_000


def test_events_of_a_campaign_on_stderr(cli: Cli) -> None:
    given = (
        *("stress", "timer-wfi", "--variant", "v7.2+1", "--schedules", 60, "--jobs", 1),
        *("--no-shrink", "--engine", "direct", "--seed", 7),
    )
    done = cli(*given, "--log-json")
    assert done.code == 1
    said = [json.loads(line) for line in done.err.splitlines()]
    names = [event["event"] for event in said]
    assert names[0] == "campaign began"
    assert {"entry began", "worker started", "violation", "evidence written"} <= set(names)
    assert {event["campaign"] for event in said} == {"stress-7"}
    log = Path(said[-1]["path"])
    assert json.loads(log.read_text().splitlines()[0])["seed"] is not None
    done = cli(*given, "-v")
    assert "  warning: violation (scenario timer-wfi, variant v7.2+1, worker 1, " in done.err
    assert done.err.startswith("stress: seed=7 ")
    done = cli(*given)
    assert "violation (" not in done.err


def test_a_bad_chain_is_said_before_a_campaign(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.vgic-race]\nlog_processors = ["a:b"]\n')
    monkeypatch.chdir(tmp_path)
    for command in (("stress", "timer-wfi", "--schedules", 10), ("run", "timer-wfi")):
        cli(*command).refused("log processor 'a:b'", "cannot import 'a'")
