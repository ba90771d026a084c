"""A campaign's record: what was found and what was run, a line for each as soon as it is known.

``campaign.record`` in the campaign's folder has JSON lines: first the plan, then a line per finding
and one per batch that came in. So whatever ends a campaign, what it found and did is on disk; it
can be told, gone on with, and folded with others (``merge``, ``stress --resume``). The file is
locked as long as the campaign runs, so that a later one can tell it from one that was cut off.

What cannot be written, as the disk is full, is tried again with each further line.
"""

import bisect
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from harness.campaign.batches import BatchResult, Finding
from harness.campaign.buckets import SHORTEST
from harness.campaign.plan import Plan
from harness.errors import UsageError
from harness.places import cannot
from harness.search.same import Kind, kind_of

__all__ = ["NAME", "Past", "Record", "is_running", "origins_of", "read_record"]

NAME: Final = "campaign.record"
FORMAT: Final = 1
WHOLE_MOST: Final = 1000
"""Of one kind and entry so many failing schedules are written whole, and the shortest others."""


class Begun(msgspec.Struct, frozen=True, tag="campaign", tag_field="type"):
    """The first line, and one more whenever the campaign goes on.

    ``origins`` says of each entry with which code it is run, ``seconds`` is the wall time that was
    given, if it was.
    """

    format: int
    version: str
    began: str
    plan: Plan
    origins: tuple[str, ...]
    seconds: float | None = None


class FoundLine(msgspec.Struct, frozen=True, tag="finding", tag_field="type"):
    """An execution that failed."""

    entry: int
    finding: Finding


class BatchLine(msgspec.Struct, frozen=True, tag="batch", tag_field="type"):
    """A batch that came in; its findings, numbered ``failing``, stand in lines of their own."""

    result: BatchResult
    failing: tuple[int, ...] = ()


Line = Begun | FoundLine | BatchLine


class Past(msgspec.Struct):
    """What a record says: the plan, and what each entry has come to.

    Attributes:
        folder: where it lies.
        begun: its first line.
        results: of each entry the batches that came in.
        loose: of each entry the findings of batches that did not.

    """

    folder: Path
    begun: Begun
    results: list[list[BatchResult]]
    loose: list[list[Finding]]

    @property
    def plan(self) -> Plan:
        """What was to be run."""
        return self.begun.plan


