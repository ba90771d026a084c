"""The List Registers in use."""

from collections.abc import Collection

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.table import Table, UnknownTable, drop, put
from model.check.view import View
from model.gic.lr import EMPTY, Lr
from model.gic.registers import SGIS
from model.messages import VTIMER_PPI

__all__ = ["ListRegisters"]


class OnCpu(State):
    """``used`` are the registers that are not inactive, by index."""

    used: Table[int, Lr] = ()


class ListRegisters(View):
    """``on[c].used`` are CPU ``c``'s registers that are not inactive: pairs of index and value."""

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    def forget(self, but: Collection[tuple[State, str]] = ()) -> None:
        """Know nothing of any register, but know how many there are."""
        for on_cpu in self.on:
            if (on_cpu, "used") not in but:
                on_cpu.used = UnknownTable(universe=tuple(range(self.setting.lrs)))  # type: ignore[assignment]

    def timer(self, c: int, vintid: int = VTIMER_PPI) -> Lr:
        """Return the List Register of CPU ``c`` that holds a timer's interrupt, ``vintid``.

        If none does, the empty one.
        """
        for _, lr in self.on[c].used:
            if lr.vintid == vintid:
                return lr
        return EMPTY

    def has_a_turn(self, c: int) -> bool:
        """Tell whether one of several senders of an SGI has its turn there, and an exit at its end.

        With a GICv2; until 2025 what is less urgent gets no register before that (Linux
        16ca6a607d84, vgic_flush_lr_state; not so in 7.2).
        """
        if self.era != "v4.14" or self.setting.gic_version != 2:
            return False
        return any(lr.eoi and lr.vintid < SGIS for _, lr in self.on[c].used)

    @on(facts.LrMoved, facts.LrWritten)
    def on_lr(self, f: facts.LrMoved | facts.LrWritten) -> None:
        """A register changed, by its guest or by KVM."""
        on_cpu = self.on[f.pcpu]
        if f.after.state:
            on_cpu.used = put(on_cpu.used, f.index, f.after)
        else:
            on_cpu.used = drop(on_cpu.used, f.index)
