"""The records of a trace: each line that is an event, typed, with when and where it came.

Reads what ``trace`` of tracefs and ``trace-cmd report`` print. A line is split at its event's name
before any regular expression looks at it: most lines are of events that nobody asks for.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from harness.trace.events import BufferStarted, Event, Lost
from harness.trace.formats import FORMATS, Format, Malformed
from harness.trace.source import LONGEST

__all__ = [
    "CONTEXTS", "HARD_IRQ", "IDLE", "NOWHERE", "SOFT_IRQ", "Counts", "Record", "Where", "records",
]  # fmt: skip


class Where(msgspec.Struct, frozen=True, gc=False):
    """Who ran when an event came: thread, CPU, and the flags of ftrace ("": none printed).

    ``context`` is a number that is the same for events of one flow of control, and different for
    others: the pid in a thread, else a negative number by CPU: idle, softirq, hard IRQ.
    ``hard_irq`` is None where no flags say.
    """

    comm: str
    pid: int
    cpu: int
    flags: str
    hard_irq: bool | None
    context: int


NOWHERE = Where("", -1, -1, "", None, 0)


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event: the ``line`` that it is in (from 1), its ``time`` in ns, where, and itself."""

    line: int
    time: int
    where: Where
    event: Event


class Counts(msgspec.Struct):
    """What was in a trace.

    ``lines`` are all, ``events`` those that are events, understood or not; ``names`` counts the
    understood ones, ``unknown`` the others, both by name; ``malformed`` those of a known name that
    do not say what it says, ``garbage`` the lines that are none of this, ``comments`` ftrace's own.
    ``lost`` counts what ftrace says it lost, ``loss_marks`` how often it says so; ``backwards`` how
    often time went back, ``overwritten`` how many events the header says are not in the file.
    """

    lines: int = 0
    events: int = 0
    comments: int = 0
    garbage: int = 0
    malformed: int = 0
    lost: int = 0
    loss_marks: int = 0
    started: int = 0
    backwards: int = 0
    overwritten: int = 0
    names: dict[str, int] = {}
    unknown: dict[str, int] = {}


SAME_MAX = 4096
"""So many different texts of one event are remembered, and so many places."""
NAMES_MAX = 1000
"""So many unknown names are told apart; the rest is counted as one."""
OTHERS = b"(others)"
FUNCTION = b"(function)"

PREFIX = re.compile(rb"\s*(\S.*)-(\d{1,10})\s+(?:\(\s*[-\d]+\)\s+)?\[(\d{1,4})\](?:\s+(\S+))?\s*")
WHOLE = re.compile(
    rb"(\s*\S.*-\d{1,10}\s+(?:\(\s*[-\d]+\)\s+)?\[\d{1,4}\](?:\s+\S+)?)\s+(\d+\.\d+): (.*)",
    re.DOTALL,
)
LOSSES = re.compile(rb"CPU:(\d{1,4})\s+\[(?:LOST )?(?:(\d{1,18}) )?EVENTS(?: DROPPED)?\]\s*")
STARTED = re.compile(rb"##### CPU (\d{1,4}) buffer started ####")
WRITTEN = re.compile(rb"entries-in-buffer/entries-written: (\d{1,18})/(\d{1,18})")
NAME = re.compile(rb"[A-Za-z_]\w*")
PREAMBLE = (b"cpus=", b"version = ", b"CPU ")
"""How lines begin that trace-cmd prints before the events."""
CPUS = 1 << 12
TIME_MAX = 20
"""No time has more digits."""
IDLE, SOFT_IRQ, HARD_IRQ, CONTEXTS = -1, -2, -3, 4
"""Contexts of CPU 0 that are no thread's; each CPU has as many, further below."""


def place_of(prefix: bytes) -> Where | None:
    """Read what stands before the time; None if it is something else."""
    found = PREFIX.fullmatch(prefix)
    if found is None:
        return None
    cpu, pid = int(found[3]), int(found[2])
    if cpu >= CPUS:
        return None
    flags = (found[4] or b"").decode("latin-1")
    hard = soft = None
    if flags:
        # Only the column of interrupts has these letters.
        hard = any(letter in flags for letter in "hHzZ")
        soft = "s" in flags
    context = pid
    if hard:
        context = HARD_IRQ - CONTEXTS * cpu
    elif soft:
        context = SOFT_IRQ - CONTEXTS * cpu
    elif pid == 0:
        context = IDLE - CONTEXTS * cpu
    return Where(found[1].decode("utf-8", "replace"), pid, cpu, flags, hard, context)


def time_of(stamp: bytes) -> int:
    """Return a time in ns, from seconds with six or nine digits after the point; -1: none."""
    digits = stamp.replace(b".", b"", 1)
    if len(digits) > TIME_MAX or not digits.isdigit():
        return -1
    if stamp[-7:-6] == b".":
        return int(digits) * 1000
    return int(digits) if stamp[-10:-9] == b"." else -1


