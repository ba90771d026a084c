"""What is never lost nor made from nothing, whoever holds it: active states."""

from model import facts
from model.gic.lr import ACTIVE
from model.gic.registers import FIRST_SPI
from model.machine import Config
from model.rules.rule import SCENE, Rule
from model.rules.scene import is_special

__all__ = ["I8"]


class I8(Rule):
    """What a guest has acknowledged and not deactivated is active, and nothing else is.

    It is active in a List Register or, where others fill them, in KVM's software state alone.
    """

    id = "I8"
    section = "The HW bit, paragraph 1 (derived; Linux 3cfd59f81e0f)"
    title = "active for a VCPU is what its guest acknowledged and has not deactivated"
    needs = {
        facts.AckedByGuest: "on_ack",
        facts.DeactivatedByGuest: "on_deactivate",
        facts.Folded: "on_fold",
        facts.Entered: "on_entry",
        facts.Emulated: "on_emulated",
        facts.RegisterWritten: "on_register",
        facts.Exited: SCENE,
        facts.LrWritten: SCENE,
        facts.LrMoved: SCENE,
    }

    @classmethod
    def applies(cls, config: Config) -> bool:
        # There KVM guesses the guest's deactivations from the distributor (R11), and errs.
        return config.lr_on_guest_deactivate != "polled"

    def reset(self) -> None:
        self.held: list[list[int]] = [[] for _ in range(self.config.vcpus)]

    def on_ack(self, f: facts.AckedByGuest) -> None:
        if is_special(f.vintid):
            return
        v = self.scene.guest[f.pcpu]
        if f.vintid in self.held[v]:
            self.fail(
                f"the guest of VCPU {v} acknowledged vINTID {f.vintid} on CPU {f.pcpu} again, "
                "which it has not deactivated"
            )
        self.held[v].append(f.vintid)

    def on_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        # With or without a List Register: what was active in software only is KVM's to find.
        held = self.held[self.scene.guest[f.pcpu]]
        if f.vintid in held:
            held.remove(f.vintid)

    def on_emulated(self, f: facts.Emulated) -> None:
        # A DIR that trapped; what EOIcount stands for was deactivated by the guest before.
        if f.cause == "dir":
            self.drop(f.vintid, f.vcpu)

    def on_register(self, f: facts.RegisterWritten) -> None:
        if f.register in ("icactiver", "reset"):
            self.drop(f.vintid, f.owner)
        elif f.register == "isactiver" and f.vintid not in self.held[f.owner]:
            self.held[f.owner].append(f.vintid)

    def drop(self, vintid: int, owner: int) -> None:
        """Take an active state away; that of an SPI stays with whom it was when it is routed on."""
        for v in range(self.config.vcpus) if vintid >= FIRST_SPI else (owner,):
            if vintid in self.held[v]:
                self.held[v].remove(vintid)

    def on_fold(self, f: facts.Folded) -> None:
        handled = f.vintid in self.held[f.vcpu]
        if f.active != handled:
            self.fail(
                f"VCPU {f.vcpu} folded vINTID {f.vintid} as {'in' if handled else ''}active, but "
                f"its guest {'handles it still' if handled else 'does not handle it'}"
            )

    def on_entry(self, f: facts.Entered) -> None:
        held, used = self.held[f.vcpu], self.scene.used[f.pcpu]
        active = [lr.vintid for lr in used.values() if lr.state & ACTIVE]
        for vintid in active:
            if vintid not in held:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {vintid} active, "
                    "which its guest does not handle"
                )
        if len(used) >= self.config.lrs:
            return
        for vintid in held:
            if vintid not in active:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} without vINTID {vintid}, "
                    "which its guest handles still"
                )
