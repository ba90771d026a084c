"""What a guest leaves for is done before it goes on (G13)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.identity import PTIMER

__all__ = ["G13"]

NOTHING = ""
ENDS = ("halt", "psci")
"""A guest has finished, or powers its VCPU off."""
WITNESSED = ("user", "device", "timer", *ENDS)
"""The exits whose answer shows: in user space, at a device or the timer, by the thread's end."""


class OfVcpu(State):
    """``left_for``: the reason of its last exit, if it is one of those and not done yet.

    ``finished``: its guest has finished, or powered its VCPU off.
    """

    left_for: Debt[str] = NOTHING
    finished: bool = False


class G13(Rule):
    """A guest that goes on has got what it left for, and none goes on that has finished.

    An access to a device of the VM monitor goes to user space, and reaches the device; a read of
    the physical timer gives a value, and a write changes the timer; a guest that has finished is
    entered no more, and its thread ends then, not before. (Accesses to the distributor: G1 and
    others.)
    """

    id = "G13"
    section = "arm.c, KVM_RUN; handle_exit.c, handle_exit (a machine without virtualisation)"
    title = "a guest goes on when what it left for is done, until it has finished"
    guest = True

    NOT_DONE = alarm(
        "not-done",
        "VCPU {vcpu} entered its guest on CPU {pcpu}, and what that had left for ({reason}) was "
        "not done",
    )
    AFTER_END = alarm(
        "after-end",
        "VCPU {vcpu} entered its guest on CPU {pcpu} although that had finished",
    )
    ENDED = alarm("ended", "VCPU {vcpu} ended, and its guest has not finished")

    def setup(self) -> None:
        """Make the states."""
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Exited)
    def on_exit(self, f: facts.Exited) -> None:
        """A guest leaves, and may want something."""
        of = self.of[f.vcpu]
        of.left_for = f.reason if f.reason in WITNESSED else NOTHING
        of.finished = f.reason in ENDS

    @on(facts.UserLeft)
    def on_user(self, f: facts.UserLeft) -> None:
        """User space does it."""
        self.done(f.vcpu, "user")

    @on(facts.DeviceServed)
    def on_served(self, f: facts.DeviceServed) -> None:
        """The driver's access is carried out at its device."""
        self.done(f.vcpu, "device")

    @on(facts.GuestTimer)
    def on_timer(self, f: facts.GuestTimer) -> None:
        """The physical timer is written."""
        if f.timer == PTIMER:
            self.done(f.vcpu, "timer")

    @on(facts.GuestRead)
    def on_read(self, f: facts.GuestRead) -> None:
        """It is read."""
        self.done(f.vcpu, "timer")

    def done(self, v: int, what: str) -> None:
        """Note that what VCPU ``v`` wanted is done, if it was this."""
        of = self.of[v]
        if of.left_for == what:
            of.left_for = NOTHING

    @on(facts.VmReset)
    def on_reset(self, f: facts.VmReset) -> None:
        """The guest starts anew, and wants nothing."""
        self.of[f.vcpu].reset()

    @on(facts.Halted)
    def on_halt(self, f: facts.Halted) -> None:
        """A thread ends, as its guest has."""
        if not self.of[f.vcpu].finished:
            self.report(self.ENDED, vcpu=f.vcpu)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """It goes on."""
        reason = self.of[f.vcpu].left_for
        if reason in ENDS:
            self.report(self.AFTER_END, vcpu=f.vcpu, pcpu=f.pcpu)
        elif reason:
            self.report(self.NOT_DONE, vcpu=f.vcpu, pcpu=f.pcpu, reason=reason)
