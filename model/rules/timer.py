"""Section "Putting It Together: The Architected Timer" of the document."""

from model import facts
from model.identity import BG_TIMER
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["I7", "I15", "R28", "R29", "R30", "R31", "R28b"]


class R28(Rule):
    """The timer is switched with the VCPU thread: one owner, and off between two."""

    id = "R28"
    section = "The Architected Timer, paragraph 1"
    title = "a CPU's virtual timer holds one VCPU's state, as its guest programmed it, or is off"
    needs = {
        facts.TimerRestored: "on_restored",
        facts.TimerSaved: "on_saved",
        facts.Entered: "on_entry",
    }

    def reset(self) -> None:
        self.owner = [-1] * self.config.pcpus

    def on_restored(self, f: facts.TimerRestored) -> None:
        if self.owner[f.pcpu] not in (-1, f.vcpu):
            self.fail(
                f"the timer of CPU {f.pcpu} was given VCPU {f.vcpu}'s state while it held "
                f"VCPU {self.owner[f.pcpu]}'s"
            )
        self.owner[f.pcpu] = f.vcpu
        scene, v = self.scene, f.vcpu
        if (f.ctl, f.cval) != (scene.ctl[v], scene.cval[v]):
            self.fail(
                f"the timer of CPU {f.pcpu} was given CTL {f.ctl}, CVAL {f.cval} for VCPU {v}, "
                f"whose guest has programmed CTL {scene.ctl[v]}, CVAL {scene.cval[v]}"
            )

    def on_saved(self, f: facts.TimerSaved) -> None:
        if self.owner[f.pcpu] == f.vcpu:
            self.owner[f.pcpu] = -1

    def on_entry(self, f: facts.Entered) -> None:
        if self.owner[f.pcpu] != f.vcpu:
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu}, whose timer does not hold "
                "its state"
            )


class R28b(Rule):
    """The guest programs its timer without an exit, so KVM's copy is stale while it is loaded."""

    id = "R28b"
    section = "The Architected Timer, paragraph 2 and second list"
    title = "KVM looks at the hardware timer while it is loaded, at the copy in memory otherwise"
    needs = {
        facts.TimerRead: "on_read",
        facts.TimerRestored: SCENE,
        facts.TimerSaved: SCENE,
        facts.GuestTimer: SCENE,
        facts.Ticked: SCENE,
    }

    def on_read(self, f: facts.TimerRead) -> None:
        scene, v = self.scene, f.vcpu
        source = "live" if v in scene.timer else "memory"
        if f.source != source:
            self.fail(
                f"KVM asked the timer's {f.source} state whether the timer of VCPU {v} fires, but "
                f"the {source} one is what holds"
            )
        elif f.level != scene.fires(v):
            self.fail(
                f"KVM found from the timer's {source} state that the timer of VCPU {v} "
                f"{'fires' if f.level else 'does not fire'}, but its guest has programmed CTL "
                f"{scene.ctl[v]} and {scene.deadline[v]} ns, and it is {scene.now} ns"
            )


class R29(Rule):
    """The active state is switched with the thread: written where the VCPU then runs."""

    id = "R29"
    section = "The Architected Timer, paragraph after the first list"
    title = "the active state is written on the CPU that is entered, after the thread got it"
    needs = {
        facts.Placed: "on_placed",
        facts.Put: "on_placed",
        facts.PhysActiveWritten: "on_write",
        facts.Entered: "on_entry",
    }

    def reset(self) -> None:
        self.written = [-1] * self.config.vcpus

    def on_placed(self, f: facts.Placed | facts.Put) -> None:
        self.written[f.vcpu] = -1

    def on_write(self, f: facts.PhysActiveWritten) -> None:
        self.written[f.vcpu] = f.pcpu

    def on_entry(self, f: facts.Entered) -> None:
        if self.written[f.vcpu] != f.pcpu:
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu}, where the active state of INTID "
                f"{VTIMER_PPI} has not been written since it was scheduled there"
            )


