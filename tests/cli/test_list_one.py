"""``list NAME``: every thing that has a name can be explained, and what is said of it is true."""

import pytest

from harness.catalogue.explain import EXPLAIN, MATTERS, explain
from harness.catalogue.mutants import MUTANTS
from harness.catalogue.names import KINDS, names
from harness.catalogue.shows import SHOWS
from harness.cli.stress_plan import choose_variants
from harness.spec import KNOBS, parse_knobs
from model.rules.registry import RULES
from tests.cli.support import Cli
from tests.rule_mutants import TARGET, text


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_explained(kind: str) -> None:
    assert set(EXPLAIN) == set(KINDS)
    for name in names(kind):
        items = [item for item in explain(name) if item["type"] == kind]
        assert [item["name"] for item in items] == [name]
        assert items[0]["title"].strip()


def test_the_mutants_that_are_named_are_those_of_the_tests() -> None:
    assert TARGET.read_text(encoding="utf-8") == text()
    assert set(MUTANTS) == {name for name, rule in RULES.items() if not rule.fault}


def test_a_rule() -> None:
    (item,) = explain("r12")
    assert item["name"] == "R12"
    assert item["section"] == RULES["R12"].section
    assert item["mutants"] == ["NeverActive on timer-wfi", "ActiveNotRestored on timer-phys"]
    assert "v4.14+23 on timer-wfi" in item["variants"]
    assert {"Entered", "LrWritten"} <= set(item["needs"])
    assert item["holds_with"] == []
    (polled,) = explain("R11")
    assert polled["holds_with"] == ["lr_on_guest_deactivate=polled"]


def test_a_variant_with_what_shows_it() -> None:
    (item,) = explain("44")
    assert item["shown_by"] == {"v7.2+44": "overflow"}
    assert item["command"] == "vgic-race stress overflow --variant v7.2+44"
    assert "6da5e537f5af" in item["source"]
    assert item["rules"] == ["I8"]
    (two,) = explain("v7.2+44+F2")
    assert two["patches"] == ["44", "F2"]


def test_what_has_two_meanings_is_told_twice() -> None:
    assert [item["type"] for item in explain("F2")] == ["variant", "finding"]


def test_commands_that_are_told_can_be_typed() -> None:
    for name in (*names("variant"), *names("knob")):
        for item in explain(name):
            words = item["command"].split()
            if item["type"] == "finding" and not words:
                continue
            assert words[:2] == ["vgic-race", "stress"]
            if "--variant" in words:
                assert choose_variants((words[-1],))
            else:
                assert parse_knobs([words[-1]])
    assert set(MATTERS) == set(KNOBS)
    assert {scenario for scenario, _, _ in SHOWS.values()} <= set(names("scenario"))


def test_in_words_and_as_json(cli: Cli) -> None:
    done = cli("list", "gic_messages")
    assert done.code == 0
    assert done.out.startswith("knob gic_messages: ")
    assert "  values: queued, synchronous, lagging\n" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    done = cli("list", "spin", "--json")
    assert done.summary["count"] == 1
    assert '"form":"spin N MAX"' in done.out.replace(": ", ":")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("R122", ["'R122'", "'R12' (rule)"]),
        ("gic_lagg", ["'gic_lag' (knob)"]),
        ("vcpu_lod", ["'vcpu_load' (hook)"]),
        ("xyzzy" * 300, ["letters left out", "name of a rule, variant"]),
        ("v7.2+99", ["unknown variant 'v7.2+99'"]),
    ],
)
def test_what_is_near(cli: Cli, name: str, words: list[str]) -> None:
    cli("list", name).refused(*words)
