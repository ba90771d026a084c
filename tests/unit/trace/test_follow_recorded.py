"""What ``trace setup`` records besides is compared: spoil one value of it, and it differs."""

import random
import re

import pytest

from harness.trace.follow.kernels import Kernel
from tests.unit.trace.following import DATA, follow, lines_of

EOI0, EOI1 = "rec-7.2-overflow-eoimode0", "rec-7.2-overflow-eoimode1"
TIMER, SOURCES, ROUTED = "rec-7.2-timer", "rec-6.1-sgi-sources", "rec-6.12-retarget"


def trace(name: str) -> list[bytes]:
    return lines_of(DATA / f"{name}.txt.gz")


def spoilt(name: str, line: str, old: str, new: str, nth: int = 0) -> list[bytes]:
    """Return a recording in which the ``nth`` line like ``line`` has ``new`` for ``old``."""
    lines = trace(name)
    n = [n for n, text in enumerate(lines) if re.search(line.encode(), text)][nth]
    lines[n], made = re.subn(old.encode(), new.encode(), lines[n])
    assert made, lines[n]
    return lines


def without(name: str, line: str, after: int) -> list[bytes]:
    """Return a recording without lines like ``line``, but for the first ``after`` of them."""
    lines = trace(name)
    found = [n for n, text in enumerate(lines) if re.search(line.encode(), text)][after:]
    assert found
    return [text for n, text in enumerate(lines) if n not in found]


