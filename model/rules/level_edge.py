"""Section "Forwarded Edge and Level Triggered PPIs and SPIs" of the document."""

from model import facts
from model.gic.lr import PENDING
from model.machine import Config
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule

__all__ = ["R15", "R17", "R18", "R19", "R23"]


class R15(Rule):
    """What is injected is active on the physical distributor."""

    id = "R15"
    section = "Edge and Level, paragraph 1"
    title = "a forwarded interrupt is active at the distributor when it is presented to the guest"
    needs = {facts.Entered: "on_entry"}

    def on_entry(self, f: facts.Entered) -> None:
        for lr in self.scene.used[f.pcpu].values():
            if lr.hw and lr.state == PENDING and not self.scene.is_active(f.pcpu, lr.pintid):
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {lr.vintid} "
                    f"pending, but INTID {lr.pintid} is not active there"
                )


class R17(Rule):
    """A physical interrupt that the CPU sees forces the exit before the next instruction."""

    id = "R17"
    section = "Edge and Level, paragraph 2"
    title = "with its IRQ input high a CPU executes no guest instruction"
    hardware = True
    needs = {
        facts.Exited: "on_exit",
        facts.Signalled: "on_signal",
        facts.Entered: "on_entry",
        facts.GuestTimer: "on_guest",
        facts.GuestWfi: "on_guest",
        facts.GuestMask: "on_guest",
        facts.DeviceServed: "on_guest",
        facts.AckedByGuest: "on_access",
        facts.Completed: "on_access",
        facts.DeactivatedByGuest: "on_access",
    }

    def reset(self) -> None:
        self.due = [False] * self.config.pcpus

    def on_entry(self, f: facts.Entered) -> None:
        self.due[f.pcpu] = self.scene.pin[f.pcpu]

    def on_signal(self, f: facts.Signalled) -> None:
        self.due[f.pcpu] = f.level and self.scene.guest[f.pcpu] >= 0

    def on_exit(self, f: facts.Exited) -> None:
        if self.due[f.pcpu] and f.reason not in ("irq", ""):
            self.check(f.pcpu)
        self.due[f.pcpu] = False

    def on_guest(
        self, f: facts.GuestTimer | facts.GuestWfi | facts.GuestMask | facts.DeviceServed
    ) -> None:
        c = self.scene.guest_cpu[f.vcpu]
        if c >= 0:
            self.check(c)

    def on_access(self, f: facts.AckedByGuest | facts.Completed | facts.DeactivatedByGuest) -> None:
        self.check(f.pcpu)

    def check(self, c: int) -> None:
        if self.due[c]:
            self.due[c] = False
            self.fail(f"the guest on CPU {c} went on although the CPU had an interrupt to take")


class R18(Rule):
    """A high line does not interrupt the CPU over and over: the active state holds it back.

    Era ``v4.14``: with the level computed high, the active state is set at entry. Era ``v7.2``: the
    host may take it once per assertion.
    """

    id = "R18"
    section = "Edge and Level, paragraph 2"
    title = "an asserted line is held back by the active state: at most one host interrupt for it"
    needs = {
        facts.Entered: "on_entry",
        facts.AckedByHost: "on_ack",
        facts.LineChanged: "on_line",
        facts.DeactivationArrived: "on_arrived",
        facts.PhysActiveWritten: "on_write",
    }

    def reset(self) -> None:
        self.credit = [1] * self.config.pcpus

    def on_entry(self, f: facts.Entered) -> None:
        if self.era == "v4.14" and self.scene.level[f.vcpu] and not self.scene.is_active(f.pcpu):
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with its timer's line high and "
                "the interrupt not active: it will exit at once, again and again"
            )

    def on_ack(self, f: facts.AckedByHost) -> None:
        if f.intid == VTIMER_PPI:
            self.credit[f.pcpu] -= 1
            if self.credit[f.pcpu] < 0:
                self.fail(
                    f"CPU {f.pcpu} took INTID {f.intid} again while its line stayed high and no "
                    "guest had deactivated it"
                )

    def on_line(self, f: facts.LineChanged) -> None:
        if f.intid == VTIMER_PPI and f.level:
            self.credit[f.pcpu] = 1

    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        if f.intid == VTIMER_PPI:
            self.credit[f.pcpu] = 1

    def on_write(self, f: facts.PhysActiveWritten) -> None:
        self.credit[f.pcpu] = 1


class R19(Rule):
    """Deactivation samples the line again: taken again only if it is asserted (if: see L1)."""

    id = "R19"
    section = "Edge and Level, paragraph 2"
    title = "the host takes a level interrupt only while its line is asserted"
    hardware = True
    needs = {facts.AckedByHost: "on_ack", facts.LineChanged: SCENE}

    def on_ack(self, f: facts.AckedByHost) -> None:
        level = f.intid == VTIMER_PPI or any(
            x.intid == f.intid and x.level for x in self.config.forwards
        )
        if level and not self.scene.is_high(f.pcpu, f.intid):
            self.fail(f"CPU {f.pcpu} took INTID {f.intid} although its line was not asserted")


class R23(Rule):
    """Whenever a VCPU with HW registers in use is scheduled, the interrupt is active there.

    And the dual, which the document leaves out: where it needs no active state, none may be left.
    """

    id = "R23"
    section = "Edge and Level, last paragraph"
    title = "at load and entry the active state on that CPU is what the VCPU needs"
    needs = {facts.Entered: "on_entry", facts.Loaded: "on_load"}

    @classmethod
    def applies(cls, config: Config) -> bool:
        # Where an LR may stay active after its deactivation, this is legal until the next exit.
        return config.lr_on_guest_deactivate not in ("polled", "quirk")

    def on_entry(self, f: facts.Entered) -> None:
        for lr in self.scene.used[f.pcpu].values():
            if lr.hw and not self.scene.is_active(f.pcpu, lr.pintid):
                self.fail(
                    f"VCPU {f.vcpu} is scheduled on CPU {f.pcpu} with vINTID {lr.vintid} in a HW "
                    f"List Register, but INTID {lr.pintid} is not active there"
                )

    def on_load(self, f: facts.Loaded) -> None:
        if self.era != "v7.2":
            return
        scene = self.scene
        needed = scene.sw_active[f.vcpu] or scene.level[f.vcpu]
        if needed and not scene.is_active(f.pcpu):
            self.fail(
                f"VCPU {f.vcpu} was loaded on CPU {f.pcpu}, its interrupt is active or its line "
                f"high, but INTID {VTIMER_PPI} is not active there"
            )
