"""Logs as tables of typed columns: what ``log sql`` puts before a query.

Each row has what it is from: ``log`` (the file), ``execution`` (an id: the same scenario, variant
and choices have the same), ``campaign`` (the folder), ``scenario``, ``variant``, ``verdict``. A
field that is of another type in some kinds of facts is a column of its own there, ``KIND_FIELD``.
"""

import types
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec

from harness.errors import UsageError
from harness.log.chain import execution_id
from harness.log.flat import fact_fields
from harness.log.latency import LATENCIES, LifeRow, life_rows
from harness.log.registry import Step, ViolationLine, describe
from harness.log.schema import fields_of
from harness.log.select import Selection
from harness.log.source import Source, Told, name_life, told
from harness.log.stages import MILESTONES
from model.facts import KINDS, Fact

__all__ = ["TABLES", "entries_of", "rows_of"]

EVERYTHING = Selection()
Row = dict[str, Any]
Columns = dict[str, str]

TEXT, BOOL, INT, WIDE, INTS, TEXTS = (
    "VARCHAR",
    "BOOLEAN",
    "BIGINT",
    "UBIGINT",
    "INTEGER[]",
    "VARCHAR[]",
)
UNSIGNED = {"cval", "seed"}
REGISTERS = {("hcr", "value")}
"""Fields whose upper half of 64 bits is used, in all kinds of facts or in one."""
FROM: Columns = {
    "log": TEXT, "campaign": TEXT, "execution": TEXT, "scenario": TEXT, "variant": TEXT,
    "verdict": TEXT,
}  # fmt: skip
EVERY: Columns = {
    "seq": INT, "t": INT, "step": INT, "task": TEXT, "event": TEXT, "pcpu": INT, "vcpu": INT,
}  # fmt: skip


def sql_type(name: str, kind: Any) -> str:
    """Return the column type of a field."""
    if get_origin(kind) is Annotated:
        return sql_type(name, get_args(kind)[0])
    if get_origin(kind) is types.UnionType:
        return sql_type(name, next(x for x in get_args(kind) if x is not type(None)))
    if get_origin(kind) is tuple:
        return TEXTS if get_args(kind)[0] is str else INTS
    return {bool: BOOL, str: TEXT, int: WIDE if name in UNSIGNED else INT}[kind]


@cache
def fact_columns() -> tuple[Columns, dict[tuple[str, str], str]]:
    """Return the columns of the fields of all facts, and what some are called in some kinds."""
    found: dict[str, dict[str, str]] = {}
    for kind in KINDS:
        for field in fields_of(kind):
            if field.name not in EVERY and field.name not in ("life", "vc"):
                sql = WIDE if (kind, field.name) in REGISTERS else sql_type(field.name, field.type)
                found.setdefault(field.name, {})[kind] = sql
    columns: Columns = {}
    renamed: dict[tuple[str, str], str] = {}
    for name, of_kind in found.items():
        usual = Counter(of_kind.values()).most_common(1)[0][0]
        columns[name] = usual
        for kind, sql in of_kind.items():
            if sql != usual:
                other = f"{kind.replace('-', '_')}_{name}"
                columns[other] = sql
                renamed[kind, name] = other
    return columns, renamed


def facts_table() -> Columns:
    """Return the columns of ``facts``."""
    own = {"life": INT, "life_id": TEXT, "message_id": TEXT}
    return {**FROM, **EVERY, **fact_columns()[0], **own, "text": TEXT, "vc": INTS}


LIVES: Columns = {
    "life_id": TEXT, "vcpu": INT, "intid": INT, "number": INT, "began_step": INT, "began_t": INT,
    "ended_step": INT, "ended_t": INT, "events": INT, "acks": INT, "is_whole": BOOL,
    **{f"{name}_{unit}": INT for name in MILESTONES for unit in ("step", "t")},
    **{f"{name}_{unit}": INT for name in LATENCIES for unit in ("steps", "ns")},
}  # fmt: skip

TABLES: dict[str, Columns] = {
    "steps": {**FROM, **EVERY, "op": TEXT, "phase": TEXT, "vc": INTS},
    "facts": facts_table(),
    "lives": {**FROM, **LIVES},
    "violations": {
        **FROM, "seq": INT, "t": INT, "step": INT, "type": TEXT, "rule": TEXT, "alarm": TEXT,
        "pcpu": INT, "vcpu": INT, "intid": INT, "vintid": INT, "text": TEXT,
    },
    "campaign": {
        **FROM, "source": TEXT, "era": TEXT, "seed": WIDE, "schedule": TEXT, "complete": BOOL,
        "bound": TEXT, "rules": TEXTS, "steps": INT, "facts": INT, "ns": INT, "pcpus": INT,
        "vcpus": INT, "lrs": INT, "gic_version": INT, "version": TEXT,
    },
    "entries": {
        "campaign": TEXT, "scenario": TEXT, "variant": TEXT, "verdict": TEXT, "schedules": INT,
        "steps": INT, "seconds": "DOUBLE", "steps_per_second": "DOUBLE",
    },
}  # fmt: skip
"""The tables, by name: columns and their SQL types."""


