"""What the host has disabled at the distributor."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.table import Keys, add, has, remove
from model.check.view import View

__all__ = ["HostMasks"]


class Masked(State):
    """``intids`` are the interrupts that the host has disabled."""

    intids: Keys[int] = ()


class HostMasks(View):
    """Which interrupts the host has disabled: ``masked.intids``, or :meth:`has`."""

    def setup(self) -> None:
        """Make the state."""
        self.masked = self.one(Masked)

    def has(self, intid: int) -> bool:
        """Tell whether the host has ``intid`` disabled."""
        return has(self.masked.intids, intid)

    @on(facts.HostMasked)
    def on_host_mask(self, f: facts.HostMasked) -> None:
        """The host disabled or enabled one."""
        change = add if f.masked else remove
        self.masked.intids = change(self.masked.intids, f.intid)
