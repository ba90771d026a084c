"""States by virtual interrupt, as several rules need them."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from model.check.listener import Listener
from model.check.state import State
from model.gic.registers import FIRST_SPI

__all__ = ["Interrupts"]

S = TypeVar("S", bound=State)


class Interrupts(Generic[S]):
    """A state per virtual interrupt: of an SGI or PPI per VCPU, of an SPI or LPI one in the VM.

    ``private[v]`` are those of VCPU ``v``, ``shared`` those of the VM, both by vINTID; a state is
    made when it is asked for.
    """

    def __init__(self, owner: Listener, cls: type[S]) -> None:
        self.private = tuple(owner.members(cls, f"v{v}") for v in range(owner.setting.vcpus))
        self.shared = owner.members(cls, "vm")

    def of(self, v: int, vintid: int) -> S:
        """Return the state of what is ``vintid`` for VCPU ``v``."""
        return self.shared[vintid] if vintid >= FIRST_SPI else self.private[v][vintid]

    def __iter__(self) -> Iterator[tuple[int, int, S]]:
        """Go through all: whose it is (-1: the VM's), its vINTID, and its state."""
        for v, private in enumerate(self.private):
            for vintid in sorted(private):
                yield v, vintid, private[vintid]
        for vintid in sorted(self.shared):
            yield -1, vintid, self.shared[vintid]
