"""The model in lock step with cuts of real traces: equal where KVM was itself, else not."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from harness.trace.follow.excuses import none
from tests.unit.trace.following import CLEAN, DATA, HEADER, SEEDED, follow, lines_of

KINDS = {
    "state at populate", "LR bits", "LR set and order", "HCR", "state at flush", "state at entry",
    "state at exit", "state after fold", "deactivated", "released at fold", "level at load",
    "physical active at load", "injection accepted", "state at queue", "on a list", "queue to kick",
    "kick to IPI", "kick to wake-up", "slept", "returned from its sleep", "did not sleep",
    "background timer", "background timer's expiry", "update to inject", "expiry to wake-up",
    "ap_list at flush", "ap_list at entry", "priority", "group", "sources", "in a List Register",
    "line read again", "completed outside", "LR of what is outside", "DIR", "guests halted",
}  # fmt: skip
"""What is compared, by the words of the report."""
FIRST = {
    "seed1.txt.gz": ("physical active at load", 121, "1", "0"),
    "seed2.txt.gz": ("physical active at load", 157, "0", "1"),
    "seed3.txt.gz": (
        "update to inject",
        138,
        "level 1 given to the vgic",
        "nothing",
    ),
    "seed4.txt.gz": ("expiry to wake-up", 561, "VCPU 1 woken", "nobody"),
}
"""Where each seeded kernel decides otherwise first: at its first firing."""


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.name)
def test_a_kernel_that_is_itself_decides_as_the_model(path: Path) -> None:
    tally = follow(lines_of(path), excuser=none, given=False).tally
    assert [difference.text() for difference in tally.differences] == []
    assert tally.compared > 10


def test_every_kind_of_decision_is_compared() -> None:
    """And none is compared under another name: a kind that vanished would go unnoticed."""
    total: Counter[str] = Counter()
    for path in CLEAN:
        total += follow(lines_of(path), given=False).tally.equal
    assert set(total) >= KINDS
    assert total.total() > 27_000


@pytest.mark.parametrize("name", FIRST)
def test_a_seeded_kernel_differs_at_its_first_firing(name: str) -> None:
    tally = follow(lines_of(DATA / name)).tally
    first = tally.differences[0]
    assert (first.kind, first.line, first.expected, first.seen) == FIRST[name]
    # It is counted once, and what follows is followed again.
    assert set(tally.counts) == {first.kind}


@pytest.mark.parametrize("path", SEEDED, ids=lambda path: path.name)
def test_every_seeded_kernel_differs(path: Path) -> None:
    assert follow(lines_of(path)).tally.counts.total() > 0


def test_after_a_difference_the_rest_is_followed() -> None:
    """Seed 4 drops a wake-up; all else there is as expected."""
    tally = follow(lines_of(DATA / "seed4.txt.gz")).tally
    assert tally.counts.total() == 1
    assert tally.equal["expiry to wake-up"] > 3
    assert tally.compared > 100


def test_a_difference_tells_event_expectation_and_state() -> None:
    first = follow(lines_of(DATA / "seed1.txt.gz")).tally.differences[0]
    assert first.text() == (
        "line 121, 16.724446, PhysSet: physical active at load of VCPU 1 vINTID 27: expected 1, "
        "seen 0; state before: level=1 line=1 latch=0 active=0 enabled=1 hw=1, ap_list of VCPU 1"
    )


def test_a_cut_start_is_no_difference() -> None:
    """Whatever line a trace begins at: what is not known yet is compared with nothing."""
    lines = lines_of(DATA / "aborted-entry-gicv2.txt.gz")[HEADER:]
    lines += lines_of(DATA / "migrate-with-active-timer.txt.gz")[HEADER:400]
    compared = 0
    for start in range(0, 250, 3):
        tally = follow(lines[start : start + 120]).tally
        assert [difference.text() for difference in tally.differences] == [], start
        compared += tally.compared
    assert compared > 4_000


def test_lost_events_are_no_difference() -> None:
    lines = lines_of(DATA / "migrate-with-active-timer.txt.gz")
    for start in range(20, 420, 8):
        gap = [*lines[:start], b"CPU:0 [LOST 7 EVENTS]", *lines[start + 7 :]]
        tally = follow(gap).tally
        assert [difference.text() for difference in tally.differences] == [], start


def test_unmarked_gaps_are_noticed_without_a_traceback() -> None:
    """Lines that are missing without a mark may read as another decision; nothing worse."""
    dice = random.Random(7)
    found = 0
    for path in CLEAN:
        lines = lines_of(path)
        kept = [line for line in lines if dice.random() > 0.05]
        found += follow(kept).tally.counts.total()
    assert found > 0


def mangled(lines: list[bytes], dice: random.Random) -> list[bytes]:
    """Break lines of a trace in all sorts of ways."""
    out = []
    for line in lines:
        broken = line
        what = dice.random()
        if what < 0.05:
            continue
        if what < 0.15:
            broken = re.sub(rb"\d+", lambda m: str(int(m[0]) * 31 % 9001).encode(), line, count=4)
        elif what < 0.2:
            broken = re.sub(rb"0x\w+", lambda _m: hex(dice.getrandbits(64)).encode(), line)
        elif what < 0.22:
            broken = b"CPU:1 [LOST 2 EVENTS]"
        out.append(broken)
    if dice.random() < 0.3:
        dice.shuffle(out)
    return out


def test_mangled_traces_are_followed_to_their_end() -> None:
    dice = random.Random(3)
    sources = [lines_of(path) for path in (*CLEAN, *SEEDED)]
    ended = 0
    for _ in range(250):
        lines = dice.choice(sources)
        start = dice.randrange(len(lines) - 60)
        tally = follow(mangled(lines[start : start + 60], dice), given=dice.random() < 0.5).tally
        ended += 1
        assert tally.compared >= tally.equal.total()
    assert ended == 250


def without(lines: list[bytes], *parts: bytes, nth: int = 2) -> list[bytes]:
    """Leave out the ``nth`` line (from 0) that has all of ``parts``, as if it were not done."""
    found = [i for i, line in enumerate(lines) if all(part in line for part in parts)]
    return lines[: found[nth]] + lines[found[nth] + 1 :]


def test_a_call_that_is_left_out_is_a_difference() -> None:
    """What is not called gives the hypervisor no input: pairs of events are looked at beside it."""
    lines = lines_of(DATA / "aborted-entry-gicv2.txt.gz")
    left_out = {
        "SGI to queue": without(lines, b"queue_irq: ", b"intid=1 ", nth=1),
        "queue to kick": without(lines, b"vcpu_kick: "),
        "update to inject": without(lines, b"vgic_update_irq_pending: "),
        "injection accepted": without(lines, b"queue_irq: ", b"intid=27 "),
        "background timer": without(lines, b"hrtimer_start: ", b"kvm_bg_timer"),
        "physical active at load": without(lines, b"phys_set: "),
        "level at load": without(lines, b"kvm_timer_update_irq: ", nth=1),
        "LR set and order": without(lines, b"populate_lr2: "),
    }
    for kind, rest in left_out.items():
        assert follow(rest).tally.counts[kind] == 1, kind


def test_a_fold_that_is_left_out_is_a_difference() -> None:
    lines = lines_of(DATA / "aborted-entry.txt.gz")
    pairs = range(100, len(lines) - 1)
    first = next(i for i in pairs if b"lr_exit: " in lines[i] and b"resample: " in lines[i + 1])
    rest = lines[:first] + lines[first + 2 :]
    assert follow(rest).tally.counts["LRs folded"] == 1


def test_traces_one_after_the_other_are_two() -> None:
    """Time that goes back begins another trace, of other VMs."""
    names = ("spi-disabled-while-active", "aborted-entry", "aborted-entry-gicv2")
    apart = [lines_of(DATA / f"{name}.txt.gz") for name in names]
    tally = follow([line for lines in apart for line in lines]).tally
    assert [difference.text() for difference in tally.differences] == []
    assert tally.compared == sum(follow(lines).tally.compared for lines in apart)
