"""``trace follow`` over whole traces of a real KVM: long, run where those traces are."""

import random
import re
from collections import Counter

import pytest

from harness.trace.follow.excuses import excuse
from harness.trace.follow.faults import FAULTS, planted
from harness.trace.follow.faults.fault import Fault
from harness.trace.follow.follower import Follower
from harness.trace.line import Counts, Record, records
from tests.conformance.traces import DATA, large, lines_of
from tests.unit.trace.following import HEADER, KERNEL, follow

pytestmark = pytest.mark.traces

CUT, CUTS = 3_000, 100
PARTS = 6
"""So many tests share the planted faults."""
COMPARED = 500_000
"""At least so many decisions are compared over all clean traces."""


def test_clean_traces_have_no_difference() -> None:
    total: Counter[str] = Counter()
    for path in large("clean"):
        tally = follow(lines_of(path)).tally
        assert [difference.text() for difference in tally.differences] == [], path
        total += tally.equal
    assert total.total() > COMPARED, dict(total)


def test_fixtures_have_none_but_at_a_seed() -> None:
    for path in large("fixtures"):
        found = follow(lines_of(path)).tally.counts.total()
        assert (found > 0) == path.name.startswith("seed"), path


def test_seeds_are_met_at_their_firings() -> None:
    """All but the first of seed 2, before which the state is not known."""
    for path in large("seeded"):
        truth = path.with_name(path.name.replace(".txt.gz", ".truth.txt")).read_text().splitlines()
        firings = [
            float(found[1]) for line in truth if (found := re.search(r"(\d+\.\d{6}): ", line))
        ]
        tally = follow(lines_of(path)).tally
        first = tally.differences[0]
        late = 1 if "seed2" in path.name else 0
        assert 0 <= first.seconds() - firings[late] < 0.001, (path, first.text())
        assert tally.counts.total() >= len(firings) - 1, path


def test_cuts_have_no_difference() -> None:
    dice = random.Random(13)
    sources = [lines_of(path)[HEADER:] for path in large("clean")]
    found, compared = [], 0
    for _ in range(CUTS):
        lines = dice.choice(sources)
        start = dice.randrange(len(lines) - CUT)
        tally = follow(lines[start : start + CUT]).tally
        found += [difference.text() for difference in tally.differences]
        compared += tally.compared
    assert found == []
    assert compared > 1_000 * CUTS


@pytest.mark.parametrize("part", range(PARTS))
def test_every_fault_that_clean_traces_show_is_noticed(part: int) -> None:
    left = dict(list(FAULTS.items())[part::PARTS])
    for path in (*sorted(DATA.glob("rec-*.gz")), *large("clean")):
        trace = list(records(lines_of(path), Counts()))
        for name, fault in list(left.items()):
            if differs(trace, fault):
                del left[name]
    assert [fault.id for fault in left.values() if fault.shown] == []
    assert len(left) < len(FAULTS) / PARTS


def differs(trace: list[Record], fault: Fault) -> bool:
    """Tell whether a trace shows a planted fault."""
    with planted(fault) as over:
        follower = Follower(KERNEL, excuse, over, given=False)
        for record in trace:
            follower.feed(record)
            if follower.tally.differences:
                return True
    return False
