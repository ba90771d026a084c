"""What excuses a difference: each excuse is needed, and excuses no more than it says."""

import pytest

from harness.trace.follow.excuses import EXCUSES, none
from tests.unit.trace.following import DATA, follow, lines_of

STATE = "v_line=1 v_latch=0 v_active=0 v_en=1 v_hw=1"


def line(n: int, text: str, pid: int = 9) -> bytes:
    """Return a line in a thread."""
    return f"  kvm-vcpu-0-{pid}  [000] d....  1.{n:06}: {text}".encode()


def probe(n: int, name: str, text: str, pid: int = 9) -> bytes:
    """Return a kprobe event."""
    return line(n, f"{name}: (f+0x0/0x1) {text}", pid)


def restored(*, from_user: bool) -> list[bytes]:
    """Return a put and a load between which somebody wrote the timer."""
    lines = [
        probe(1, "vcpu_load", "vcpu=0 cpu=0"),
        probe(2, "vcpu_put", "vcpu=0"),
        probe(3, "timer_put", "vcpu=0 vlevel=0 vloaded=1 plevel=0 ploaded=0"),
        line(4, "kvm_timer_save_state:    CTL: 0x000001 CVAL: 0x1000 arch_timer_ctx_index: 1"),
    ]
    if from_user:
        lines.append(line(5, "kvm_userspace_exit: reason KVM_EXIT_MMIO (6)"))
    lines += [
        probe(6, "vcpu_load", "vcpu=0 cpu=0"),
        probe(7, "timer_load", "vcpu=0 vlevel=0 vloaded=0 plevel=0 ploaded=0"),
        line(8, "kvm_timer_restore_state: CTL: 0x000001 CVAL: 0x2000 arch_timer_ctx_index: 1"),
    ]
    return lines


def queued(*, delivered: bool) -> list[bytes]:
    """Return an SPI that is queued and not kicked for, another VCPU having been kicked."""
    populated = "vcpu=0 lr=0 intid=27 line=1 latch=0 active=0 enabled=1 hw=1 hwintid=27 cfg=1"
    spi = "intid=40 line=1 latch=0 active=0 enabled=1 hw=0 cur_vcpu=0x0 tgt_id=0"
    lines = [probe(1, "vcpu_kick", "vcpu=1")]
    if delivered:
        lines += [probe(2, "flush", f"vcpu=0 {STATE}"), probe(3, "populate_lr3", populated)]
    return [
        *lines,
        line(5, "vgic_update_irq_pending: VCPU: 0, IRQ 40, level: 1", pid=20),
        probe(6, "queue_irq", spi, pid=20),
        line(7, "kvm_userspace_exit: reason KVM_EXIT_MMIO (6)", pid=20),
    ]


WITH = {
    "timer-from-user": ("timer restored", restored(from_user=True)),
    "distributor-off": ("queue to kick", queued(delivered=False)),
}
"""For each excuse, events that need it."""
WITHOUT = {
    "timer-from-user": ("timer restored", restored(from_user=False)),
    "distributor-off": ("queue to kick", queued(delivered=True)),
}
"""Events that look alike, where its condition does not hold."""


def test_each_excuse_is_known_here() -> None:
    assert {each.id for each in EXCUSES} == set(WITH) == set(WITHOUT)
    assert all(each.reason for each in EXCUSES)


@pytest.mark.parametrize("name", WITH)
def test_an_excuse_is_still_needed(name: str) -> None:
    """Without it there would be a difference; where there is none any more it has to go."""
    kind, lines = WITH[name]
    assert follow(lines, excuser=none).tally.counts == {kind: 1}
    tally = follow(lines).tally
    assert (tally.counts.total(), dict(tally.excused)) == (0, {name: 1})
    assert tally.pardoned[0].excuse == name


@pytest.mark.parametrize("name", WITHOUT)
def test_an_excuse_does_not_hold_beyond_its_condition(name: str) -> None:
    kind, lines = WITHOUT[name]
    assert follow(lines).tally.counts == {kind: 1}


def test_no_cut_of_a_real_trace_needs_one() -> None:
    for path in DATA.glob("*.gz"):
        assert follow(lines_of(path)).tally.excused.total() == 0, path
