"""What facts add up to about the physical GIC: a part of ``scene``."""

from collections.abc import Callable
from typing import Any

from model import facts
from model.facts import Fact
from model.gic.registers import FIRST_SPI, IDLE, SPECIAL, SPURIOUS
from model.messages import VTIMER_PPI

__all__ = ["GicScene", "is_special"]


def is_special(intid: int) -> bool:
    """Tell whether an acknowledge that returned this number got nothing."""
    return SPECIAL <= intid <= SPURIOUS


class GicScene:
    """The distributor and the CPU interfaces, as far as facts say it.

    Per CPU ``c``: ``active[c]`` and ``line[c]``, masks of the banked interrupts' states;
    ``latched[c]`` the mask of their pending latches, and ``latched_lpis[c]`` the LPIs pending
    there; ``hcr[c]``; ``pin[c]``; ``idle[c]``, that its running priority is that of no interrupt.
    Of SPIs, which all CPUs share: ``active_spis``, ``high_spis``, ``latched_spis``; and
    ``host_masked``.
    """

    def reset_gic(self, pcpus: int) -> None:
        """Start an execution."""
        self.active = [0] * pcpus
        self.active_spis: set[int] = set()
        self.high_spis: set[int] = set()
        self.latched_spis: set[int] = set()
        self.host_masked: set[int] = set()
        self.line = [0] * pcpus
        self.latched = [0] * pcpus
        self.latched_lpis: list[set[int]] = [set() for _ in range(pcpus)]
        self.pin = [False] * pcpus
        self.idle = [True] * pcpus
        self.hcr = [0] * pcpus

    def gic_handlers(self) -> dict[type[Fact], Callable[[Any], None]]:
        """Return what to call for which fact."""
        return {
            facts.ActiveChanged: self.on_active,
            facts.LineChanged: self.on_line,
            facts.PendingChanged: self.on_pending,
            facts.AckedByHost: self.on_host_ack,
            facts.PriorityDropped: self.on_priority_drop,
            facts.Signalled: self.on_signal,
            facts.HcrWritten: self.on_hcr,
            facts.HostMasked: self.on_host_mask,
        }

    # -- questions -----------------------------------------------------------------------------

    def is_active(self, c: int, intid: int = VTIMER_PPI) -> bool:
        """Tell whether the banked interrupt is active on CPU ``c``."""
        if intid >= FIRST_SPI:
            return intid in self.active_spis
        return bool(self.active[c] >> intid & 1)

    def is_high(self, c: int, intid: int) -> bool:
        """Tell whether the distributor sees the line of ``intid`` high (a PPI: on ``c``)."""
        if intid >= FIRST_SPI:
            return intid in self.high_spis
        return bool(self.line[c] >> intid & 1)

    # -- facts ---------------------------------------------------------------------------------

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.pcpu >= 0:
            if f.after:
                self.active[f.pcpu] |= 1 << f.intid
            else:
                self.active[f.pcpu] &= ~(1 << f.intid)
        elif f.after:
            self.active_spis.add(f.intid)
        else:
            self.active_spis.discard(f.intid)

    def on_line(self, f: facts.LineChanged) -> None:
        if f.pcpu >= 0:
            if f.level:
                self.line[f.pcpu] |= 1 << f.intid
            else:
                self.line[f.pcpu] &= ~(1 << f.intid)
        elif f.level:
            self.high_spis.add(f.intid)
        else:
            self.high_spis.discard(f.intid)

    def on_pending(self, f: facts.PendingChanged) -> None:
        if f.intid < FIRST_SPI:
            if f.after:
                self.latched[f.pcpu] |= 1 << f.intid
            else:
                self.latched[f.pcpu] &= ~(1 << f.intid)
            return
        latched = self.latched_spis if f.pcpu < 0 else self.latched_lpis[f.pcpu]
        if f.after:
            latched.add(f.intid)
        else:
            latched.discard(f.intid)

    def on_host_ack(self, f: facts.AckedByHost) -> None:
        if not is_special(f.intid):
            self.idle[f.pcpu] = False

    def on_priority_drop(self, f: facts.PriorityDropped) -> None:
        self.idle[f.pcpu] = f.running == IDLE

    def on_signal(self, f: facts.Signalled) -> None:
        self.pin[f.pcpu] = f.level

    def on_hcr(self, f: facts.HcrWritten) -> None:
        self.hcr[f.pcpu] = f.value

    def on_host_mask(self, f: facts.HostMasked) -> None:
        if f.masked:
            self.host_masked.add(f.intid)
        else:
            self.host_masked.discard(f.intid)
