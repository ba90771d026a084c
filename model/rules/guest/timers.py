"""A guest's timers read as it programmed them (G12)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.views.guest_timers import GuestTimers, Programmed
from model.identity import PTIMER, VTIMER
from model.timer import ENABLE, ISTATUS

__all__ = ["G12"]


class OfVcpu(State):
    """``since``: when its last read that trapped began, in virtual ns."""

    since: int = -1


class G12(Rule):
    """CTL, CVAL and TVAL read as the guest programmed the timer, at some moment of the read.

    While the timer is disabled ISTATUS and TVAL are UNKNOWN.
    """

    id = "G12"
    section = "a timer without virtualisation (DDI0487 CNTV_CTL_EL0, CNTV_CVAL_EL0, CNTV_TVAL_EL0)"
    title = "the registers of a timer read as the guest programmed it"
    guest = True

    WRONG = alarm(
        "wrong",
        "the guest of VCPU {vcpu} read {register} as {value}, and had programmed the timer to CTL "
        "{ctl}, CVAL {cval} (at {deadline} ns; it is {now} ns)",
    )

    timers: GuestTimers

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.ReadTrapped)
    def on_trap(self, f: facts.ReadTrapped) -> None:
        """A read traps: what it gives may be of any moment from here on."""
        self.of[f.vcpu].since = self.timers.clock.time.now

    @on(facts.GuestRead)
    def on_read(self, f: facts.GuestRead) -> None:
        """The guest gets a value."""
        timer, _, register = f.register.partition("_")
        if not register:
            return
        programmed = self.timers.of[VTIMER if timer == "cntv" else PTIMER][f.vcpu]
        now = since = self.timers.clock.time.now
        if timer == "cntp" and not self.setting.direct_ptimer:
            since = self.of[f.vcpu].since
        if not may_read(programmed, register, f.value, since, now):
            self.report(
                self.WRONG,
                vcpu=f.vcpu,
                register=f.register.upper(),
                value=f.value,
                ctl=programmed.ctl,
                cval=programmed.cval,
                deadline=programmed.deadline,
                now=now,
            )


def may_read(programmed: Programmed, register: str, value: int, since: int, now: int) -> bool:
    """Tell whether a register of a timer may read as ``value`` at a moment ``since`` to ``now``."""
    on_time = programmed.ctl & ENABLE
    if register == "cval":
        return value == programmed.cval
    if register == "ctl":
        if value & ~ISTATUS != programmed.ctl:
            return False
        over = {now >= programmed.deadline, since >= programmed.deadline}
        return not on_time or bool(value & ISTATUS) in over
    least, most = programmed.deadline - now, programmed.deadline - since
    return not on_time or least <= value <= most