class R30(Rule):
    """The idle flow: hardware off, soft timer armed for the right time, and never early.

    The right time is that of whichever of the guest's timers fires first.
    """

    id = "R30"
    section = "The Architected Timer, first list"
    title = "idle: timer off, then soft timer for the remaining time; no interrupt before its time"
    needs = {
        facts.Armed: "on_armed",
        facts.AckedByGuest: "on_ack",
        facts.GuestTimer: SCENE,
    }

    def on_armed(self, f: facts.Armed) -> None:
        if f.timer != BG_TIMER:
            return
        scene = self.scene
        if f.vcpu in scene.timer:
            self.fail(
                f"the soft timer of VCPU {f.vcpu} was armed while the hardware timer still "
                "held its state"
            )
        due = max(scene.due(f.vcpu), scene.now)
        if f.expiry != due:
            self.fail(
                f"the soft timer of VCPU {f.vcpu} was armed for {f.expiry} ns, but the guest's "
                f"timer fires at {due} ns"
            )

    def on_ack(self, f: facts.AckedByGuest) -> None:
        scene = self.scene
        v = scene.guest[f.pcpu]
        if f.vintid != VTIMER_PPI or v < 0 or scene.presented[v] or scene.ctl[v] != ENABLE:
            return
        if scene.now < scene.deadline[v]:
            self.fail(
                f"the guest of VCPU {v} got its timer interrupt at {scene.now} ns, but programmed "
                f"it for {scene.deadline[v]} ns"
            )


class I7(Rule):
    """No spurious timer interrupt: the line was high since it was last lowered or deactivated.

    What was rightly pending in a List Register at the entry is legal even if the line fell since:
    it cannot be taken back without an exit. Each write to the physical timer is an exit: its
    interrupt is acknowledged only while it is due, never early.
    """

    id = "I7"
    section = "Edge and Level, paragraph 2 (derived)"
    title = "a guest acknowledges its timer only if it has fired since it was silenced"
    needs = {
        facts.AckedByGuest: "on_ack",
        facts.GuestTimer: SCENE,
        facts.Ticked: SCENE,
        facts.RegisterWritten: SCENE,
    }

    def on_ack(self, f: facts.AckedByGuest) -> None:
        scene = self.scene
        v = scene.guest[f.pcpu]
        if f.vintid == PTIMER_PPI and v >= 0 and not scene.pfires(v):
            self.fail(
                f"the guest of VCPU {v} acknowledged a physical timer interrupt on CPU {f.pcpu} at "
                f"{scene.now} ns, but that timer does not fire (CTL {scene.pctl[v]}, "
                f"{scene.pdeadline[v]} ns)"
            )
        if f.vintid == VTIMER_PPI and v >= 0 and not scene.presented[v] and not scene.fired[v]:
            self.fail(
                f"the guest of VCPU {v} acknowledged a timer interrupt on CPU {f.pcpu}, but its "
                "timer has not fired since the guest silenced it"
            )


class R31(Rule):
    """The busy flow of the document: the host's handler never sees the timer's interrupt."""

    id = "R31"
    section = "The Architected Timer, second list"
    title = "the host never handles the timer's physical interrupt"
    eras = ("v4.14",)
    needs = {facts.IsrBegan: "on_isr"}

    def on_isr(self, f: facts.IsrBegan) -> None:
        if f.intid == VTIMER_PPI:
            self.fail(f"CPU {f.pcpu} ran the host's handler of INTID {VTIMER_PPI}")


class I15(Rule):
    """The hardware timer is off unless it belongs to the VCPU that has the CPU."""

    id = "I15"
    section = "The Architected Timer, paragraph 1 (derived)"
    title = "a CPU changes hands only with its virtual timer off"
    needs = {
        facts.Placed: "on_placed",
        facts.TimerRestored: SCENE,
        facts.TimerSaved: SCENE,
    }

    def on_placed(self, f: facts.Placed) -> None:
        owner = self.scene.timer[f.pcpu]
        if owner >= 0:
            self.fail(
                f"VCPU {f.vcpu} got CPU {f.pcpu} while the timer there still runs for VCPU {owner}"
            )
