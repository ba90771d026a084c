"""Recordings of real kernels under QEMU, by the script that ``trace setup`` prints.

Needs qemu-system-arm, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, and Debian's archive or kernels
that were fetched before. Each machine boots once, and records all scenes for its GIC.
"""

import functools
import gzip
from collections import Counter

import pytest

from harness.kernel.machine import Outcome
from harness.trace import events as ev
from harness.trace.line import Counts, Record, records
from tests.conformance.record.scenes import SCENES, record
from tests.conformance.registers import compare, fields

MACHINES = (("6.1", 2), ("6.12", 3), ("7.2", 3))
RECORDED = [
    pytest.param(series, gic, scene.name, id=f"{series}-{scene.name}")
    for series, gic in MACHINES
    for scene in SCENES
    if scene.gic == gic
]
MACHINE = pytest.mark.parametrize(("series", "gic"), MACHINES)

pytestmark = [pytest.mark.kernel, pytest.mark.thorough]


@functools.cache
def machine(series: str, gic: int) -> Outcome:
    return record(series, gic, [scene for scene in SCENES if scene.gic == gic])


@functools.cache
def text(series: str, gic: int, scene: str) -> bytes:
    return gzip.decompress(machine(series, gic).files[f"{scene}.txt.gz"])


def read(series: str, gic: int, scene: str) -> tuple[list[Record], Counts]:
    counts = Counts()
    return list(records(text(series, gic, scene).splitlines(keepends=True), counts)), counts


def shown(trace: bytes, event: str) -> list[dict[str, str]]:
    return [found for line in trace.splitlines() if (found := fields(line, event)) is not None]


@MACHINE
def test_the_guests_ended_well_and_nothing_is_left(series: str, gic: int) -> None:
    console = machine(series, gic).console
    ends = [line for line in console if line.startswith("scene ")]
    assert ends == [f"scene {scene.name}: 0" for scene in SCENES if scene.gic == gic]
    assert "interrupted: 143" in console
    assert "left: 0 instances, 0 probes" in console
    assert [line for line in console if "cannot" in line or "lost" in line] == []


@MACHINE
def test_what_is_left_out_is_what_the_kernel_lacks(series: str, gic: int) -> None:
    """No probe was refused: each is there, or its function or structure is not."""
    probes = machine(series, gic).files["probes"].decode().splitlines()
    taken = {line.split()[0].split("/")[1] for line in probes if line[0] in "pr"}
    lacking = {line.split()[1] for line in probes if line.startswith("- ")}
    assert lacking <= {"fold_lr", "guest_dir"}
    assert {"queue_irq", "lr_entry", "lr_exit", "resample", "entry_list", "phys_set"} <= taken
    assert [line for line in machine(series, gic).console if "takes no probe" in line] == []
    names = {"vlevel", "plevel", "level", "vcpu", "timer", "for", "on_lr"}
    assert {line.split()[2] for line in probes if line.startswith("-field")} <= names


@pytest.mark.parametrize(("series", "gic", "scene"), RECORDED)
def test_a_trace_is_read_whole(series: str, gic: int, scene: str) -> None:
    found, counts = read(series, gic, scene)
    head = text(series, gic, scene).splitlines()[0].decode()
    assert head.startswith(f"# vgic-race: kernel {series}")
    assert head.endswith(f"gic {gic}, list registers 4, lost 0")
    kinds = Counter(type(item.event) for item in found)
    for wanted in (ev.VcpuLoad, ev.VcpuPut, ev.Flush, ev.Sync, ev.LrEntry, ev.Populate, ev.QueueIrq,
                   ev.Inject, ev.PhysSet, ev.Resample, ev.GuestEntry, ev.GuestExit):  # fmt: skip
        assert kinds[wanted], wanted
    assert kinds[ev.GuestEntry] == kinds[ev.LrEntry]
    assert kinds[ev.VcpuLoad] == kinds[ev.VcpuPut]
    assert not counts.malformed


@pytest.mark.parametrize(("series", "gic", "scene"), RECORDED)
def test_the_registers_are_what_was_put_into_them(series: str, gic: int, scene: str) -> None:
    assert compare(text(series, gic, scene), gic) > 3


@MACHINE
def test_a_list_ends_at_its_head_and_its_order_is_the_registers(series: str, gic: int) -> None:
    scene = "overflow-eoimode0" if gic == 3 else "sgi-sources"
    longest = 0
    for line in shown(text(series, gic, scene), "entry_list"):
        nodes = [line[f"n{n}"] for n in range(8)]
        length = nodes.index(line["head"]) if line["head"] in nodes else 8
        intids = [int(line[f"i{n}"]) for n in range(length)]
        assert len(set(intids)) == length
        assert all(3 <= intid < 96 for intid in intids)
        longest = max(longest, length)
    assert longest >= (7 if gic == 3 else 1)


def test_the_sources_of_a_gicv2_sgi() -> None:
    put = shown(text("6.1", 2, "sgi-sources"), "populate_lr2")
    sources = [int(irq["src"], 16) for irq in put if irq["intid"] == "3"]
    assert 0b1110 in sources
    assert {mask.bit_count() for mask in sources} >= {1, 2, 3}


def test_overflow_on_7_2() -> None:
    """EOIcount, NPIE, LRENPIE and UIE at work, and DIR of both VCPUs."""
    trace = text("7.2", 3, "overflow-eoimode1")
    hcr = [int(line["hcr"], 16) for line in shown(trace, "lr_exit")]
    assert any(value >> 27 for value in hcr)
    for enable in (1 << 1, 1 << 2, 1 << 3):
        assert any(value & enable for value in hcr)
    assert {line["vcpu"] for line in shown(trace, "guest_dir")} == {"0", "1"}


def test_the_line_that_a_resample_read() -> None:
    trace = text("7.2", 3, "timer")
    assert {line["level"] for line in shown(trace, "timer_line_ret")} <= {"0", "1"}
    assert len(shown(trace, "timer_line_ret")) == len(shown(trace, "phys_line_ret")) > 0
    assert {line["vcpu"] for line in shown(trace, "bg_timer_expire")} == {"0"}
