"""A Perfetto trace, parsed back by Perfetto's own classes: tracks, slices that nest, flows."""

from collections import Counter
from functools import cache
from typing import Any

import pytest
from perfetto.protos.perfetto.trace import (  # type: ignore[import-untyped]
    perfetto_trace_pb2 as protos,
)

from harness.log.perfetto import STEP_NS, export
from harness.log.source import LOG, Source, told
from model.facts import KINDS
from tests.unit.log.recorded import recorded

EVENT = protos.TrackEvent
LOGS = [("smp-mix", "v7.2", 1), ("spi-level", "v7.2+57", 40)]


def source(name: str, variant: str, within: int) -> Source:
    log = recorded(name, variant, within).log
    return Source("log", LOG, log, log.entries)


@cache
def packets(name: str, variant: str, within: int, clock: str = "step") -> list[Any]:
    trace = protos.Trace()
    trace.ParseFromString(b"".join(export(source(name, variant, within), clock)))
    return list(trace.packet)


def tracks(found: list[Any]) -> dict[int, Any]:
    return {p.track_descriptor.uuid: p.track_descriptor for p in found
            if p.HasField("track_descriptor")}  # fmt: skip


def events(found: list[Any]) -> list[tuple[int, Any]]:
    return [(p.timestamp, p.track_event) for p in found if p.HasField("track_event")]


def notes(event: Any) -> dict[str, Any]:
    return {note.name: note.string_value or note.int_value for note in event.debug_annotations}


@pytest.mark.parametrize("log", LOGS, ids=str)
@pytest.mark.parametrize("clock", ["step", "ns"])
def test_slices_nest_and_time_goes_on(log: tuple[str, str, int], clock: str) -> None:
    found = packets(*log, clock)
    assert found[0].sequence_flags == protos.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    assert {p.trusted_packet_sequence_id for p in found} == {1}
    known: set[int] = set()
    depth: Counter[int] = Counter()
    now = 0
    for packet in found:
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert not track.parent_uuid or track.parent_uuid in known
            known.add(track.uuid)
            continue
        event = packet.track_event
        assert event.track_uuid in known
        assert packet.timestamp >= now
        now = packet.timestamp
        depth[event.track_uuid] += {EVENT.TYPE_SLICE_BEGIN: 1, EVENT.TYPE_SLICE_END: -1}.get(
            event.type, 0
        )
        assert depth[event.track_uuid] in (0, 1)
    assert not +depth


@pytest.mark.parametrize("log", LOGS, ids=str)
def test_every_step_and_fact_is_there(log: tuple[str, str, int]) -> None:
    taken = recorded(*log).log
    assert taken.footer is not None
    found = packets(*log)
    names = tracks(found)
    actors = next(track.uuid for track in names.values() if track.name == "actors")
    mine = {uuid for uuid, track in names.items() if track.parent_uuid == actors}
    steps = [(at, e) for at, e in events(found)
             if e.track_uuid in mine and e.type == EVENT.TYPE_SLICE_BEGIN]  # fmt: skip
    assert len(steps) == taken.footer.steps
    for at, event in steps:
        assert at == notes(event)["step"] * STEP_NS
    instants = Counter(e.name for _, e in events(found) if e.type == EVENT.TYPE_INSTANT)
    kinds = {kind: n for kind, n in taken.footer.counts.items() if kind in KINDS}
    assert {kind: n for kind, n in instants.items() if kind in KINDS} == kinds
    own = {names[uuid].name for uuid in mine}
    assert own - {"at rest"} <= {*taken.header.tasks}
    assert instants.keys() - KINDS.keys() == set(taken.footer.violations)


def test_interrupts_have_slices_for_their_stages() -> None:
    found = packets(*LOGS[0])
    names = tracks(found)
    (root,) = (track for track in names.values() if not track.parent_uuid)
    assert root.name == "log: smp-mix, variant v7.2"
    ranked = sorted(
        (track.sibling_order_rank, track.name, track.uuid)
        for track in names.values()
        if track.parent_uuid == root.uuid
    )
    assert [name for _, name, _ in ranked] == ["actors", "physical CPUs", "VCPUs", "interrupts"]
    groups = {name: uuid for _, name, uuid in ranked}
    lanes = {uuid for uuid, track in names.items() if track.parent_uuid == groups["interrupts"]}
    stages = {e.name for _, e in events(found)
              if e.track_uuid in lanes and e.type == EVENT.TYPE_SLICE_BEGIN}  # fmt: skip
    assert {"armed", "asserted", "queued", "in LR", "active"} <= stages
    lives = {notes(e).get("life_id") for _, e in events(found) if e.track_uuid in lanes}
    assert "v0/27/1" in lives


def test_flows_lead_from_what_was_sent_to_where_it_arrived() -> None:
    found = packets(*LOGS[0])
    begun: dict[int, Any] = {}
    ended: dict[int, Any] = {}
    for _, event in events(found):
        for flow in event.flow_ids:
            assert flow not in begun
            begun[flow] = event
        for flow in event.terminating_flow_ids:
            assert flow in begun
            assert flow not in ended
            ended[flow] = event
    pairs = Counter((begun[flow].name, ended[flow].name) for flow in ended)
    arrived = [line for line in told(source(*LOGS[0]))
               if line.entry.meta.event == "deactivation-arrived"]  # fmt: skip
    assert pairs["deactivation-sent", "deactivation-arrived"] == len(arrived) > 0
    assert pairs["guest-sgi", "guest-ack"] > 0
    ids = {(notes(begun[f])["message_id"], notes(ended[f])["message_id"]) for f in ended
           if begun[f].name == "deactivation-sent"}  # fmt: skip
    assert all(sent == came for sent, came in ids)


def test_the_same_log_gives_the_same_bytes() -> None:
    one, other = (b"".join(export(source(*LOGS[1]), "step")) for _ in range(2))
    assert one == other
