"""What a command is given to look into: a schedule, its compact form, or a log; of any source."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import UsageError
from harness.intake import LOG_MAX, SCHEDULE_MAX, STDIN, read_bytes

if TYPE_CHECKING:
    from harness.engine.schedule import Schedule
    from harness.log.registry import Header

__all__ = ["TARGET_HELP", "Target", "load"]

TARGET_HELP = "a schedule, its compact form, a file with either, a log, or - for standard input"
SUFFIXES = (".jsonl", ".partial")


class Target(NamedTuple):
    """A schedule, and the log that it comes from, if it does.

    ``path`` is where the log is (None: it came through standard input), ``data`` its bytes.
    """

    schedule: "Schedule"
    header: "Header | None" = None
    path: Path | None = None
    data: bytes = b""


def load(text: str) -> Target:
    """Read what is to be looked into.

    Args:
        text: the schedule itself, in either form; else the path of a file that holds one, or of a
            log; ``-`` reads any of these from standard input.

    Raises:
        UsageError: it is none of these, cannot be read, is too long, or garbled.

    """
    from harness.engine.compact import is_compact, unpack
    from harness.engine.schedule import VERSION, Schedule, is_schedule

    if is_schedule(text):
        return Target(Schedule.parse(text))
    if is_compact(text):
        return Target(unpack(text))
    path = Path(text)
    try:
        data = read_bytes(path, LOG_MAX)
    except UsageError as error:
        if text == STDIN:
            raise UsageError(f"standard input: {error}") from None
        if path.suffix in SUFFIXES:
            raise UsageError(f"cannot read the log {text!r}: {error}") from None
        raise UsageError(
            f"{text[:80]!r} is neither a schedule (it would begin with '{VERSION};') "
            f"nor a file that can be read: {error}"
        ) from None
    return read(data, path)


def read(data: bytes, path: Path) -> Target:
    """Tell what the content of a file is, and read it; ``path`` names it in messages.

    Raises:
        UsageError: it is neither a schedule nor a log.

    """
    from harness.engine.compact import is_compact, unpack
    from harness.engine.schedule import Schedule
    from harness.log.reader import header_of

    if path.suffix in SUFFIXES or data.lstrip()[:1] == b"{":
        header = header_of(data, path)
        known = None if str(path) == STDIN else path
        return Target(Schedule.parse(header.schedule), header, known, data)
    if len(data) > SCHEDULE_MAX:
        raise UsageError(f"{str(path)!r} is longer than any schedule ({SCHEDULE_MAX >> 20} MiB)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{str(path)!r} is neither a schedule nor a log: not text") from None
    return Target(unpack(text) if is_compact(text) else Schedule.parse(text))
