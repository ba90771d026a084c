"""A sleeping VCPU is woken by what is to wake it, and something is to."""

from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.facts import traced
from model.identity import BG_TIMER, VTIMER
from model.timer import ENABLE, IMASK

__all__ = ["LATE_NS", "T2", "T12", "T13", "T16"]

LATE_NS = 1_000_000
"""A soft timer that is armed this much after the guest's deadline is late (measured: 0.1 ms)."""


class Sleeper(State):
    """``asleep``: it sleeps and nobody has woken it; ``expired``: its soft timer fired then."""

    asleep: Debt[bool] = False
    expired: Debt[bool] = False


class Kicking(State):
    """``vcpu`` was kicked in this context while it slept (-1: nobody)."""

    vcpu: Debt[int] = -1


class T2(Rule):
    """The background timer's callback wakes its VCPU, unless it was early and starts it again."""

    id = "T2"
    section = "Linux arch_timer.c, kvm_bg_timer_expire (4.20 and later)"
    title = "a sleeping VCPU is woken by its background timer's callback"

    ASLEEP = alarm(
        "asleep", "the background timer of VCPU {vcpu} fired on CPU {pcpu} and did not wake it"
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Sleeper)

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """It sleeps."""
        of = self.of[f.vcpu]
        of.asleep = True
        of.expired = False

    @on(facts.Woken, facts.Unblocked)
    def on_wake(self, f: facts.Woken | facts.Unblocked) -> None:
        """It goes on."""
        of = self.of[f.vcpu]
        of.asleep = of.expired = False

    @on(facts.Expired)
    def on_expired(self, f: facts.Expired) -> None:
        """Its timer fires."""
        if f.timer == BG_TIMER:
            of = self.of[f.vcpu]
            of.expired = of.asleep and not f.early

    @on(traced.CallbackEnded)
    def on_callback_ended(self, f: traced.CallbackEnded) -> None:
        """It is awake by now, or its timer was started again."""
        of = self.of[f.vcpu]
        expired, of.expired = of.expired, False
        if expired and not f.restarted:
            self.report(self.ASLEEP, vcpu=f.vcpu, pcpu=f.pcpu)


class T13(Rule):
    """Whoever kicks a sleeping VCPU wakes it."""

    id = "T13"
    section = "Linux kvm_main.c, kvm_vcpu_kick"
    title = "a sleeping VCPU is woken by a kick, at once"

    ASLEEP = alarm("asleep", "VCPU {vcpu} was kicked while it slept, and was not woken")

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Sleeper, "of")
        self.kicking = self.members(Kicking, "kicking")

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """It sleeps."""
        self.of[f.vcpu].asleep = True

    @on(facts.Woken, facts.Unblocked)
    def on_wake(self, f: facts.Woken | facts.Unblocked) -> None:
        """It goes on."""
        self.of[f.vcpu].asleep = False

    @on(traced.KickCalled)
    def on_kick(self, f: traced.KickCalled) -> None:
        """A sleeper is kicked."""
        self.kicking[f.context].vcpu = f.vcpu if self.of[f.vcpu].asleep else -1

    @on(traced.ContextLeft)
    def on_left(self, f: traced.ContextLeft) -> None:
        """It may be woken later."""
        self.kicking[f.context].vcpu = -1

    @on(traced.ContextWentOn)
    def on_went_on(self, f: traced.ContextWentOn) -> None:
        """It is awake by now."""
        kicking = self.kicking[f.context]
        vcpu, kicking.vcpu = kicking.vcpu, -1
        if vcpu >= 0 and self.of[vcpu].asleep:
            self.report(self.ASLEEP, vcpu=vcpu)


class Cover(State):
    """``blocked``: it sleeps. ``fires``: its virtual timer, saved in memory, is on and not masked.

    ``armed``: its background timer was armed since it was loaded last.
    """

    blocked: Debt[bool] = False
    fires: Debt[bool] = False
    armed: Debt[bool] = True


class T12(Rule):
    """A sleeper's timer is covered by the background timer; who runs has its own."""

    id = "T12"
    section = "Linux arch_timer.c, kvm_timer_blocking"
    title = "a VCPU sleeps with its timer on only behind a background timer, and enters without"

    UNCOVERED = alarm(
        "uncovered", "VCPU {vcpu} sleeps with its timer on, and no background timer was armed"
    )
    LEFT_ARMED = alarm(
        "left-armed",
        "VCPU {vcpu} entered its guest on CPU {pcpu} with its background timer armed still",
    )

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Cover)

    @on(traced.LoadBegan)
    def on_load(self, f: traced.LoadBegan) -> None:
        """The load cancels it."""
        of = self.of[f.vcpu]
        of.armed = of.blocked = of.fires = False

    @on(facts.Blocked)
    def on_block(self, f: facts.Blocked) -> None:
        """It sleeps."""
        self.of[f.vcpu].blocked = True

    @on(facts.Woken, facts.Unblocked)
    def on_wake(self, f: facts.Woken | facts.Unblocked) -> None:
        """It goes on: nothing has to wake it."""
        self.of[f.vcpu].blocked = False

    @on(facts.TimerSaved)
    def on_saved(self, f: facts.TimerSaved) -> None:
        """Its timer is in memory."""
        if f.timer == VTIMER:
            self.of[f.vcpu].fires = f.ctl & (ENABLE | IMASK) == ENABLE

    @on(facts.Armed)
    def on_armed(self, f: facts.Armed) -> None:
        """The background timer is armed."""
        if f.timer == BG_TIMER:
            self.of[f.vcpu].armed = True

    @on(traced.LeftArmed)
    def on_left_armed(self, f: traced.LeftArmed) -> None:
        """The guest has its own timer again."""
        self.report(self.LEFT_ARMED, vcpu=f.vcpu, pcpu=f.pcpu)

    @on(facts.Put)
    def on_put(self, f: facts.Put) -> None:
        """The put is over: whoever sleeps is covered."""
        of = self.of[f.vcpu]
        if of.blocked and of.fires and not of.armed:
            self.report(self.UNCOVERED, vcpu=f.vcpu)


class T16(Rule):
    """The background timer fires when the guest's timer would, as far as CVAL tells.

    Late is only what is later by more than a host may need to work it out.
    """

    id = "T16"
    section = "Linux arch_timer.c, kvm_timer_compute_delta and soft_timer_start"
    title = "a background timer is armed for the moment when the guest's timer is due"

    LATE = alarm(
        "late",
        "the background timer of VCPU {vcpu} was armed for {expiry} ns, but its timer is due at "
        "{due} ns",
    )

    @on(traced.DeadlineSet)
    def on_deadline(self, f: traced.DeadlineSet) -> None:
        """It fires when the guest's timer would."""
        if f.expiry - f.due > LATE_NS:
            self.report(self.LATE, vcpu=f.vcpu, expiry=f.expiry, due=f.due)
