"""Where facts come from: a log of the model, or a trace of a real kernel. Both give entries.

What only has facts (``log irq``, ``log summary`` and so on) asks for entries and does not care. In
an entry of a trace ``seq`` is the number of the line, and so is ``step``, for a kernel has no
steps; ``t`` is nanoseconds of the trace's own clock, and no task is known.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness.log.lives import Life, Lives, names_interrupt
from harness.log.reader import Entry, Log, parse_log, read_bytes
from harness.log.registry import Meta
from harness.trace.source import Source as Lines
from model import facts
from model.facts import Fact

__all__ = ["LOG", "TRACE", "Source", "Tells", "Told", "name_life", "open_source", "told"]

LOG, TRACE = "log", "trace"
LOOK = 4_096
GZIP = b"\x1f\x8b"
STDIN = Path("-")


class Source(NamedTuple):
    """What was opened: ``kind`` is "log" or "trace"; ``log`` is None for a trace.

    The ``entries`` of a trace can be had once, and are read as they are asked for.
    """

    name: str
    kind: str
    log: Log | None
    entries: Iterable[Entry]

    @property
    def whose(self) -> str:
        """What was run: scenario and variant, or that it is a kernel."""
        if self.log is None:
            return "kernel trace"
        return f"{self.log.header.scenario}, variant {self.log.header.variant}"


class Told(NamedTuple):
    """An entry, and what it belongs to.

    ``life`` is None where the entry is about no interrupt; an entry about a VCPU or a CPU belongs
    to the life of its timer's interrupt. ``message`` is the id of the deactivation that it is about
    ("" for none): it is sent and arrives under the same one.
    """

    entry: Entry
    life: Life | None
    message: str

    @property
    def is_about(self) -> bool:
        """Whether it names an interrupt, a timer or a List Register, and not a VCPU or CPU only."""
        record = self.entry.record
        return self.life is not None and isinstance(record, Fact) and names_interrupt(type(record))


def name_life(life: Life) -> str:
    """Return the id of a life, the same in every view: "v0/27/1"; of the host's own "host/40/2"."""
    whose = "host" if life.vcpu < 0 else f"v{life.vcpu}"
    return f"{whose}/{life.intid}/{life.number}"


def open_source(name: str) -> Source:
    """Open a log, whole or cut off, or a trace; which it is, its content says.

    Raises:
        UsageError: it cannot be read, or is neither.

    """
    path = Path(name)
    if is_trace(path):
        return Source(name, TRACE, None, trace_entries(name))
    log = parse_log(read_bytes(path), path, partial=True)
    return Source(name, LOG, log, log.entries)


def is_trace(path: Path) -> bool:
    """Tell a trace from a log, which begins with an object; ``-`` is standard input.

    What cannot be read is no trace: reading it as a log says why.
    """
    try:
        if path == STDIN:
            start = look_ahead()
        else:
            with path.open("rb") as file:
                start = file.read(LOOK)
    except (OSError, ValueError):
        return False
    if start.startswith(GZIP):
        return True
    text = start.lstrip()
    return text.startswith(b"#") or (b" [0" in text and not text.startswith((b"{", b"[")))


def look_ahead() -> bytes:
    """Return how standard input begins, and leave it there."""
    peek = getattr(getattr(sys.stdin, "buffer", None), "peek", None)
    return b"" if peek is None else bytes(peek(LOOK)[:LOOK])


def trace_entries(name: str) -> Iterator[Entry]:
    """Yield the facts of a kernel's trace as entries.

    Raises:
        UsageError: it is none.

    """
    from harness.trace.facts import facts_of

    with Lines(name) as lines:
        for t, line, fact in facts_of(lines):
            yield Entry(trace_meta(t, line, fact), fact)


def trace_meta(t: int, line: int, fact: Fact) -> Meta:
    """Return what a line of a log would have in common, of a fact in a trace."""
    places: dict[str, Any] = {
        name: getattr(fact, name)
        for name in ("pcpu", "vcpu", "intid", "vintid")
        if name in fact.__struct_fields__
    }
    return Meta(seq=line, t=t, step=line, task="", event=fact.KIND, **places)


class Tells(Protocol):
    """A log, a source, or anything else that has entries."""

    @property
    def entries(self) -> Iterable[Entry]:
        """The lines, in their order."""


def told(source: Tells) -> Iterator[Told]:
    """Yield each entry with the life, and the message, that it belongs to.

    Steps, rests and violations belong to none. A log's own number of a life counts; what a cut log
    or a trace does not tell, is counted from where it begins.
    """
    lives = Lives(sees_guests=getattr(source, "kind", LOG) == LOG)
    messages: dict[tuple[int, int], str] = {}
    for entry in source.entries:
        fact = entry.record
        if not isinstance(fact, Fact):
            yield Told(entry, None, "")
            continue
        life = lives.of(fact)
        if life is not None and entry.meta.life is not None:
            life = life._replace(number=entry.meta.life)
        message = ""
        if isinstance(fact, facts.DeactivationSent):
            message = messages[fact.pcpu, fact.message] = f"m{entry.meta.seq}"
        elif isinstance(fact, facts.DeactivationArrived):
            message = messages.pop((fact.pcpu, fact.message), "")
        yield Told(entry, life, message)
