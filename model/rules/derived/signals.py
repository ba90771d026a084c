"""A CPU can take what is for it, and an acknowledge comes back empty only if nothing is."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State
from model.check.views.guest_priorities import GuestPriorities
from model.check.views.guests import Guests
from model.check.views.list_registers import ListRegisters
from model.check.views.running_priority import RunningPriority
from model.check.views.to_signal import ToSignal
from model.gic.lr import PENDING
from model.gic.registers import SPURIOUS

__all__ = ["I13", "I16"]


class I13(Rule):
    """No CPU is deaf: whatever it took, or failed to take, has left it able to take the next."""

    id = "I13"
    section = "Life Cycle, note (*) (derived; Xen 8aa276235b)"
    title = "after each interrupt of the host the running priority is idle again"

    DEAF = alarm(
        "deaf",
        "CPU {pcpu} has handled an interrupt and its running priority was not dropped: it takes "
        "nothing of default priority any more",
    )

    priority: RunningPriority

    @on(facts.IsrEnded, facts.Entered)
    def on_later(self, f: facts.IsrEnded | facts.Entered) -> None:
        """The handler is over, and so is its priority."""
        if not self.priority.on[f.pcpu].idle:
            self.report(self.DEAF, pcpu=f.pcpu)


class OnCpu(State):
    """``raised``: when its IRQ input last rose, an interrupt was pending for it."""

    raised: bool = False


class I16(Rule):
    """Each empty acknowledge is justified: what raised the signal is gone, and nothing else waits.

    The host's: the CPU was signalled for something, and now nothing is pending for it. The guest's:
    no List Register is pending with a priority that its mask and its running priority let through.
    """

    id = "I16"
    section = "Edge and Level (derived; IHI0069 ICC_IAR1_EL1, ICV_IAR1_EL1)"
    title = "an acknowledge returns 1023 only if nothing can be taken any more"
    hardware = True

    HOST = alarm(
        "host-pending", "CPU {pcpu} read 1023 from IAR although INTID {intid} is pending for it"
    )
    NOTHING = alarm(
        "nothing-raised", "CPU {pcpu} read 1023 from IAR, and nothing had been pending for it"
    )
    GUEST = alarm(
        "guest-pending",
        "the guest of VCPU {vcpu} read 1023 from IAR on CPU {pcpu} although vINTID {vintid} is "
        "pending with priority {priority:#x}, above {limit:#x}",
    )

    to_signal: ToSignal
    guests: Guests
    lrs: ListRegisters
    priorities: GuestPriorities

    @classmethod
    def applies(cls, setting: Setting) -> bool:
        """Tell whether what is pending is delivered: the erratum ends the delivery of it."""
        return setting.lr_on_guest_deactivate != "erratum"

    def setup(self) -> None:
        """Make the states."""
        self.on = self.each_pcpu(OnCpu)

    @on(facts.Signalled)
    def on_signal(self, f: facts.Signalled) -> None:
        """It rises for something."""
        if f.level:
            self.on[f.pcpu].raised = self.to_signal.first(f.pcpu) >= 0

    @on(facts.AckedByHost)
    def on_ack(self, f: facts.AckedByHost) -> None:
        """An empty one: nothing is pending, but something was."""
        if f.intid != SPURIOUS:
            return
        intid = self.to_signal.first(f.pcpu)
        if intid >= 0:
            self.report(self.HOST, pcpu=f.pcpu, intid=intid)
        elif not self.on[f.pcpu].raised:
            self.report(self.NOTHING, pcpu=f.pcpu)

    @on(facts.AckedByGuest)
    def on_guest(self, f: facts.AckedByGuest) -> None:
        """An empty one: no List Register has anything that the guest lets through."""
        if f.vintid != SPURIOUS:
            return
        v = self.guests.on[f.pcpu].vcpu
        limit = self.priorities.limit(v)
        for _, lr in self.lrs.on[f.pcpu].used:
            if lr.state == PENDING and lr.priority < limit:
                self.report(
                    self.GUEST,
                    vcpu=v,
                    pcpu=f.pcpu,
                    vintid=lr.vintid,
                    priority=lr.priority,
                    limit=limit,
                )
                return
