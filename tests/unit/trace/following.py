"""What the tests of ``trace follow`` share: traces, and following lines of them."""

from collections.abc import Iterable

from harness.trace.follow.excuses import excuse
from harness.trace.follow.follower import Follower
from harness.trace.follow.kernels import Kernel
from harness.trace.follow.tally import Excuser
from harness.trace.line import Counts, records
from tests.conformance.traces import DATA, lines_of

__all__ = ["CLEAN", "DATA", "HEADER", "KERNEL", "SEEDED", "follow", "lines_of"]

KERNEL = Kernel((6, 1))
"""What the traces were recorded on."""
SEEDED = sorted(path for path in DATA.glob("*.gz") if path.name.startswith("seed"))
CLEAN = sorted(path for path in DATA.glob("*.gz") if not path.name.startswith("seed"))
HEADER = 12
"""Lines that ftrace prints before the first event."""


def follow(
    lines: Iterable[bytes],
    kernel: Kernel = KERNEL,
    *,
    over: Iterable[type] = (),
    excuser: Excuser = excuse,
    given: bool = True,
) -> Follower:
    """Follow lines of a trace."""
    follower = Follower(kernel, excuser, over, given=given)
    for record in records(follower.heard(lines), Counts()):
        follower.feed(record)
    return follower
