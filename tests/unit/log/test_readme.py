"""The guide to logs has every field of every record, and of what is spread over several fields."""

import msgspec
import pytest

from harness.cli.log import SUBCOMMANDS
from harness.log.latency import LATENCIES
from harness.log.registry import FORMAT, REGISTRY, Footer, Header, Meta, Rest, Step
from harness.log.tables import TABLES
from harness.project import Settings
from model.check.setting import Forwarded, Setting
from model.check.violation import Violation
from model.gic.lr import Lr
from model.identity import Actor, LockId
from tests.replay.support import ROOT

TEXT = (ROOT / "logs" / "README.md").read_text()
RECORDS = (Header, Setting, Forwarded, Meta, Step, Rest, Footer, Lr)


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_is_there(record: type[msgspec.Struct]) -> None:
    for name in record.__struct_fields__:
        word = "count.KIND" if name == "counts" else name
        assert f"`{word}`" in TEXT, f"{record.__name__}.{word} is not in logs/README.md"


def test_identities_and_violations_are_there() -> None:
    for prefix, cls in (("actor", Actor), ("lock", LockId)):
        for name in cls.__struct_fields__:
            assert f"`{prefix}_{name}`" in TEXT
    for name in set(Violation.__struct_fields__) - {"subject", "values"}:
        assert f"`{name}`" in TEXT
    for word in ("actor_*", "lock_*", "value.NAME", "text", "message", "timer", "life"):
        assert f"`{word}`" in TEXT


def test_every_kind_of_record_and_the_format_are_there() -> None:
    assert f"This is format {FORMAT};" in TEXT
    for name in ("header", "step", "rest", "violation", "footer"):
        assert name in REGISTRY
        assert f"| `{name}`" in TEXT


def test_every_command_table_and_setting_is_there() -> None:
    for name in SUBCOMMANDS:
        assert f"vgic-race log {name}" in TEXT
    for name in TABLES:
        assert f"`{name}`" in TEXT
    for name in Settings.__struct_fields__:  # the others are in ``vgic-race help campaigns``
        assert not name.startswith("log_") or f"{name} = " in TEXT
    for name in LATENCIES:
        assert f"`{name}`" in TEXT
