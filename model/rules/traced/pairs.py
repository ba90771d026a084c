"""Calls that belong together: what one function says, the next one in the same context does."""

from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State
from model.check.unknown import Debt
from model.facts import traced

__all__ = ["T1", "T10", "T14"]


class Given(State):
    """``open``: the timer gave a level in this context that the vgic has not taken yet."""

    open: Debt[bool] = False
    vcpu: Debt[int] = -1
    vintid: Debt[int] = -1
    level: Debt[bool] = False


class Printed(State):
    """``index`` is what the vgic prints for a VCPU: recent kernels print its index, not its id."""

    index: Debt[int] = -1


class T1(Rule):
    """The timer's level reaches the vgic: kvm_timer_update_irq calls kvm_vgic_inject_irq."""

    id = "T1"
    section = "Linux arch_timer.c, kvm_timer_update_irq"
    title = "the level that the timer gives for its interrupt is what the vgic takes, at once"

    DROPPED = alarm(
        "dropped",
        "the timer of VCPU {vcpu} gave level {level:0|1} for vINTID {vintid}, and the vgic never "
        "took it",
    )
    CHANGED = alarm(
        "changed",
        "the timer of VCPU {vcpu} gave level {level:0|1} for vINTID {vintid}, but the vgic took "
        "level {taken:0|1} for vINTID {other} of VCPU {whose}",
    )

    def setup(self) -> None:
        """Make the states, by context, and by VCPU."""
        self.given = self.members(Given, "given")
        self.printed = self.members(Printed, "printed")

    @on(traced.LevelGiven)
    def on_given(self, f: traced.LevelGiven) -> None:
        """The timer calls the vgic."""
        given = self.given[f.context]
        given.open = True
        given.vcpu, given.vintid, given.level = f.vcpu, f.vintid, f.level

    @on(traced.LevelTaken)
    def on_taken(self, f: traced.LevelTaken) -> None:
        """The vgic is called."""
        given = self.given[f.context]
        if not given.open:
            return
        given.open = False
        printed = self.printed[given.vcpu]
        known = printed.index >= 0
        if not known:
            printed.index = f.vcpu
        same = not known or printed.index == f.vcpu
        if not same or (given.vintid, given.level) != (f.vintid, f.level):
            self.report(
                self.CHANGED,
                vcpu=given.vcpu,
                vintid=given.vintid,
                level=given.level,
                taken=f.level,
                other=f.vintid,
                whose=f.vcpu,
            )

    @on(traced.ContextWentOn)
    def on_went_on(self, f: traced.ContextWentOn) -> None:
        """It did something else."""
        given = self.given[f.context]
        if given.open:
            given.open = False
            self.report(self.DROPPED, vcpu=given.vcpu, vintid=given.vintid, level=given.level)

    @on(traced.ContextLeft)
    def on_left(self, f: traced.ContextLeft) -> None:
        """Other calls of the same kind may come in between."""
        self.given[f.context].open = False


class Decided(State):
    """Whom this context is to kick for which interrupt; -1: nobody."""

    vcpu: Debt[int] = -1
    vintid: Debt[int] = -1


class T10(Rule):
    """Who makes an interrupt deliverable kicks its VCPU, whether it was on a list or not."""

    id = "T10"
    section = "Linux vgic.c, vgic_queue_irq_unlock"
    title = "an interrupt that is found deliverable is followed by a kick of its VCPU"

    NOT_KICKED = alarm(
        "not-kicked", "vINTID {vintid} was deliverable to VCPU {vcpu}, which was not kicked for it"
    )

    def setup(self) -> None:
        """Make the states, by context."""
        self.decided = self.members(Decided)

    @on(traced.QueueDecided)
    def on_decided(self, f: traced.QueueDecided) -> None:
        """It is deliverable."""
        decided = self.decided[f.context]
        decided.vcpu, decided.vintid = f.vcpu, f.vintid

    @on(traced.KickCalled)
    def on_kick(self, f: traced.KickCalled) -> None:
        """Somebody is kicked."""
        decided = self.decided[f.context]
        if decided.vcpu == f.vcpu:
            decided.vcpu = -1

    @on(traced.ContextLeft)
    def on_left(self, f: traced.ContextLeft) -> None:
        """The kick may come later."""
        self.decided[f.context].vcpu = -1

    @on(traced.ContextWentOn)
    def on_went_on(self, f: traced.ContextWentOn) -> None:
        """The kick did not come."""
        decided = self.decided[f.context]
        vcpu, decided.vcpu = decided.vcpu, -1
        if vcpu >= 0:
            self.report(self.NOT_KICKED, vcpu=vcpu, vintid=decided.vintid)


class Asked(State):
    """``open``: in this context the vgic is to write a physical active state, and has not yet."""

    open: Debt[bool] = False
    vcpu: Debt[int] = -1
    vintid: Debt[int] = -1
    value: Debt[bool] = False


class T14(Rule):
    """What the vgic decides about a physical active state is what is written.

    At a fold, to retire an interrupt whose line is low, and for a guest's access.
    """

    id = "T14"
    section = "Linux vgic.c, vgic_irq_set_phys_active"
    title = "the active state that the vgic is to write is written, at once"

    DROPPED = alarm(
        "dropped",
        "the active state of vINTID {vintid} of VCPU {vcpu} was to be written {value:0|1} and was "
        "not",
    )
    CHANGED = alarm(
        "changed",
        "the active state of vINTID {vintid} of VCPU {vcpu} was to be written {value:0|1}, but "
        "{value:1|0} was",
    )

    def setup(self) -> None:
        """Make the states, by context."""
        self.asked = self.members(Asked)

    @on(traced.PhysActiveAsked)
    def on_asked(self, f: traced.PhysActiveAsked) -> None:
        """It is to be written."""
        asked = self.asked[f.context]
        asked.open = True
        asked.vcpu, asked.vintid, asked.value = f.vcpu, f.vintid, f.value

    @on(traced.PhysActiveDone)
    def on_done(self, f: traced.PhysActiveDone) -> None:
        """It is."""
        asked = self.asked[f.context]
        if not asked.open:
            return
        asked.open = False
        if asked.value != f.value:
            self.report(self.CHANGED, vcpu=asked.vcpu, vintid=asked.vintid, value=asked.value)

    @on(traced.ContextLeft)
    def on_left(self, f: traced.ContextLeft) -> None:
        """It may be written later."""
        self.asked[f.context].open = False

    @on(traced.ContextWentOn)
    def on_went_on(self, f: traced.ContextWentOn) -> None:
        """It was not."""
        asked = self.asked[f.context]
        if asked.open:
            asked.open = False
            self.report(self.DROPPED, vcpu=asked.vcpu, vintid=asked.vintid, value=asked.value)
