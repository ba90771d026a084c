"""What the distributor has for a CPU to take."""

from model.check.view import View
from model.check.views.active_states import ActiveStates
from model.check.views.host_masks import HostMasks
from model.check.views.latches import Latches
from model.check.views.lines import Lines
from model.check.views.running_priority import RunningPriority
from model.gic.registers import FIRST_LPI, FIRST_SPI

__all__ = ["LevelsToSignal", "ToSignal"]

PPIS = 0xFFFF_0000
"""The level-sensitive ones of the banked interrupts."""
BANKED = (1 << FIRST_SPI) - 1


class LevelsToSignal(View):
    """``first(c)`` is a level interrupt that CPU ``c`` is to be signalled; it has no state."""

    active: ActiveStates
    lines: Lines
    priority: RunningPriority
    masks: HostMasks

    def setup(self) -> None:
        """Find which SPIs are routed to which CPU."""
        forwards = [x for x in self.setting.forwards if x.intid < FIRST_LPI and x.level]
        self.spis = tuple(
            tuple(x.intid for x in forwards if x.target == c) for c in range(self.setting.pcpus)
        )

    def first(self, c: int) -> int:
        """Return a level interrupt that CPU ``c`` is to be signalled, or -1."""
        if not self.priority.on[c].idle:
            return -1
        ready = self.lines.on[c].bits & ~self.active.on[c].bits & PPIS
        if ready:
            return (ready & -ready).bit_length() - 1
        for intid in self.spis[c]:
            if self.lines.spis.bits >> intid & 1 and self.offers(intid):
                return intid
        return -1

    def offers(self, intid: int) -> bool:
        """Tell whether an SPI, if it is pending, is offered to the CPU it is routed to."""
        return not self.active.spis.bits >> intid & 1 and not self.masks.has(intid)


class ToSignal(View):
    """``first(c)`` is an interrupt, level or edge, that CPU ``c`` is to be signalled."""

    levels: LevelsToSignal
    latches: Latches

    def setup(self) -> None:
        """Find which SPIs are routed to which CPU; the host's own devices go to the first."""
        forwards = [x for x in self.setting.forwards if x.intid < FIRST_LPI]
        self.spis = tuple(
            (
                *(x.intid for x in forwards if x.target == c),
                *(self.setting.devices if c == 0 else ()),
            )
            for c in range(self.setting.pcpus)
        )

    def first(self, c: int) -> int:
        """Return an interrupt that CPU ``c`` is to be signalled, level or edge, or -1."""
        levels, latches = self.levels, self.latches
        level = levels.first(c)
        if level >= 0 or not levels.priority.on[c].idle:
            return level
        ready = latches.on[c].bits & ~levels.active.on[c].bits & BANKED
        if ready:
            return (ready & -ready).bit_length() - 1
        for intid in self.spis[c]:
            if latches.spis.bits >> intid & 1 and levels.offers(intid):
                return intid
        lpis = latches.on[c].lpis
        while lpis:
            intid = FIRST_LPI + (lpis & -lpis).bit_length() - 1
            if not levels.masks.has(intid):
                return intid
            lpis &= lpis - 1
        return -1
