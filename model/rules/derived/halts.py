"""Halting the guests of a VM, and stopping it (L4)."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import EVENTUALLY, Rule
from model.check.state import State
from model.check.unknown import Debt
from model.check.views.finished import Finished
from model.check.views.guests import Guests
from model.check.views.ipis import Ipis

__all__ = ["L4"]


class Halter(State):
    """``vcpu`` halts the guests, or -1; ``signalled`` is whom the VM monitor signalled last."""

    vcpu: Debt[int] = -1
    signalled: Debt[int] = -1


class OfVcpu(State):
    """``kept``: it is kept out of its guest, since all have left.

    ``entries`` counts those since it was signalled and has not gone to user space; -1: it was not.
    ``looked``: it has looked at its requests since. ``returns``: how often it has come back from
    user space since.
    """

    kept: Debt[bool] = False
    entries: Debt[int] = -1
    looked: Debt[bool] = False
    returns: Debt[int] = -1


class L4(Rule):
    """Who halts the guests, or stops the VM, gets what it waits for; and nobody runs meanwhile.

    A VCPU that the VM monitor signals may have looked at its requests for the last time already:
    it enters once, and the kick brings it out. The guest's, and its user's: who waits for the stop
    waits for good, or reads registers that still change.
    """

    id = "L4"
    section = "arm.c, kvm_arm_halt_guest and KVM_RUN's signal (derived; Linux abd7229626b9)"
    title = "VCPUs that are halted or stopped leave their guests, stay out, and are let go again"
    kind = EVENTUALLY
    guest = True
    trusts = "what is claimed (that the guests are halted) is judged, by entries and exits"

    TOO_SOON = alarm(
        "too-soon",
        "VCPU {vcpu} went on as if all guests were halted while VCPU {running} ran its guest on "
        "CPU {pcpu}",
    )
    ENTERED = alarm(
        "entered",
        "VCPU {vcpu} entered its guest on CPU {pcpu} while VCPU {halter} had its guest halted",
    )
    AGAIN = alarm(
        "again",
        "VCPU {vcpu} entered its guest on CPU {pcpu} again although the VM monitor had signalled "
        "it to stop",
    )
    ASKED = alarm(
        "asked",
        "VCPU {vcpu} entered its guest on CPU {pcpu} although the VM monitor had signalled it to "
        "stop before it looked at its requests",
    )
    CAME_BACK = alarm(
        "came-back",
        "VCPU {vcpu} came back from user space again although the VM monitor, which had signalled "
        "it, has not let it go on",
    )
    UNTOLD = alarm(
        "untold",
        "VCPU {vcpu} runs its guest on CPU {pcpu}, the VM monitor has signalled it to stop, and "
        "nothing interrupts that CPU",
    )
    NO_END = alarm("no-end", "the end of the halt that VCPU {vcpu} began")
    NOT_STOPPED = alarm(
        "not-stopped", "VCPU {vcpu} was signalled by the VM monitor and did not stop"
    )

    guests: Guests
    finished: Finished
    ipis: Ipis

    def setup(self) -> None:
        """Make the states."""
        self.halter = self.one(Halter)
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Halting)
    def on_halting(self, f: facts.Halting) -> None:
        """A VCPU wants all guests left, or goes on because they are."""
        self.halter.vcpu = f.vcpu
        if not f.halted:
            return
        for of in self.of:
            of.kept = True
        for v, guest in enumerate(self.guests.of):
            if guest.pcpu >= 0:
                self.report(self.TOO_SOON, vcpu=f.vcpu, pcpu=guest.pcpu, running=v)

    @on(facts.Resumed)
    def on_resumed(self, f: facts.Resumed) -> None:
        """Those that are let go first may enter before the last."""
        self.of[f.resumed].kept = False
        if not any(of.kept for of in self.of):
            self.halter.vcpu = -1

    @on(facts.Stopping)
    def on_stopping(self, f: facts.Stopping) -> None:
        """The VM monitor wants it out, or lets it go on.

        When it signals the next one, its call for the last is over: who was in its guest is told.
        """
        of = self.of[f.vcpu]
        of.entries = 0 if f.stop else -1
        of.looked = False
        of.returns = 0 if f.stop else -1
        last, self.halter.signalled = self.halter.signalled, f.vcpu if f.stop else -1
        if f.stop and last >= 0:
            c = self.guests.of[last].pcpu
            if c >= 0 and not self.ipis.on[c].coming:
                self.report(self.UNTOLD, vcpu=last, pcpu=c)

    @on(facts.RequestsChecked)
    def on_turn(self, f: facts.RequestsChecked) -> None:
        """It begins a turn of its run loop, in which it must find the signal."""
        of = self.of[f.vcpu]
        if of.entries >= 0:
            of.looked = True

    @on(facts.UserLeft)
    def on_user(self, f: facts.UserLeft) -> None:
        """It is in user space, as it was asked to be."""
        self.of[f.vcpu].entries = -1

    @on(facts.UserEntered)
    def on_user_entry(self, f: facts.UserEntered) -> None:
        """Once it may: it was there for something else, and had not seen the signal yet."""
        of = self.of[f.vcpu]
        if of.returns >= 0:
            of.returns += 1
            if of.returns > 1:
                self.report(self.CAME_BACK, vcpu=f.vcpu)

    @on(facts.Entered)
    def on_entry(self, f: facts.Entered) -> None:
        """Nobody who is halted enters; nobody who is stopped does twice."""
        of = self.of[f.vcpu]
        if of.kept:
            self.report(self.ENTERED, vcpu=f.vcpu, pcpu=f.pcpu, halter=self.halter.vcpu)
        if of.entries >= 0:
            of.entries += 1
            if of.looked:
                self.report(self.ASKED, vcpu=f.vcpu, pcpu=f.pcpu)
            if of.entries > 1:
                self.report(self.AGAIN, vcpu=f.vcpu, pcpu=f.pcpu)

    def at_rest(self) -> None:
        """Name the halt that did not end, and who did not stop."""
        if self.halter.vcpu >= 0:
            self.report(self.NO_END, vcpu=self.halter.vcpu)
        for v, of in enumerate(self.of):
            if of.entries >= 0 and not self.finished.of[v].yes:
                self.report(self.NOT_STOPPED, vcpu=v)
