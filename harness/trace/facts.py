"""A trace as facts: the seam between what a kernel printed and what must hold."""

from collections.abc import Iterable, Iterator

from harness.trace import events as ev
from harness.trace.calls import Calls
from harness.trace.line import Counts, Record, records
from harness.trace.registers import FOLD_ENDS, Registers
from harness.trace.scene import Scene
from harness.trace.sleep import Sleep
from harness.trace.switch import PUTS, Switch
from model.facts import Fact

__all__ = ["Producer", "facts_of"]

ANYWHERE = PUTS | {ev.Switch, ev.GuestExit}
"""Events that tell nothing of where a thread runs: it goes, or a rule asks where they come."""
BACK_NS = 100_000_000
"""By so much time does not go back within a trace, whatever its clock."""


class Producer:
    """Makes facts of records, one record after the other.

    It stops for good where a trace turns out to have several VMs (``scene.threads.several``).
    """

    def __init__(self) -> None:
        self.scene = Scene()
        self.last = 0
        self.registers = Registers(self.scene)
        self.calls = Calls(self.scene)
        self.sleep = Sleep(self.scene)
        self.switch = Switch(self.scene, self.registers)
        self.handlers = {
            **self.registers.handlers,
            **self.calls.handlers,
            **self.sleep.handlers,
            **self.switch.handlers,
        }

    def read(self, record: Record) -> list[Fact]:
        """Return what a record says, in order."""
        scene, event = self.scene, record.event
        out: list[Fact] = []
        scene.out = out
        kind = event.__class__
        if scene.threads.several:
            return out
        if kind is ev.Lost or kind is ev.BufferStarted:
            self.forget("events were lost")
            return out
        if record.time < self.last - BACK_NS:
            self.forget("time went back: another trace begins")
        self.last = record.time
        self.settle(record)
        handler = self.handlers.get(kind)
        if handler is not None:
            handler(record, event)
        return [] if scene.threads.several else out

    def forget(self, why: str) -> None:
        """Nothing that was seen counts any more."""
        self.scene.gap(why)
        self.scene.threads.forget()
        self.sleep.forget()

    def settle(self, record: Record) -> None:
        """Say what the coming of this event tells of what was under way."""
        scene, where = self.scene, record.where
        kind = record.event.__class__
        context = scene.context(where)
        awaited = scene.awaiting.get(context)
        if awaited is not None and kind not in awaited and kind is not ev.Switch:
            scene.went_on(context)
        if context in self.sleep.ended and kind is not ev.HrtimerStart:
            self.sleep.settle(context)
        in_thread = scene.in_thread(where, context)
        if where.pid in scene.folding and (not in_thread or kind in FOLD_ENDS):
            self.registers.end_fold(scene.folding.pop(where.pid))
        if not in_thread:
            return
        v = scene.threads.vcpu.get(where.pid, -1)
        if v >= 0 and kind not in ANYWHERE:
            scene.at(v, where.cpu)
        cpu = scene.cpus.get(where.cpu)
        if cpu is not None and cpu.putting >= 0:
            mine = scene.threads.vcpu.get(where.pid, -1) == cpu.putting
            if not mine or kind not in PUTS:
                self.switch.end_put(where.cpu)


def facts_of(
    lines: Iterable[bytes], counts: Counts | None = None
) -> Iterator[tuple[int, int, Fact]]:
    """Yield the facts of a trace: when (ns, as printed), in which line (from 1), and the fact.

    ``lines`` is a ``harness.trace.source.Source``, entered, or any lines of bytes; ``counts`` gets
    what else was in them. Facts of ``model.facts.traced`` are among them.

    Raises:
        UsageError: the source is no trace, or cannot be read.

    """
    producer = Producer()
    for record in records(lines, counts if counts is not None else Counts()):
        for fact in producer.read(record):
            yield record.time, record.line, fact