def origin_of(source: Source) -> Row:
    """Return what every row of a log has."""
    out: Row = {"log": source.name, "campaign": Path(source.name).resolve().parent.name}
    if source.log is None:
        return out
    header, footer = source.log.header, source.log.footer
    return {
        **out,
        "execution": execution_id(header.schedule),
        "scenario": header.scenario,
        "variant": header.variant,
        "verdict": footer.verdict if footer else None,
    }


def rows_of(source: Source, keep: Selection = EVERYTHING) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a log or trace, each with the name of its table.

    Of ``steps`` and ``facts`` only those that ``keep`` chooses; lives, violations and counts are of
    the whole.
    """
    origin = origin_of(source)
    lines: list[Told] = []
    last, rules = None, []
    count = 0
    for line in told(source):
        meta, record = last, _ = line.entry
        kept = keep.keeps(line)
        if isinstance(record, Step):
            if not kept:
                continue
            row = {"op": record.op, "phase": record.phase, "vc": record.vc}
            yield "steps", {**origin, **every(line), **row}
        elif isinstance(record, Fact):
            count += 1
            if kept:
                yield "facts", {**origin, **fact_row(line, record)}
            if line.is_about:
                lines.append(line)
        elif isinstance(record, ViolationLine):
            rules.append(record.violation.rule)
            yield "violations", {**origin, **violation_row(meta.seq, record)}
    for life in life_rows(lines):
        yield "lives", {**origin, **life_row(life)}
    yield (
        "campaign",
        {
            **origin,
            **figures(source),
            "rules": rules,
            "facts": count,
            "ns": None if last is None else last.t,
        },
    )


def every(line: Told) -> Row:
    """Return what all lines have in common."""
    meta = line.entry.meta
    return {name: getattr(meta, name) for name in EVERY}


def fact_row(line: Told, fact: Fact) -> Row:
    """Return the row of a fact."""
    columns, renamed = TABLES["facts"], fact_columns()[1]
    kind, meta = fact.KIND, line.entry.meta
    row = every(line)
    # A kind of fact that only traces of kernels have is told by its text alone.
    for name, value in fact_fields(fact).items() if kind in KINDS else ():
        column = renamed.get((kind, name), name)
        # Of what has no sign, -1 says that it is not known.
        row[column] = None if columns[column] == WIDE and value < 0 else value
    if line.is_about and line.life is not None:
        row["life"], row["life_id"] = line.life.number, name_life(line.life)
    return {**row, "message_id": line.message or None, "text": describe(fact), "vc": meta.vc}


def life_row(life: LifeRow) -> Row:
    """Return the row of a life."""
    row = life.flat()
    row["life_id"] = row.pop("life")
    return row


def violation_row(seq: int, line: ViolationLine) -> Row:
    """Return the row of a violation."""
    violation = line.violation
    subject = violation.subject
    numbers = {name: getattr(subject, name) for name in ("pcpu", "vcpu", "intid", "vintid")}
    return {
        "seq": seq, "t": line.t, "step": violation.step, "type": violation.type,
        "rule": violation.rule, "alarm": violation.alarm, "text": line.text,
        **{name: value for name, value in numbers.items() if value >= 0},
    }  # fmt: skip


def figures(source: Source) -> Row:
    """Return what header and footer say of an execution."""
    row: Row = {"source": source.kind}
    if source.log is None:
        return row
    header, footer = source.log.header, source.log.footer
    for name in ("era", "seed", "schedule", "version"):
        row[name] = getattr(header, name)
    for name in ("pcpus", "vcpus", "lrs", "gic_version"):
        row[name] = getattr(header.setting, name)
    row["complete"] = footer is not None
    if footer is not None:
        row |= {"bound": footer.bound, "steps": footer.steps}
    return row


class Entry(msgspec.Struct):
    """An entry of a campaign's summary, as far as it is asked for."""

    scenario: str
    variant: str
    verdict: str
    schedules: int
    steps: int
    seconds: float
    steps_per_second: float


class Summary(msgspec.Struct):
    """A campaign's summary."""

    entries: list[Entry]


def entries_of(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a ``campaign.json``.

    Raises:
        UsageError: it cannot be read, or is none.

    """
    try:
        summary = msgspec.json.decode(path.read_bytes(), type=Summary)
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{str(path)!r} is no campaign.json: {error}") from None
    for entry in summary.entries:
        yield "entries", {"campaign": path.resolve().parent.name, **msgspec.structs.asdict(entry)}