class Record:
    """Writes a campaign's record.

    ``error`` says why something could not be written yet, "" if all is there.

    Args:
        path: the file; it is made, or gone on with.

    Raises:
        WriteError: it cannot be opened.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error = ""
        self.pending: list[bytes] = []
        self.counts: dict[tuple[int, Kind], int] = {}
        self.shortest: dict[tuple[int, Kind], list[int]] = {}
        try:
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise cannot("write", path, error.strerror) from None
        lock(self.file)
        self.good = whole(path, self.file)

    def begin(self, plan: Plan, began: str, seconds: float | None) -> None:
        """Write the first line."""
        from harness.log.record import program_version

        lasting = msgspec.structs.replace(plan, deadline=None)
        self.write(Begun(FORMAT, program_version(), began, lasting, origins_of(plan), seconds))

    def found(self, entry: int, finding: Finding) -> None:
        """Write a finding; one of very many of its kind without what replays it."""
        key = entry, kind_of(finding.violations[0])
        count = self.counts[key] = self.counts.get(key, 0) + 1
        shortest = self.shortest.setdefault(key, [])
        if len(shortest) < SHORTEST or finding.steps < shortest[-1]:
            bisect.insort(shortest, finding.steps)
            del shortest[SHORTEST:]
        elif count > WHOLE_MOST:
            finding = msgspec.structs.replace(finding, schedule="")
        self.write(FoundLine(entry, finding))

    def ran(self, result: BatchResult) -> None:
        """Write what a batch came to."""
        failing = tuple(finding.index for finding in result.findings)
        self.write(BatchLine(msgspec.structs.replace(result, findings=[]), failing))

    def write(self, line: Line) -> None:
        """Write a line, and what could not be written before."""
        self.pending.append(msgspec.json.encode(line) + b"\n")
        self.flush()

    def flush(self) -> None:
        """Try to write what is left."""
        try:
            while self.pending and self.put(self.pending[0]):
                self.pending.pop(0)
            self.error = ""
            if self.pending:
                self.error = str(cannot("write", self.path, "no space left on device"))
        except OSError as error:
            self.error = str(cannot("write", self.path, error.strerror))

    def put(self, data: bytes) -> bool:
        """Write a line, or nothing of it: behind a piece of a line nothing could be read."""
        done = os.write(self.file, data)
        if done < len(data):
            os.ftruncate(self.file, self.good)
            done = os.write(self.file, data)
        if done < len(data):
            os.ftruncate(self.file, self.good)
            return False
        self.good += done
        return True

    def close(self) -> None:
        """Let go of the file; it is not locked any more then."""
        self.flush()
        os.close(self.file)


def origins_of(plan: Plan) -> tuple[str, ...]:
    """Return of each entry digests of what it is run with.

    Raises:
        UsageError: a scenario or a variant cannot be had.
    """
    origins = (spec.origin() for spec in plan.specs)
    return tuple(f"{each.scenario},{each.variant},{each.code}" for each in origins)


def whole(path: Path, file: int) -> int:
    """Cut off a last line that is a piece only; return how long the file is then."""
    data = path.read_bytes()
    good = data.rfind(b"\n") + 1
    if good < len(data):
        os.ftruncate(file, good)
    return good


def lock(file: int) -> bool:
    """Lock a file for this process; tell whether nobody else has it."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_running(folder: Path) -> bool:
    """Tell whether a campaign still writes the record in this folder."""
    try:
        file = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not lock(file)
    finally:
        os.close(file)


def read_record(folder: Path) -> Past:
    """Read the record in a campaign's folder. A last line that is cut off is left out.

    Raises:
        UsageError: there is none, or it is no record: which line, and what is wrong with it.

    """
    path = folder / NAME
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{str(folder)!r} is no campaign of stress: cannot read {NAME}: {why}"
        ) from None
    decode = msgspec.json.Decoder(Line).decode
    read: list[Any] = []
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            break
        try:
            read.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(
                f"{str(path)!r}, line {number}: no line of a campaign: {error}"
            ) from None
    if not read or not isinstance(read[0], Begun):
        raise UsageError(f"{str(path)!r}: expected the plan of a campaign in line 1")
    if read[0].format != FORMAT:
        raise UsageError(f"{str(path)!r}: format {read[0].format}, expected {FORMAT}")
    return past_of(folder, read[0], read[1:])


def past_of(folder: Path, begun: Begun, lines: list[Any]) -> Past:
    """Put findings and batches together.

    Raises:
        UsageError: a line is of an entry that the plan has not.

    """
    entries = len(begun.plan.specs)
    findings: list[dict[int, Finding]] = [{} for _ in range(entries)]
    results: list[list[BatchResult]] = [[] for _ in range(entries)]
    for line in lines:
        if isinstance(line, Begun):
            begun = line  # it was gone on with: with another budget, perhaps
            continue
        entry = line.entry if isinstance(line, FoundLine) else line.result.entry
        number = line.finding.index if isinstance(line, FoundLine) else line.result.first
        if number < 0:
            continue  # a kept failure, which is no schedule of the campaign
        if not 0 <= entry < entries:
            raise UsageError(f"{str(folder / NAME)!r}: no entry {entry}, the plan has {entries}")
        if isinstance(line, FoundLine):
            known = findings[entry].get(line.finding.index)
            if known is None or not known.schedule:
                findings[entry][line.finding.index] = line.finding
            continue
        line.result.findings = [findings[entry][i] for i in line.failing if i in findings[entry]]
        results[entry].append(line.result)
    told = [{f.index for result in some for f in result.findings} for some in results]
    loose = [
        [finding for index, finding in sorted(found.items()) if index not in told[entry]]
        for entry, found in enumerate(findings)
    ]
    return Past(folder, begun, results, loose)