class Slot:
    """An event: how it is read (None: it is not), texts that come again, how often it came."""

    __slots__ = ("count", "parse", "seen")

    def __init__(self, form: Format | None) -> None:
        self.parse = form.parse if form is not None else None
        self.seen: dict[bytes, Event] | None = {} if form is not None and form.same else None
        self.count = 0

    def read(self, text: bytes) -> Event | None:
        """Return the event; None if the text is not what it prints."""
        assert self.parse is not None, "understood"
        try:
            event = self.parse(text)
        except Malformed:
            return None
        seen = self.seen
        if seen is not None:
            if len(seen) >= SAME_MAX:
                seen.clear()
            seen[text] = event
        self.count += 1
        return event


def records(lines: Iterable[bytes], counts: Counts) -> Iterator[Record]:
    """Yield the events of ``lines`` that are understood, and ftrace's marks.

    Nothing is raised: what is no line of a trace is counted in ``counts``, with everything else;
    they are whole when the last record was taken.
    """
    slots = {name: Slot(form) for name, form in FORMATS.items()}
    places: dict[bytes, Where | None] = {}
    rest_of = Rest(counts, slots)
    get, place = slots.get, places.get
    last = number = 0
    try:
        for number, line in enumerate(lines, 1):
            head, _, rest = line.partition(b": ")
            name, _, text = rest.partition(b":")
            slot = get(name)
            cut = head.rfind(b" ")
            prefix = head[:cut]
            where = place(prefix)
            if where is None and slot is not None:
                if len(places) >= SAME_MAX:
                    places.clear()
                where = places[prefix] = place_of(prefix)
            time = time_of(head[cut + 1 :])
            if slot is None or where is None or time < 0:
                record = rest_of.read(line, number, last)
                if record is not None:
                    yield record
                continue
            if slot.parse is None:
                slot.count += 1
                continue
            seen = slot.seen
            event = seen.get(text) if seen is not None else None
            if event is not None:
                slot.count += 1
            else:
                event = slot.read(text)
                if event is None:
                    counts.malformed += 1
                    continue
            if time < last:
                counts.backwards += 1
            last = time
            yield Record(number, time, where, event)
    finally:
        counts.lines = number
        for name, slot in slots.items():
            if slot.count:
                (counts.names if slot.parse else counts.unknown)[name.decode()] = slot.count
        counts.events = sum(counts.names.values()) + sum(counts.unknown.values()) + counts.malformed


class Rest:
    """What is none of the events that are understood, in the form in which most are printed."""

    def __init__(self, counts: Counts, slots: dict[bytes, Slot]) -> None:
        self.counts = counts
        self.slots = slots

    def read(self, line: bytes, number: int, last: int) -> Record | None:
        """Count a line; return a record if there is one in it (``last``: the time before it)."""
        counts = self.counts
        begins = line[:1]
        if begins == b"#":
            return self.comment(line, number, last)
        if begins == b"C" and (lost := LOSSES.fullmatch(line)) is not None:
            many = int(lost[2]) if lost[2] is not None else -1
            counts.loss_marks += 1
            counts.lost += max(many, 0)
            return Record(number, last, NOWHERE, Lost(int(lost[1]), many))
        if len(line) <= LONGEST and (found := WHOLE.fullmatch(line)) is not None:
            return self.event(found, number)
        if not line.strip() or line.startswith(PREAMBLE):
            counts.comments += 1
        else:
            counts.garbage += 1
        return None

    def comment(self, line: bytes, number: int, last: int) -> Record | None:
        """Read what ftrace says in a line that begins with ``#``."""
        counts = self.counts
        counts.comments += 1
        if (started := STARTED.match(line)) is not None:
            counts.started += 1
            return Record(number, last, NOWHERE, BufferStarted(int(started[1])))
        if (written := WRITTEN.search(line)) is not None:
            counts.overwritten = max(0, int(written[2]) - int(written[1]))
        return None

    def event(self, found: re.Match[bytes], number: int) -> Record | None:
        """Read an event that is not understood, or whose thread has a colon in its name."""
        counts = self.counts
        name, _, text = found[3].partition(b":")
        slot = self.slots.get(name)
        if slot is None:
            if b" <-" in name:
                name = FUNCTION
            elif not NAME.fullmatch(name):
                counts.garbage += 1
                return None
            elif len(self.slots) >= NAMES_MAX:
                name = OTHERS
            slot = self.slots.setdefault(name, Slot(None))
        if slot.parse is None:
            slot.count += 1
            return None
        where = place_of(found[1])
        time = time_of(found[2])
        if where is None or time < 0:
            counts.garbage += 1
            return None
        event = slot.read(text)
        if event is None:
            counts.malformed += 1
            return None
        return Record(number, time, where, event)
