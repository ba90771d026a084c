"""Traces beside scenarios on a real kernel: the model decides as it did; and what F4 looks like."""

import re

import pytest

from tests.unit.trace.following import DATA, follow, lines_of

WRITTEN = re.compile(rb" phys_set: .* which=1 val=(\d)")
TAKEN = re.compile(rb" irq_handler_entry: .*name=kvm guest vtimer")
ENTERED = re.compile(rb" lr_entry: .* lr0=0x([0-9a-f]+) ")
HW, STATE, PENDING, TIMER = 61, 62, 1, 27


def entries(name: str) -> tuple[int, int]:
    """Return how often the timer is pending with the HW bit at an entry, and unheld of these."""
    active, pending, unheld = 0, 0, 0
    for line in lines_of(DATA / f"{name}.txt.gz"):
        if found := WRITTEN.search(line):
            active = int(found[1])
        elif TAKEN.search(line):
            active = 1
        elif found := ENTERED.search(line):
            lr = int(found[1], 16)
            if lr >> HW & 1 and lr >> STATE & 3 == PENDING and lr & 0xFFFFFFFF == TIMER:
                pending += 1
                unheld += not active
    return pending, unheld


@pytest.mark.parametrize("name", ["run-7.2-timer-wfi", "run-7.2-pend-and-exit"])
def test_the_model_decides_as_the_kernel_did(name: str) -> None:
    tally = follow(lines_of(DATA / f"{name}.txt.gz"), given=False).tally
    assert [each.text() for each in tally.differences] == []
    assert tally.compared > 900


def test_what_a_guest_made_pending_loses_its_physical_active_state() -> None:
    """F4: the fold releases it, and the next entry presents it with the HW bit all the same."""
    assert entries("run-7.2-pend-and-exit") == (7, 4)
    assert entries("run-7.2-timer-wfi") == (9, 0)
