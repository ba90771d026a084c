"""Reads a log back, typed; says in which line a file is no log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness import intake
from harness.errors import UsageError
from harness.log.bounds import check_fact, check_meta, check_setting
from harness.log.flat import fact_from, violation_from
from harness.log.registry import (
    FORMAT,
    REGISTRY,
    Footer,
    Header,
    Meta,
    Rest,
    Step,
    ViolationLine,
)
from model.check.rule import ERAS
from model.facts import KINDS, Fact

__all__ = ["Entry", "Log", "facts_of", "header_of", "parse_log", "read_header", "read_log"]

RECORDS: dict[str, Any] = {"header": Header, "step": Step, "rest": Rest, "footer": Footer}
COUNT = "count."


class Entry(NamedTuple):
    """A line between header and footer: what all have in common, and the record or fact itself."""

    meta: Meta
    record: "Step | Rest | ViolationLine | Fact"


class Log(NamedTuple):
    """A whole log; ``footer`` is None only where a missing one was asked to be tolerated."""

    header: Header
    entries: list[Entry]
    footer: Footer | None


def bad(path: Path, line: int, why: str) -> UsageError:
    """Say that a file is no log of this program, and where."""
    return UsageError(f"log {str(path)!r}, line {line}: {why}")


def none(path: Path, line: int, kind: str, why: object) -> UsageError:
    """Say that a line is not what it says it is."""
    return bad(path, line, f"a {kind!r} line that is none: {why}")


def lines_of(path: Path) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """Yield each line's number, object, and whether it ends as a whole line does."""
    yield from lines_in(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        UsageError: it cannot be read, or is too long to be a log.

    """
    try:
        return intake.read_bytes(path, intake.LOG_MAX)
    except UsageError as error:
        raise UsageError(f"cannot read the log {str(path)!r}: {error}") from None


def lines_in(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """Yield the lines of a log's content, which ``path`` names.

    Raises:
        UsageError: it is empty, or a line other than a last, cut-off one is no JSON object.

    """
    if not data.strip():
        raise UsageError(f"log {str(path)!r} is empty, expected a header in line 1")
    lines = data.split(b"\n")
    whole = lines[-1] == b""
    if whole:
        lines.pop()
    for number, line in enumerate(lines, 1):
        last = number == len(lines)
        try:
            value = msgspec.json.decode(line)
        except RecursionError:
            raise bad(path, number, "nested too deep, expected one flat object per line") from None
        except (msgspec.DecodeError, ValueError):  # of a number with thousands of digits, too
            if last and not whole and number > 1:
                yield number, {}, False
                return
            raise bad(path, number, "not JSON, expected one object per line") from None
        if not isinstance(value, dict) or not isinstance(value.get("event"), str):
            raise bad(path, number, "not a log line, expected an object with an 'event'")
        yield number, value, whole or not last


def typed(path: Path, number: int, line: dict[str, Any]) -> Any:
    """Return the record or fact of a line.

    Raises:
        UsageError: the event is unknown, or a field is missing or not of its type.

    """
    kind = line["event"]
    if kind not in REGISTRY:
        raise bad(path, number, f"unknown event {kind[:40]!r}")
    try:
        if kind in KINDS:
            return fact_from(line)
        if kind == "violation":
            return ViolationLine(line["seq"], line["t"], violation_from(line), line["text"])
        if kind == "footer":
            counts = {k[len(COUNT) :]: v for k, v in line.items() if k.startswith(COUNT)}
            line = {**line, "counts": counts}
        return msgspec.convert(line, RECORDS[kind])
    except (msgspec.ValidationError, KeyError) as error:
        raise none(path, number, kind, error) from None


def check_header(path: Path, line: dict[str, Any]) -> Header:
    """Return the header, which must be line 1 and of this format.

    Raises:
        UsageError: it is another line, of another format, or says what cannot be.

    """
    if line["event"] != "header":
        raise bad(path, 1, f"expected the header, found {line['event'][:40]!r}")
    if line.get("format") != FORMAT:
        version = line.get("version")
        by = f" of vgic-race {version[:40]}" if isinstance(version, str) else ""
        raise bad(path, 1, f"format {str(line.get('format'))[:40]}{by}, expected format {FORMAT}")
    header = typed(path, 1, line)
    assert isinstance(header, Header)
    if header.era not in ERAS:
        raise bad(path, 1, f"era {header.era[:40]!r}, expected {' or '.join(ERAS)}")
    if why := check_setting(header.setting):
        raise bad(path, 1, f"the setting is none: {why}")
    for kind in header.facts:
        if kind not in KINDS:
            raise bad(path, 1, f"facts: unknown kind {kind[:40]!r}")
    return header


def read_header(path: Path) -> Header:
    """Read the first line only.

    Raises:
        UsageError: the file is no log.

    """
    return check_header(path, next(lines_of(path))[1])


def header_of(data: bytes, path: Path) -> Header:
    """Read the first line of a log's content, as :func:`read_header` does; ``path`` names it.

    Raises:
        UsageError: it is no log.

    """
    return check_header(path, next(lines_in(data, path))[1])


def read_log(path: Path, *, partial: bool = False) -> Log:
    """Read a whole log; ``partial`` tolerates one that ends early.

    Raises:
        UsageError: the file is no log, or is cut off: in which line.

    """
    return parse_log(read_bytes(path), path, partial=partial)


def parse_log(data: bytes, path: Path, *, partial: bool = False) -> Log:
    """Read a whole log from its content, as :func:`read_log` does; ``path`` names it in errors.

    Raises:
        UsageError: it is no log, or not a whole one and not ``partial``.

    """
    header: Header | None = None
    footer: Footer | None = None
    entries: list[Entry] = []
    number, seq = 0, 1
    for number, line, whole in lines_in(data, path):
        if footer is not None:
            raise bad(path, number, "there is something after the footer")
        if not whole:
            if partial:
                break
            raise bad(path, number, "the log is truncated here, in the middle of a line")
        if header is None:
            header = check_header(path, line)
            continue
        record = typed(path, number, line)
        seq = check_seq(header, seq, path, number, line)
        if isinstance(record, Footer):
            footer = record
        elif isinstance(record, Header):
            raise bad(path, number, "a second header")
        else:
            if isinstance(record, Fact) and (why := check_fact(record, header)):
                raise none(path, number, record.KIND, why)
            entries.append(Entry(meta_of(path, number, line), record))
    assert header is not None
    if footer is None and not partial:
        raise bad(path, number, "the log is truncated after this line: there is no footer")
    return Log(header, entries, footer)


def check_seq(header: Header, before: int, path: Path, number: int, line: dict[str, Any]) -> int:
    """Return the line's ``seq``, which is its number; if kinds were left out there may be gaps.

    Raises:
        UsageError: a line is missing before it.

    """
    seq = line.get("seq")
    if type(seq) is not int or (seq != number and (header.is_whole or seq <= before)):
        raise bad(path, number, f"seq is {str(seq)[:40]}: a line is missing before it")
    return seq


def meta_of(path: Path, number: int, line: dict[str, Any]) -> Meta:
    """Return what all lines have in common.

    Raises:
        UsageError: a common field is missing or not of its type.

    """
    try:
        meta = msgspec.convert({"task": "", **line}, Meta)
    except msgspec.ValidationError as error:
        raise none(path, number, line["event"], error) from None
    if why := check_meta(meta):
        raise none(path, number, meta.event, why)
    return meta


def facts_of(path: Path, *, partial: bool = False) -> Iterator[tuple[Meta, Fact]]:
    """Yield the facts of a stored log in order, each with its time, step, task and place.

    Raises:
        UsageError: the file is no log.

    """
    for meta, record in read_log(path, partial=partial).entries:
        if isinstance(record, Fact):
            yield meta, record