def test_the_kinds_are_compared() -> None:
    equal = sum((follow(trace(n), given=False).tally.equal for n in (EOI1, TIMER, SOURCES)),
                start=follow(trace(ROUTED), given=False).tally.equal)  # fmt: skip
    for kind, least in (
        ("ap_list at flush", 250), ("ap_list at entry", 300), ("priority", 600), ("group", 600),
        ("sources", 40), ("in a List Register", 500), ("DIR", 15), ("guests halted", 3),
        ("completed outside", 2), ("LR of what is outside", 15), ("line read again", 8),
        ("released at fold", 8),
    ):  # fmt: skip
        assert equal[kind] >= least, (kind, equal[kind])


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("ap_list at flush", spoilt(EOI1, "flush_list.*i6=46", "i2=42", "i2=47", 1)),
        ("ap_list at entry", spoilt(EOI1, "entry_list.*i0=40.*i6=46", "i5=45", "i5=46", 2)),
        ("priority", spoilt(EOI1, "resample.*intid=40 ", "prio=96", "prio=88", 2)),
        ("group", spoilt(EOI1, "resample.*intid=40 ", "group=1", "group=0", 2)),
        ("in a List Register", spoilt(EOI1, "resample.*intid=40 ", "on_lr=1", "on_lr=0", 2)),
        ("sources", spoilt(SOURCES, "queue_irq.*src=0xe", "src=0xe", "src=0x6")),
        ("DIR", spoilt(EOI1, "guest_dir.*vcpu=1", "val=0x28", "val=0x2d")),
        ("guests halted", without(EOI1, "halt_guest", 1)),
        ("completed outside", spoilt(EOI1, "lr_exit.*hcr=0x8004197", "hcr=0x8", "hcr=0x10")),
        ("LR of what is outside", spoilt(EOI1, "fold_lr.*0x1068000000000029", "0x10", "0x50")),
        ("line read again", without(TIMER, "_line_ret.*level=1", 2)),
        ("released at fold", spoilt(TIMER, "timer_line_ret.*level=0", "level=0", "level=1", 1)),
        ("released at fold", without(TIMER, "phys_set.*val=0", 4)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_spoilt_value_differs(kind: str, lines: list[bytes]) -> None:
    assert kind in follow(lines, given=False).tally.counts


def test_a_recording_that_begins_anywhere_is_no_difference() -> None:
    dice = random.Random(5)
    compared = 0
    for name in (EOI1, SOURCES, ROUTED, TIMER):
        lines = trace(name)
        for start in range(dice.randrange(60), len(lines) - 120, len(lines) // 9):
            tally = follow([lines[0], *lines[start : start + 160]], given=False).tally
            assert [difference.text() for difference in tally.differences] == [], (name, start)
            compared += tally.compared
    assert compared > 4_000


# -- made up: what no recording has --------------------------------------------------------------


def event(n: int, name: str, text: str, who: str = "kvm-vcpu-0-9  [000]") -> bytes:
    return f"  {who} d....  1.{n:06}: {name}: (f+0x0/0x1) {text}".encode()


def six_registers(sixth: int) -> list[bytes]:
    """An entry with six List Registers in use, of eight; ``sixth`` is the last one's INTID."""
    state = "v_line=0 v_latch=0 v_active=0 v_en=1 v_hw=1"
    head = b"# vgic-race: kernel 7.2.0, gic 3, list registers 8, lost 0"
    lines = [head, event(0, "flush", f"vcpu=0 {state}")]
    lines.append(event(1, "lr_entry", f"vcpu=0 hcr=0x1 used=0 {state}"))
    lines.append(event(2, "sync", "vcpu=0"))
    for i in range(6):
        sgi = f"intid={i + 1} line=0 latch=1 active=0 enabled=1 hw=0 prio=160 group=1"
        lines.append(event(10 + i, "queue_irq", f"{sgi} cur_vcpu=0x0 tgt_id=0"))
    lines.append(event(20, "flush", f"vcpu=0 {state}"))
    for i in range(6):
        sgi = f"intid={i + 1} line=0 latch=1 active=0 enabled=1 hw=0 prio=160 group=1"
        lines.append(event(30 + i, "populate_lr3", f"vcpu=0 lr={i} {sgi} hwintid=0 cfg=0"))
    lrs = " ".join(f"lr{i}={0x50A0 << 48 | (i + 1 if i < 5 else sixth):#x}" for i in range(6))
    return [*lines, event(40, "lr_entry", f"vcpu=0 hcr=0x1 used=6 {lrs} lr6=0x0 lr7=0x0 {state}")]


def test_list_registers_beyond_four_are_compared() -> None:
    right, wrong = follow(six_registers(6)).tally, follow(six_registers(7)).tally
    assert (right.counts.total(), right.equal["LR bits"]) == (0, 6)
    assert "List Registers beyond four" in right.shown
    assert wrong.counts == {"LR set and order": 1}


def idle(prio: int, *, signal: bool = False) -> list[bytes]:
    """A VCPU with SGI 1 pending, whose guest holds back what is not below 0x80, goes idle."""
    state = "v_line=0 v_latch=0 v_active=0 v_en=1 v_hw=1"
    ends = "vcpu=0 head=0xa0 n0=0xa0 i0=0"
    sgi = f"intid=1 line=0 latch=1 active=0 enabled=1 hw=0 prio={prio} group=1"
    switch = (
        "  kvm-vcpu-0-9  [000] d....  1.000009: sched_switch: prev_comm=kvm-vcpu-0 prev_pid=9 "
        "prev_prio=1 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=1"
    )
    sent = b"  sh-1  [001] .....  1.000010: signal_generate: sig=10 errno=0 code=0 comm=x pid=9"
    return [
        event(1, "vcpu_load", "vcpu=0 cpu=0 vmcr=0xf04c000a model=7 dist=0x8000000 enabled=1"),
        event(2, "flush_list", ends),
        event(3, "flush", f"vcpu=0 {state}"),
        event(4, "lr_entry", f"vcpu=0 hcr=0x1 used=0 {state}"),
        event(5, "sync", "vcpu=0"),
        event(6, "queue_irq", f"{sgi} cur_vcpu=0x0 tgt_id=0"),
        event(7, "vcpu_block", "vcpu=0 vmcr=0x804c000a"),
        event(8, "vcpu_blocking", "vcpu=0"),
        switch.encode(),
        *([sent] if signal else []),
        event(11, "vcpu_block_ret", "waited=1"),
        event(12, "vcpu_put", "vcpu=0"),
    ]


@pytest.mark.parametrize(("prio", "sleeps"), [(0x80, True), (0x78, False)])
def test_the_priority_mask_decides_who_sleeps(prio: int, sleeps: bool) -> None:
    tally = follow(idle(prio), Kernel((6, 12))).tally
    assert (tally.equal["slept"], tally.counts["slept"]) == ((1, 0) if sleeps else (0, 1))


@pytest.mark.parametrize("signal", [True, False])
def test_a_signal_ends_a_sleep(signal: bool) -> None:
    tally = follow(idle(0x80, signal=signal), Kernel((6, 12))).tally
    kind = "returned from its sleep"
    unknown = sum(n for (k, _), n in tally.not_compared.items() if k == kind)
    assert (tally.equal[kind], unknown) == ((1, 0) if signal else (0, 1))
