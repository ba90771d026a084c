"""A log as a Perfetto trace: tracks for actors, CPUs, VCPUs and interrupts, flows for messages.

Perfetto is an extra: its classes are imported when they are asked for. The clock is the steps by
default, one microsecond each, with what happens in one step a nanosecond apart, in its order:
virtual time stands still between deadlines, and would lay most of an execution into one point. By
virtual nanoseconds the same tracks are to scale in time. Each event has both as annotations.

A flow leads from a deactivation sent to its arrival, from an IPI to the acknowledge on its target,
and from a guest's SGI to the acknowledge of its target.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.log.lanes import Change, Lane, Lanes, name_lane
from harness.log.registry import Step, ViolationLine, describe
from harness.log.source import Source, Told, name_life, told
from model import facts
from model.facts import Fact

__all__ = ["CLOCKS", "STEP_NS", "export"]

STEP_NS = 1_000
"""Nanoseconds that stand for a step."""
CLOCKS = ("step", "ns")
INSTALL = "export perfetto needs the package perfetto, an extra: pip install 'vgic-race[perfetto]'"
SEQUENCE = 1
ACTORS, PCPUS, VCPUS, IRQS = "actors", "physical CPUs", "VCPUs", "interrupts"
ROOT = ""
GROUPS = {PCPUS: "pcpu", VCPUS: "vcpu", IRQS: "irq"}
RULES = "rules broken"
GROUPS_ORDER = (ACTORS, PCPUS, VCPUS, IRQS, RULES)


def export(source: Source, clock: str) -> Iterator[bytes]:
    """Yield the trace of a log or a kernel trace, in pieces to be written one after the other.

    Raises:
        UsageError: Perfetto is not installed.

    """
    try:
        from perfetto.protos.perfetto.trace import (  # type: ignore[import-untyped]
            perfetto_trace_pb2 as protos,
        )
    except ModuleNotFoundError:
        raise UsageError(INSTALL) from None
    writer = Writer(protos, clock, "line" if source.log is None else "step")
    writer.title = f"{Path(source.name).name}: {source.whose}"
    if source.log is not None:
        writer.tasks = source.log.header.tasks
    for line in told(source):
        writer.take(line)
        yield writer.drain()
    writer.close()
    yield writer.drain()


class Writer:
    """Makes packets of lines; :meth:`drain` hands out those made since."""

    def __init__(self, protos: Any, clock: str, unit: str) -> None:
        self.protos = protos
        self.event = protos.TrackEvent
        self.by_step = clock == "step"
        self.unit = unit
        self.packets: list[Any] = []
        self.title = ""
        self.tasks: tuple[str, ...] = ()
        """The actors in their order, as far as it is known."""
        self.tracks: dict[tuple[str, object], int] = {}
        self.lanes = Lanes()
        self.open: dict[int, int] = {}
        """How many slices are open on a track."""
        self.flows: dict[tuple[object, ...], int] = {}
        self.made = 0
        """Flows that were made."""
        self.step = 0
        self.now = 0
        self.current = 0
        """The track of the actor whose step is under way; 0: none."""

    def drain(self) -> bytes:
        """Return the packets made since the last time."""
        trace = self.protos.Trace(packet=self.packets)
        self.packets = []
        data: bytes = trace.SerializeToString()
        return data

    # -- the clock and the tracks --------------------------------------------------------------

    def advance(self, step: int, t: int) -> None:
        """Go to the moment of a line; time never goes back."""
        if not self.by_step:
            self.now = max(self.now, t)
        elif step != self.step:
            self.now = max(self.now + 1, step * STEP_NS)
        else:
            self.now += 1
        self.step = step

    def track(self, group: str, key: object, name: str, rank: int = 0) -> int:
        """Return the id of a track, which is made the first time, and its group too."""
        found = self.tracks.get((group, key))
        if found is not None:
            return found
        parent = 0
        if key is not None:
            parent = self.track(group, None, group, GROUPS_ORDER.index(group))
        elif group != ROOT:
            # One track above all, for only a track's children are laid out as they are ranked.
            parent = self.track(ROOT, None, self.title)
        uuid = self.tracks[group, key] = len(self.tracks) + 1
        packet = self.packet()
        track = packet.track_descriptor
        track.uuid, track.name, track.sibling_order_rank = uuid, name, rank
        track.child_ordering = self.protos.TrackDescriptor.EXPLICIT
        if parent:
            track.parent_uuid = parent
        return uuid

    def packet(self) -> Any:
        """Add a packet; the first one says that nothing is to be known from before."""
        packet = self.protos.TracePacket()
        packet.trusted_packet_sequence_id = SEQUENCE
        if len(self.tracks) <= 1:
            packet.sequence_flags = self.protos.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        self.packets.append(packet)
        return packet

    # -- events --------------------------------------------------------------------------------

    def add(self, track: int, kind: int, name: str = "", **said: object) -> Any:
        """Add an event on a track, now; ``said`` are its annotations, None is left out."""
        packet = self.packet()
        packet.timestamp = self.now
        event = packet.track_event
        event.type, event.track_uuid = kind, track
        if name:
            event.name = name
        for key, value in said.items():
            if value is None:
                continue
            note = event.debug_annotations.add()
            note.name = key
            if isinstance(value, bool):
                note.bool_value = value
            elif isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
                note.int_value = value
            else:
                note.string_value = str(value)
        return event

    def begin(self, track: int, name: str, **said: object) -> None:
        """Begin a slice."""
        self.add(track, self.event.TYPE_SLICE_BEGIN, name, **said)
        self.open[track] = self.open.get(track, 0) + 1

    def end(self, track: int) -> None:
        """End the innermost slice of a track, if one is open."""
        if self.open.get(track):
            self.add(track, self.event.TYPE_SLICE_END)
            self.open[track] -= 1

    def take(self, line: Told) -> None:
        """Take one line."""
        meta, record = line.entry
        self.advance(meta.step, meta.t)
        if isinstance(record, Step):
            self.end(self.current)
            self.current = self.actor(meta.task)
            self.begin(self.current, record.op, step=meta.step, t=meta.t, phase=record.phase)
        elif isinstance(record, Fact):
            track = self.actor(meta.task)
            where = {self.unit: meta.step, "t": meta.t, "seq": meta.seq}
            life = name_life(line.life) if line.is_about and line.life is not None else None
            event = self.add(
                track, self.event.TYPE_INSTANT, record.KIND, what=describe(record), **where,
                life_id=life, message_id=line.message or None,
            )  # fmt: skip
            self.connect(event, record)
            for change in self.lanes.hear(line):
                self.change(change, where)
        elif isinstance(record, ViolationLine):
            violation = record.violation
            track = self.track(RULES, None, RULES, GROUPS_ORDER.index(RULES))
            said = {"text": record.text, "alarm": violation.alarm, "step": violation.step}
            self.add(track, self.event.TYPE_INSTANT, violation.rule, t=meta.t, **said)

    def actor(self, task: str) -> int:
        """Return the track of a task."""
        name = "at rest" if task == "engine" else task or "kernel"
        known = task in self.tasks
        rank = self.tasks.index(task) if known else len(self.tasks) + len(self.tracks)
        return self.track(ACTORS, name, name, rank)

    def change(self, change: Change, where: dict[str, int]) -> None:
        """Let a lane be at something else: one slice ends there and another begins."""
        lane = change.lane
        group = next(name for name, kind in GROUPS.items() if kind == lane.kind)
        track = self.track(group, lane, name_lane(lane), self.rank(lane))
        self.end(track)
        if change.after not in ("idle", "off"):
            life = name_life(change.life) if change.life is not None else None
            self.begin(track, change.after, life_id=life, **where)

    def rank(self, lane: Lane) -> int:
        """Return where a lane stands in its group."""
        return (lane.vcpu + 1) * 10_000 + lane.number

    def connect(self, event: Any, fact: Fact) -> None:
        """Begin or end a flow."""
        match fact:
            case facts.DeactivationSent(pcpu=c, message=m):
                self.sent(event, "deactivation", c, m)
            case facts.DeactivationArrived(pcpu=c, message=m):
                self.arrived(event, "deactivation", c, m)
            case facts.IpiSent(target=c, intid=n):
                self.sent(event, "ipi", c, n)
            case facts.AckedByHost(pcpu=c, intid=n):
                self.arrived(event, "ipi", c, n)
            case facts.SgiSent(target=v, vintid=n):
                self.sent(event, "sgi", v, n)
            case facts.AckedByGuest(pcpu=c, vintid=n):
                self.arrived(event, "sgi", self.guest_on(c), n)

    def guest_on(self, pcpu: int) -> int:
        """Return the VCPU that is in its guest on a CPU; -1 if it is not known."""
        at = self.lanes.at.get(Lane("pcpu", pcpu), "")
        return int(at.removeprefix("guest v")) if at.startswith("guest v") else -1

    def sent(self, event: Any, *key: object) -> None:
        """Let a flow begin at an event."""
        self.made += 1
        self.flows[key] = self.made
        event.flow_ids.append(self.made)

    def arrived(self, event: Any, *key: object) -> None:
        """Let the flow that began under the same key end here."""
        flow = self.flows.pop(key, None)
        if flow is not None:
            event.terminating_flow_ids.append(flow)

    def close(self) -> None:
        """End all slices that are open."""
        self.advance(self.step + 1, self.now)
        for track in list(self.open):
            while self.open[track]:
                self.end(track)
