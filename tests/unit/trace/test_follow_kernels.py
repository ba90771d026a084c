"""Which kernel a trace is of, and what that changes."""

import pytest

from harness.errors import UsageError
from harness.trace.follow.excuses import none
from harness.trace.follow.kernels import (
    DIFFERENCES,
    LATEST,
    LOADED_TIMER,
    OLDER,
    OVERFLOW,
    Kernel,
    version_of,
)
from tests.unit.trace.following import DATA, follow, lines_of

TRACE = DATA / "aborted-entry.txt.gz"


@pytest.mark.parametrize(
    ("text", "version"),
    [("6.1", (6, 1)), ("6.1.192", (6, 1)), ("v7.2-rc1", (7, 2)), ("6.12.95+deb12-arm64", (6, 12))],
)
def test_versions_are_read(text: str, version: tuple[int, int]) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("text", "why"),
    [("six", "expected a version"), ("6", "expected a version"), ("4.13", "before 4.14")],
)
def test_what_is_no_version_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        version_of(text)


def test_each_difference_has_a_commit_and_is_between_the_eras() -> None:
    for difference in DIFFERENCES:
        assert len(difference.commit) == 12
        assert (4, 14) < difference.since < LATEST
    assert Kernel((4, 14)).has(LOADED_TIMER) is False
    assert Kernel(OLDER).has(OVERFLOW) is False
    assert Kernel((6, 19)).has(OVERFLOW) is True


def test_the_kernel_is_learnt_from_a_mark() -> None:
    mark = b"  sh-1  [000] .....  1.000000: tracing_mark_write: kernel 6.12.95+deb12-arm64"
    follower = follow([mark, *lines_of(TRACE)], Kernel(LATEST), given=False)
    assert follower.kernel.name == "6.12"


def test_the_kernel_is_learnt_from_the_group_causes() -> None:
    """Since 6.19 each flush chooses which change of a group's enable shall make an exit."""
    new = [line.replace(b" hcr=0x1 ", b" hcr=0x61 ") for line in lines_of(TRACE)]
    assert follow(new, Kernel(OLDER), given=False).kernel.version == LATEST
    assert follow(new, Kernel(OLDER)).kernel.version == OLDER
    assert follow(lines_of(TRACE), Kernel(OLDER), given=False).kernel.version == OLDER


@pytest.mark.parametrize("version", [(4, 14), (4, 15), (4, 16), (6, 12), (6, 19), (7, 2)])
def test_below_overflow_and_with_the_same_timer_all_kernels_decide_alike(
    version: tuple[int, int],
) -> None:
    tally = follow(lines_of(TRACE), Kernel(version), excuser=none).tally
    alike = version >= (4, 16)
    assert (tally.counts.total() == 0) == alike
    assert tally.compared > 100


def event(name: str, text: str, n: list[int]) -> bytes:
    """Return a line in the thread of VCPU 0."""
    n[0] += 1
    return f"  kvm-vcpu-0-9  [000] d....  1.{n[0]:06}: {name}: (f+0x0/0x1) {text}".encode()


def overflowing(hcr: int, order: tuple[int, ...]) -> list[bytes]:
    """Return an entry with five interrupts for four List Registers, after one with none."""
    n = [0]
    state = "v_line=0 v_latch=0 v_active=0 v_en=1 v_hw=1"
    lines = [
        event("flush", f"vcpu=0 {state}", n),
        event("lr_entry", f"vcpu=0 hcr=0x1 used=0 lr0=0x0 lr1=0x0 lr2=0x0 lr3=0x0 {state}", n),
        event("sync", "vcpu=0", n),
    ]
    for intid in (1, 2, 3, 4, 5):
        sgi = f"intid={intid} line=0 latch=1 active=0 enabled=1 hw=0 cur_vcpu=0x0 tgt_id=0"
        lines += [event("queue_irq", sgi, n), event("vcpu_kick", "vcpu=0", n)]
    lines.append(event("flush", f"vcpu=0 {state}", n))
    for i, intid in enumerate(order):
        sgi = f"intid={intid} line=0 latch=1 active=0 enabled=1 hw=0 hwintid=0 cfg=0"
        lines.append(event("populate_lr3", f"vcpu=0 lr={i} {sgi}", n))
    lrs = " ".join(f"lr{i}={0x50A0 << 48 | intid:#x}" for i, intid in enumerate(order))
    lines.append(event("lr_entry", f"vcpu=0 hcr={hcr:#x} used=4 {lrs} {state}", n))
    return lines


EN, UIE, NPIE = 1, 2, 8


@pytest.mark.parametrize(
    ("version", "hcr", "equal"),
    [
        ((6, 1), EN | UIE, True),
        ((6, 1), EN | UIE | NPIE, False),
        ((6, 1), EN, False),
        ((7, 2), EN | UIE | NPIE, True),
        ((7, 2), EN | UIE | NPIE | 0x60, True),
        ((7, 2), EN | UIE, False),
    ],
)
def test_hcr_of_an_overflow_follows_the_kernel(
    version: tuple[int, int], hcr: int, equal: bool
) -> None:
    tally = follow(overflowing(hcr, (1, 2, 3, 4)), Kernel(version)).tally
    entries = (2, 0) if equal else (1, 1)  # that with nothing is as it is in all of them
    assert (tally.equal["HCR"], tally.counts["HCR"]) == entries
    assert tally.equal["LR set and order"] == 2


def test_the_order_of_an_overflow_needs_the_priorities() -> None:
    """The list is sorted by them, and they are learnt from the List Registers."""
    tally = follow(overflowing(EN | UIE, (1, 2, 4, 3)), Kernel((6, 1))).tally
    why = "priorities that the list is sorted by are not known"
    assert tally.not_compared["order of LRs", why] == 1
    assert tally.counts.total() == 0
