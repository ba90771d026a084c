"""The compact form of a schedule: a few lines of base64 that survive a mail.

::

    [BEGIN VGIC-RACE SCHEDULE]
    AQF3...
    [END VGIC-RACE SCHEDULE]

Between the markers is the base64 of one byte for the version of this form, eight of a checksum
(SHA-256), and the schedule compressed (deflate). The scenario, if the schedule carries it, is
compressed with the rest. What mail does to a text is undone: marks of a quotation, other line ends,
blanks, lines broken anew. What is left must be whole: a letter lost or changed is noticed.
"""

import base64
import hashlib
import re
import zlib

import msgspec

from harness.engine.schedule import Schedule
from harness.errors import UsageError
from harness.intake import SCENARIO_MAX, SCHEDULE_MAX

__all__ = ["BEGIN", "END", "is_compact", "pack", "unpack"]

BEGIN = "[BEGIN VGIC-RACE SCHEDULE]"
END = "[END VGIC-RACE SCHEDULE]"
COLUMNS = 72
FORM = b"\x01"
CHECK = 8
"""The bytes of the checksum."""

MARKER = r"\[\s*{0}\s+VGIC-RACE\s+SCHEDULE\s*\]"
FIRST, LAST = (re.compile(MARKER.format(word)) for word in ("BEGIN", "END"))
LEFT_BY_MAIL = re.compile(r"[\s>|=\u00a0\u200b\ufeff]+")
"""What mail puts between the letters: quotation marks, blanks of all kinds, soft line breaks."""
LETTERS = re.compile(r"[A-Za-z0-9+/]*\Z")


def pack(schedule: Schedule) -> str:
    """Return the compact form, lines of at most 72 characters, the last one ended as well."""
    bare = msgspec.structs.replace(schedule, toml="")
    raw = f"{bare}\n{schedule.toml}".encode()
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeezed.compress(raw) + squeezed.flush()
    text = base64.b64encode(FORM + checksum(body) + body).decode().rstrip("=")
    lines = [text[i : i + COLUMNS] for i in range(0, len(text), COLUMNS)]
    return "\n".join([BEGIN, *lines, END, ""])


def checksum(body: bytes) -> bytes:
    """Return what tells a damaged body from a whole one."""
    return hashlib.sha256(FORM + body).digest()[:CHECK]


def is_compact(text: str) -> bool:
    """Tell whether a compact form begins in ``text``, among whatever else a mail has."""
    return FIRST.search(text) is not None


def unpack(text: str) -> Schedule:
    """Read the first compact form in ``text``; what stands before and after it does not count.

    Raises:
        UsageError: it has no end, was damaged on its way, is of another version, or holds no
            schedule.

    """
    first = FIRST.search(text)
    if first is None:
        raise UsageError(f"no compact schedule here, expected a line {BEGIN!r}")
    last = LAST.search(text, first.end())
    if last is None:
        raise UsageError(f"the compact schedule is cut off: no line {END!r} after its beginning")
    letters = LEFT_BY_MAIL.sub("", text[first.end() : last.start()])
    if not LETTERS.match(letters):
        wrong = next(c for c in letters if not LETTERS.match(c))
        raise UsageError(f"the compact schedule is damaged: {wrong!r} is no letter of base64")
    try:
        data = base64.b64decode(letters + "=" * (-len(letters) % 4))
    except ValueError:
        raise UsageError(
            "the compact schedule is damaged: its length is not one of base64"
        ) from None
    form, check, body = data[:1], data[1 : 1 + CHECK], data[1 + CHECK :]
    if form > FORM:
        raise UsageError("the compact schedule was written by a newer version of vgic-race")
    if form != FORM or check != checksum(body):
        raise UsageError("the compact schedule is damaged: its checksum is wrong")
    schedule, _, toml = inflate(body).partition("\n")
    return msgspec.structs.replace(Schedule.parse(schedule), toml=toml)


def inflate(body: bytes) -> str:
    """Undo the compression, of a text of bounded length.

    Raises:
        UsageError: it is not compressed text, or is longer than any schedule.

    """
    most = SCHEDULE_MAX + SCENARIO_MAX
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        raw = inflater.decompress(body, most + 1)
        if len(raw) > most:
            raise UsageError(f"the compact schedule is longer than {most >> 20} MiB when unpacked")
        if not inflater.eof:
            raise UsageError("the compact schedule is damaged: it ends early")
        return raw.decode()
    except (zlib.error, UnicodeDecodeError):
        raise UsageError("the compact schedule is damaged: it is not compressed text") from None
