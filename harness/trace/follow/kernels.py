"""What the kernels' versions do differently, as far as a trace shows it; and which one this is.

Each difference names the commit that made it and the version that had it first. The hypervisor that
is followed is an era (``harness.kvm``) with those differences undone that the traced kernel did not
have yet.
"""

import re
from typing import NamedTuple

from harness.errors import UsageError
from harness.kvm.hooks import Hooks
from harness.kvm.underflow import UnderflowOnly
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2

__all__ = [
    "DIFFERENCES", "LATEST", "LOADED_TIMER", "OLDER", "OVERFLOW", "Difference", "Kernel",
    "version_of",
]  # fmt: skip

Version = tuple[int, int]


class Difference(NamedTuple):
    """What changed in version ``since`` by ``commit``: ``what`` a newer kernel does."""

    since: Version
    commit: str
    what: str


LOADED_TIMER = Difference(
    (4, 15), "b103cc3f10c0", "the timer stays loaded through exits; load and put move it"
)
OBSERVED_EDGES = Difference(
    (4, 16),
    "e40cc57bac79",
    "populate lowers the line of a mapped level interrupt, and the fold reads it again",
)
ONE_LR_PER_SGI = Difference(
    (4, 17), "53692908b0f5", "a GICv2 SGI of several senders has one List Register at a time"
)
OVERFLOW = Difference(
    (6, 19),
    "3cfd59f81e0f",
    "what is outside the List Registers: pending ones first, NPIE, LRENPIE and EOIcount, DIR traps "
    "while an SPI is in flight, and the first one of those is told to all VCPUs; before, active "
    "ones first and UIE alone, once the registers are full and the list has more",
)
LATEST: Version = (7, 2)
"""The newest kernel whose source the model was held against."""
OLDER: Version = (6, 1)
"""What a kernel is taken for that shows nothing newer."""
DIFFERENCES = (LOADED_TIMER, OBSERVED_EDGES, ONE_LR_PER_SGI, OVERFLOW)


class Unobserved:
    """KVM 4.15: the timer stays loaded, but no line is lowered or read again by the vgic."""

    observe_edges_only = False


class Kernel:
    """The kernel that was traced: its version, and what that decides."""

    def __init__(self, version: Version) -> None:
        self.version = version

    def has(self, difference: Difference) -> bool:
        """Tell whether this kernel does what ``difference`` says."""
        return self.version >= difference.since

    @property
    def name(self) -> str:
        """The version as it is written."""
        return f"{self.version[0]}.{self.version[1]}"

    def classes(self) -> tuple[type, ...]:
        """Return the era, with what is laid over it, in the order of a class's bases."""
        if not self.has(LOADED_TIMER):
            return (V4_14,)
        over: list[type[Hooks] | type] = []
        if not self.has(OVERFLOW):
            over.append(UnderflowOnly)
        if not self.has(OBSERVED_EDGES):
            over.append(Unobserved)
        return (*over, V7_2)


def version_of(text: str) -> Version:
    """Return the version that ``text`` names: ``6.1``, ``6.1.192``, ``v7.2-rc1``.

    Raises:
        UsageError: it names none, or one that is older than 4.14.

    """
    found = re.match(r"v?(\d{1,3})\.(\d{1,3})(?:[.\-+~].*)?$", text.strip())
    if found is None:
        raise UsageError(f"kernel {text!r}: expected a version, as 6.1 or 7.2.13")
    version = (int(found[1]), int(found[2]))
    if version < (4, 14):
        raise UsageError(f"kernel {text!r}: KVM before 4.14 is not modelled")
    return version
