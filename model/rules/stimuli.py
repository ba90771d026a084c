"""States that hardly ever come by themselves: what stimuli of a scenario's are for."""

from typing import Final

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.table import Keys, add
from model.check.views.guests import Guests
from model.check.views.sleepers import Sleepers
from model.gic.registers import FIRST_SPI, HCR_LRENPIE, HCR_NPIE, SGIS
from model.identity import BG_TIMER
from model.rules.state_names import STIMULI
from model.rules.windows import EVERY, Looked

__all__ = ["Stimulated"]

(
    BEFORE_SLEEP, ELSEWHERE, ROUTED, FAR, TWO_SENDERS, BOTH_OUTSIDE,
) = (1 << EVERY.index(name) for name in STIMULI)  # fmt: skip
BOTH: Final = HCR_NPIE | HCR_LRENPIE


class Time(State):
    """``now`` is the virtual time in ns, as far as it has moved."""

    now: int = 0


class WokenVcpu(State):
    """``woken``: somebody woke the thread of a VCPU, and it has got no CPU since."""

    woken: bool = False


class Rising(State):
    """``rising``: an SPI was injected, and is on no ap_list yet."""

    rising: bool = False


class Senders(State):
    """``senders`` are the VCPUs that sent an SGI since it was acknowledged last."""

    senders: Keys[int] = ()


class Stimulated(Looked):
    """Which of these an execution has come to."""

    guests: Guests
    sleepers: Sleepers

    def setup(self) -> None:
        """Make the states."""
        self.time = self.one(Time, "time")
        self.threads = self.each_vcpu(WokenVcpu, "woken")
        self.rising = self.members(Rising, "rising")
        self.senders = self.members(Senders, "senders")

    @on(facts.Armed)
    def on_background(self, f: facts.Armed) -> None:
        """Today the background timer is armed by the put of a thread that waits, or is about to.

        What is due already wakes it by itself; so it counts if that is still to come.
        """
        waits = f.timer == BG_TIMER and self.era == "v7.2" and f.expiry > self.time.now
        if waits and not self.sleepers.of[f.vcpu].blocked:
            self.seen.bits |= BEFORE_SLEEP

    @on(facts.Ticked)
    def on_tick(self, f: facts.Ticked) -> None:
        """Time has moved."""
        self.time.now = f.now

    @on(facts.Woken)
    def on_woken(self, f: facts.Woken) -> None:
        """A thread was woken."""
        self.threads[f.vcpu].woken = True

    @on(facts.Placed)
    def on_got_cpu(self, f: facts.Placed) -> None:
        """A thread got a CPU."""
        woken, self.threads[f.vcpu].woken = self.threads[f.vcpu].woken, False
        if woken and f.before not in (-1, f.pcpu):
            self.seen.bits |= ELSEWHERE

    @on(facts.Injected)
    def on_rise(self, f: facts.Injected) -> None:
        """An interrupt was given a level, or an edge."""
        if f.level and f.accepted and f.vintid >= FIRST_SPI:
            self.rising[f.vintid].rising = True

    @on(facts.Queued)
    def on_queued(self, f: facts.Queued) -> None:
        """It is on an ap_list."""
        if f.vintid >= FIRST_SPI:
            self.rising[f.vintid].rising = False

    @on(facts.Retargeted)
    def on_routed(self, f: facts.Retargeted) -> None:
        """A guest has routed it."""
        if self.rising[f.vintid].rising:
            self.seen.bits |= ROUTED

    @on(facts.RegisterWritten)
    def on_far_write(self, f: facts.RegisterWritten) -> None:
        """A register of the distributor was written."""
        far = f.vintid < FIRST_SPI and f.owner != f.vcpu
        if far and f.register in ("isactiver", "icactiver"):
            self.seen.bits |= FAR

    @on(facts.SgiSent)
    def on_sgi(self, f: facts.SgiSent) -> None:
        """A guest has sent an SGI."""
        of = self.senders[f.target, f.vintid]
        of.senders = add(of.senders, f.vcpu)
        if len(of.senders) > 1:
            self.seen.bits |= TWO_SENDERS

    @on(facts.AckedByGuest)
    def on_sgi_taken(self, f: facts.AckedByGuest) -> None:
        """A guest has taken an interrupt; in a GICv2 an SGI comes with its sender."""
        vintid = f.vintid & 0x3FF if self.setting.gic_version == 2 else f.vintid
        if vintid < SGIS:
            self.senders[self.guests.on[f.pcpu].vcpu, vintid].senders = ()

    @on(facts.HcrWritten)
    def on_causes(self, f: facts.HcrWritten) -> None:
        """KVM asks for an exit when nothing is pending, and when what is outside ends."""
        if f.value & BOTH == BOTH:
            self.seen.bits |= BOTH_OUTSIDE
