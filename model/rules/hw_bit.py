"""Section "The HW bit" of the document: what a List Register may hold and how it may change."""

from model import facts
from model.gic.lr import ACTIVE, INACTIVE, PENDING, PENDING_ACTIVE, STATES
from model.machine import Config
from model.rules.rule import Rule

__all__ = ["R3", "R5", "R6"]

LEGAL_MOVES = {
    ("iar", PENDING, ACTIVE),
    ("eoir", ACTIVE, INACTIVE),
    ("eoir", PENDING_ACTIVE, PENDING),
    ("dir", ACTIVE, INACTIVE),
    ("dir", PENDING_ACTIVE, PENDING),
}


class R3(Rule):
    """Acknowledge makes an LR active, deactivation empties it; a guest moves it no other way."""

    id = "R3"
    section = "The HW bit, paragraph 1"
    title = "a guest moves an LR from pending to active to inactive, and no other way"
    hardware = True
    needs = {facts.LrMoved: "on_moved"}

    def on_moved(self, f: facts.LrMoved) -> None:
        legal = (f.access, f.before.state, f.after.state) in LEGAL_MOVES
        if f.access == "eoir" and self.config.eoimode:
            legal = False
        if not legal:
            self.fail(
                f"LR{f.index} of CPU {f.pcpu} (vINTID {f.before.vintid}) went from "
                f"{STATES[f.before.state]} to {STATES[f.after.state]} by the guest's {f.access}"
            )


class R5(Rule):
    """KVM writes a HW register pending or active, never both: the rest is in the distributor."""

    id = "R5"
    section = "The HW bit, paragraph 3"
    title = "KVM never writes a HW List Register pending and active at once"
    needs = {facts.LrWritten: "on_written"}

    def on_written(self, f: facts.LrWritten) -> None:
        if f.after.hw and f.after.state == PENDING_ACTIVE:
            self.fail(
                f"KVM wrote LR{f.index} of CPU {f.pcpu} (vINTID {f.after.vintid}, HW) "
                "pending and active"
            )


class R6(Rule):
    """The guest's deactivation is sent, counts, and arrives before that CPU's next guest entry."""

    id = "R6"
    section = "The HW bit, paragraph 4"
    title = "a deactivation through a HW LR reaches the distributor before the next guest entry"
    hardware = True
    needs = {
        facts.Entered: "on_entry",
        facts.LrMoved: "on_moved",
        facts.DeactivationSent: "on_sent",
        facts.DeactivationArrived: "on_arrived",
        facts.Exited: "on_exit",
    }

    @classmethod
    def applies(cls, config: Config) -> bool:
        return config.gic_messages != "lagging"

    def reset(self) -> None:
        self.unsent = [-1] * self.config.pcpus

    def on_moved(self, f: facts.LrMoved) -> None:
        if f.before.hw and f.access != "iar":
            self.unsent[f.pcpu] = f.before.pintid

    def on_sent(self, f: facts.DeactivationSent) -> None:
        self.unsent[f.pcpu] = -1

    def on_arrived(self, f: facts.DeactivationArrived) -> None:
        if self.scene.is_active(f.pcpu, f.intid):
            self.fail(f"the guest's deactivation of INTID {f.intid} left it active")

    def on_exit(self, f: facts.Exited) -> None:
        if self.unsent[f.pcpu] >= 0:
            self.fail(
                f"the guest on CPU {f.pcpu} deactivated through a HW List Register, and INTID "
                f"{self.unsent[f.pcpu]} was not deactivated"
            )

    def on_entry(self, f: facts.Entered) -> None:
        if self.scene.in_flight[f.pcpu]:
            self.fail(
                f"CPU {f.pcpu} entered the guest of VCPU {f.vcpu} while a deactivation that a "
                "guest sent from there had not reached the distributor"
            )
