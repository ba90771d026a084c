"""What devices have for their guests to do."""

from collections.abc import Collection

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.table import UnknownTable
from model.check.view import View
from model.gic.registers import FIRST_LPI

__all__ = ["DeviceWork"]


class OfVcpu(State):
    """``vintids`` of the devices that had an event and were not served since, the oldest first."""

    vintids: tuple[int, ...] = ()


class DeviceWork(View):
    """``of[v].vintids``: VCPU ``v``'s devices that had an event and were not served since."""

    trusts = "when a guest's ICPENDR took effect: before or after an event that comes meanwhile"

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)
        self.owners = {x.vintid: x.vcpu for x in self.setting.drivers}
        self.edges = frozenset(x.vintid for x in self.setting.drivers if not x.level)
        self.devices = tuple(
            tuple(x.vintid for x in self.setting.drivers if x.vcpu == v)
            for v in range(self.setting.vcpus)
        )

    def forget(self, but: Collection[tuple[State, str]] = ()) -> None:
        """Know nothing of any device, but know which there are."""
        for of, devices in zip(self.of, self.devices, strict=True):
            if (of, "vintids") not in but:
                unknown = UnknownTable(universe=devices, is_set=True) if devices else ()
                of.vintids = unknown  # type: ignore[assignment]

    @on(facts.DeviceRaised)
    def on_event(self, f: facts.DeviceRaised) -> None:
        """A device had an event."""
        of = self.of[f.vcpu]
        if of.vintids.__class__ is not tuple:
            of.vintids = of.vintids.put(f.vintid, True)  # type: ignore[attr-defined]
        elif f.vintid not in of.vintids:
            of.vintids = (*of.vintids, f.vintid)

    @on(facts.DeviceServed)
    def on_served(self, f: facts.DeviceServed) -> None:
        """A guest's driver served it, that of its VCPU or, for an SPI routed on, of another."""
        self.drop(self.owners.get(f.vintid, f.vcpu), f.vintid)

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A guest threw an edge away (ICPENDR): nobody owes it any more.

        It is KVM that says when: between the guest's access and its end other events may come.
        """
        if f.register == "icpendr" and f.vintid in self.edges:
            self.drop(self.owners[f.vintid], f.vintid)

    @on(facts.Injected)
    def on_dropped(self, f: facts.Injected) -> None:
        """A message found its LPIs disabled, and is lost; of others G9 tells."""
        if not f.accepted and f.vintid >= FIRST_LPI:
            self.drop(self.owners.get(f.vintid, f.vcpu), f.vintid)

    def drop(self, v: int, vintid: int) -> None:
        """VCPU ``v``'s device has nothing to do any more."""
        of = self.of[v]
        if of.vintids.__class__ is not tuple:
            of.vintids = of.vintids.drop(vintid)  # type: ignore[attr-defined]
        else:
            of.vintids = tuple([x for x in of.vintids if x != vintid])
