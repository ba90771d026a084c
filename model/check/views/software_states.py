"""KVM's software state of the timers' interrupts."""

from model import facts
from model.check.listener import on
from model.check.state import State
from model.check.view import View
from model.check.views.handlings import TIMER_OF
from model.check.views.loaded_vcpus import LoadedVcpus
from model.gic.lr import PENDING
from model.identity import PTIMER, VTIMER
from model.timer import PTIMER_PPI

__all__ = ["SoftwareStates"]


class Software(State):
    """``pending``: in software, in no List Register; ``active``: the last fold found it active.

    ``latched``: it is pending by the guest's ISPENDR, whatever its line is.
    """

    pending: bool = False
    active: bool = False
    latched: bool = False


class SoftwareStates(View):
    """``of[timer][v]``: KVM's software state of that timer's interrupt of VCPU ``v``."""

    trusts = (
        "of what is written only ISPENDR and ICPENDR of the timer are heard, which no other fact "
        "shows; that they took effect G9 and G3 tell"
    )

    loaded: LoadedVcpus

    def setup(self) -> None:
        """Make the states."""
        ptimers = self.each_vcpu(Software, "ptimer")
        vtimers = self.each_vcpu(Software, "vtimer")
        self.of = (ptimers, vtimers) if PTIMER < VTIMER else (vtimers, ptimers)
        self.virtual, self.physical = vtimers, ptimers
        self.direct = {n: self.of[TIMER_OF[n]] for n in self.setting.direct}

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """A level was given to the vgic."""
        if f.accepted and f.vintid in TIMER_OF:
            software = self.of[TIMER_OF[f.vintid]][f.vcpu]
            software.pending = f.level or software.latched

    @on(facts.Resampled)
    def on_resample(self, f: facts.Resampled) -> None:
        """KVM read the line again."""
        if f.vintid in self.direct:
            software = self.direct[f.vintid][f.vcpu]
            software.pending = f.level or software.latched

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A guest may make its timer's interrupt pending or active by itself, or inactive."""
        if f.vintid in self.direct:
            software = self.direct[f.vintid][f.owner]
            if f.register == "ispendr":
                software.pending = software.latched = True
            elif f.register == "icpendr":
                software.latched = False
            elif f.register in ("isactiver", "icactiver"):
                software.active = f.register == "isactiver"

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """What is put into a List Register is in software no more."""
        state, vintid = f.after.state, f.after.vintid
        if vintid in self.direct:
            if state == PENDING and (v := self.loaded.on[f.pcpu].vcpu) >= 0:
                software = self.direct[vintid][v]
                software.pending = software.latched = False
        elif state and vintid == PTIMER_PPI and (v := self.loaded.on[f.pcpu].vcpu) >= 0:
            self.physical[v].pending = False

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """What was in a List Register is in software again."""
        if f.vintid in self.direct:
            software = self.direct[f.vintid][f.vcpu]
            software.active = f.active
            software.pending = f.line_level or f.pending_latch
            software.latched = f.pending_latch
        elif f.vintid == PTIMER_PPI:
            self.physical[f.vcpu].pending = (f.line_level or f.pending_latch) and not f.active

    @on(facts.SoftwareChanged)
    def on_change(self, f: facts.SoftwareChanged) -> None:
        """It became so in some other way."""
        if f.vintid in TIMER_OF:
            software = self.of[TIMER_OF[f.vintid]][f.vcpu]
            software.active = f.active
            software.pending = f.line_level or f.pending_latch

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The VM's interrupts are off."""
        for timer in self.of:
            timer[f.vcpu].reset()
