"""Each fault that is planted in the model or in the era is noticed on a real trace."""

from collections.abc import Iterator

import pytest

from harness.errors import UsageError
from harness.trace.follow.excuses import excuse
from harness.trace.follow.faults import FAULTS, fault_of, planted
from harness.trace.follow.faults.fault import Fault
from harness.trace.follow.follower import Follower
from harness.trace.line import Counts, Record, records
from model.vgic import decide
from tests.unit.trace.following import CLEAN, KERNEL, lines_of

SHOWN = [fault for fault in FAULTS.values() if fault.shown]
NOT_SHOWN = [fault for fault in FAULTS.values() if not fault.shown]


@pytest.fixture(scope="module", name="traces")
def all_traces() -> list[list[Record]]:
    """Recordings first: they show more, and they are small."""
    first = sorted(CLEAN, key=lambda path: not path.name.startswith("rec-"))
    return [list(records(lines_of(path), Counts())) for path in first]


def first_of(traces: list[list[Record]], fault: Fault | None) -> Iterator[str]:
    """Yield the kind of the first difference in each trace that has one."""
    with planted(fault) as over:
        for trace in traces:
            follower = Follower(KERNEL, excuse, over, given=False)
            for record in trace:
                follower.feed(record)
                if follower.tally.differences:
                    yield follower.tally.differences[0].kind
                    break


@pytest.mark.parametrize("fault", SHOWN, ids=lambda fault: fault.id)
def test_a_planted_fault_is_noticed(fault: Fault, traces: list[list[Record]]) -> None:
    assert next(first_of(traces, fault), "nowhere") != "nowhere"


def test_most_faults_are_shown() -> None:
    assert len(SHOWN) == 57
    assert [fault.id for fault in NOT_SHOWN] == ["timer-masked"]


def test_a_fault_is_gone_afterwards() -> None:
    before = dict(vars(decide))
    for fault in FAULTS.values():
        with planted(fault) as over:
            assert (vars(decide) != before) == (not over)
        assert vars(decide) == before


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown fault 'load-lime'; did you mean 'load-line'"):
        fault_of("load-lime")
