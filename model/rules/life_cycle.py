"""Section "Forwarded Physical Interrupts Life Cycle" of the document."""

from model import facts
from model.gic.lr import ACTIVE, INACTIVE, PENDING, STATES, Lr
from model.machine import Config
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule
from model.timer import ENABLE

__all__ = ["R0", "R10", "R11", "R12", "R14"]


class R0(Rule):
    """What the host acknowledged and found asserted is injected before its handler ends."""

    id = "R0"
    section = "introduction, paragraph 2"
    title = "a forwarded interrupt that the host handled with its line high was injected"
    eras = ("v7.2",)
    needs = {
        facts.IsrBegan: "on_begin",
        facts.Injected: "on_inject",
        facts.IsrEnded: "on_end",
        facts.LineChanged: SCENE,
        facts.TimerRestored: SCENE,
        facts.TimerSaved: SCENE,
        facts.GuestTimer: SCENE,
        facts.Ticked: SCENE,
    }

    def reset(self) -> None:
        self.injected = [-1] * self.config.pcpus

    def on_begin(self, f: facts.IsrBegan) -> None:
        self.injected[f.pcpu] = -1

    def on_inject(self, f: facts.Injected) -> None:
        if f.level and f.vintid == VTIMER_PPI:
            self.injected[f.pcpu] = f.vcpu

    def on_end(self, f: facts.IsrEnded) -> None:
        scene = self.scene
        v = scene.timer[f.pcpu]
        if f.intid != VTIMER_PPI or v < 0 or not scene.is_high(f.pcpu, VTIMER_PPI):
            return
        # Silenced already, if the distributor has not seen it yet: there is nothing to inject.
        if scene.ctl[v] != ENABLE or scene.now < scene.deadline[v]:
            return
        if self.injected[f.pcpu] != v:
            self.fail(
                f"CPU {f.pcpu} handled INTID {f.intid} with the timer of VCPU {v} loaded and its "
                "line high, and did not inject it"
            )


class R10(Rule):
    """As the document has it: the guest's EOI clears the physical active bit, not the LR."""

    id = "R10"
    section = "Life Cycle, item 5 (lr_on_guest_deactivate=polled only)"
    title = "on guest deactivation the physical active bit is cleared and LR.Active stays set"
    hardware = True
    needs = {facts.LrMoved: "on_moved", facts.DeactivationArrived: "on_arrived"}

    @classmethod
    def applies(cls, config: Config) -> bool:
        return config.lr_on_guest_deactivate == "polled"

    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        if self.scene.is_active(f.pcpu, f.intid):
            self.fail(f"the guest's deactivation of INTID {f.intid} left it active")

    def on_moved(self, f: facts.LrMoved) -> None:
        if f.before.hw and f.before.state == ACTIVE and f.after.state != ACTIVE:
            self.fail(
                f"LR{f.index} of CPU {f.pcpu} went from active to {STATES[f.after.state]} on the "
                "guest's deactivation, but this machine is to leave it to KVM"
            )


class R11(Rule):
    """As the document tells it: KVM clears an active LR once the physical active state is clear."""

    id = "R11"
    section = "Life Cycle, item 6 (lr_on_guest_deactivate=polled only)"
    title = "KVM takes an active HW LR as inactive at exit once the physical active bit is clear"
    needs = {facts.LrWritten: "on_written", facts.Folded: "on_fold", facts.Exited: "on_exit"}

    @classmethod
    def applies(cls, config: Config) -> bool:
        return config.lr_on_guest_deactivate == "polled"

    def reset(self) -> None:
        self.read: dict[tuple[int, int], Lr] = {}
        self.left = [-1] * self.config.vcpus

    def on_exit(self, f: facts.Exited) -> None:
        self.left[f.vcpu] = f.pcpu

    def on_written(self, f: facts.LrWritten) -> None:
        if f.after.state == INACTIVE and f.before.hw:
            self.read[f.pcpu, f.before.vintid] = f.before

    def on_fold(self, f: facts.Folded) -> None:
        c = self.left[f.vcpu]
        lr = self.read.pop((c, f.vintid), None)
        if lr is None or lr.state != ACTIVE:
            return
        if not self.scene.is_active(c, lr.pintid) and f.active:
            self.fail(
                f"VCPU {f.vcpu} folded LR of vINTID {f.vintid} as active although INTID "
                f"{lr.pintid} is not active on CPU {c} any more"
            )


class R12(Rule):
    """Shared interrupts: the active state is set on the CPU that is entered, by KVM or its host."""

    id = "R12"
    section = "Life Cycle, note (*)"
    title = "the active state was set on the entered CPU since the VCPU got it or last completed"
    needs = {
        facts.ActiveChanged: "on_active",
        facts.PhysActiveWritten: "on_write",
        facts.Placed: "on_placed",
        facts.Entered: "on_entry",
    }

    def on_placed(self, f: facts.Placed) -> None:
        self.set_by_host[f.pcpu] = False

    def reset(self) -> None:
        self.set_by_host = [False] * self.config.pcpus

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.pcpu >= 0 and f.intid == VTIMER_PPI:
            self.set_by_host[f.pcpu] = f.after and f.cause in ("ack", "write")

    def on_write(self, f: facts.PhysActiveWritten) -> None:
        self.set_by_host[f.pcpu] = f.value

    def on_entry(self, f: facts.Entered) -> None:
        lr = self.scene.timer_lr(f.pcpu)
        if lr.state == PENDING and lr.hw and not self.set_by_host[f.pcpu]:
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {lr.vintid} pending, "
                f"but nobody had set INTID {lr.pintid} active on that CPU"
            )


class R14(Rule):
    """After the host's handler of a forwarded interrupt, the CPU takes others, though it is active.

    Of every other handler, and of none, see I13.
    """

    id = "R14"
    section = "Life Cycle, note (*)"
    title = "the host's EOI drops the priority of a forwarded interrupt before its handler ends"
    needs = {
        facts.AckedByHost: SCENE,
        facts.PriorityDropped: SCENE,
        facts.IsrEnded: "on_end",
    }

    def reset(self) -> None:
        self.forwarded = (VTIMER_PPI, *(x.intid for x in self.config.forwards))

    def on_end(self, f: facts.IsrEnded) -> None:
        if f.intid in self.forwarded and not self.scene.idle[f.pcpu]:
            self.fail(
                f"the handler of INTID {f.intid} ended on CPU {f.pcpu} and the running priority "
                "was not dropped: with it forwarded, the CPU takes nothing of default priority"
            )
