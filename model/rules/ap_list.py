"""KVM's lists of what is pending or active for a VCPU (ap_list), and what may not fall off them.

Linux arch/arm64/kvm/vgic/vgic.c: vgic_queue_irq_unlock, vgic_prune_ap_list, vgic_target_oracle.
"""

from collections.abc import Iterator

from model import facts
from model.gic.lr import PENDING
from model.gic.registers import FIRST_SPI, SGIS
from model.rules.rule import EVENTUALLY, SCENE, Rule

__all__ = ["I4", "I5", "key_of"]

VCPU_SHIFT = 20


def key_of(v: int, vintid: int) -> int:
    """Return one number for a virtual interrupt: of an SPI or LPI there is one in the VM."""
    return vintid if vintid >= FIRST_SPI else v << VCPU_SHIFT | vintid


class I4(Rule):
    """One place for each: what VCPUs share is on at most one ap_list, and on that once.

    Facts do not show ``irq->vcpu``; that an interrupt is taken off only where it was put, and put
    on only where none has it, is what it comes to.
    """

    id = "I4"
    section = "vgic.c, comment on locking (derived; Xen 91ef736493)"
    title = "an interrupt is on one ap_list at most, and where it is in an LR it is on that VCPU's"
    needs = {
        facts.Queued: "on_queue",
        facts.Unqueued: "on_unqueue",
        facts.Emulated: "on_emulated",
        facts.Entered: "on_entry",
        facts.LrWritten: SCENE,
        facts.LrMoved: SCENE,
    }

    def reset(self) -> None:
        self.owner: dict[int, int] = {}

    def on_queue(self, f: facts.Queued) -> None:
        key = key_of(f.vcpu, f.vintid)
        owner = self.owner.get(key, -1)
        if owner >= 0:
            self.fail(
                f"vINTID {f.vintid} was put on the ap_list of VCPU {f.vcpu} while it was on that "
                f"of VCPU {owner}"
            )
        self.owner[key] = f.vcpu

    def on_unqueue(self, f: facts.Unqueued) -> None:
        key = key_of(f.vcpu, f.vintid)
        if self.owner.get(key, -1) != f.vcpu:
            self.fail(
                f"vINTID {f.vintid} was taken off the ap_list of VCPU {f.vcpu}, where it was not"
            )
        self.owner[key] = -1

    def on_emulated(self, f: facts.Emulated) -> None:
        if self.owner.get(key_of(f.vcpu, f.vintid), -1) != f.vcpu:
            self.fail(
                f"KVM deactivated vINTID {f.vintid} as one of VCPU {f.vcpu}'s ap_list, where it "
                "is not"
            )

    def on_entry(self, f: facts.Entered) -> None:
        for lr in self.scene.used[f.pcpu].values():
            if self.owner.get(key_of(f.vcpu, lr.vintid), -1) != f.vcpu:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {lr.vintid} in a "
                    "List Register and not on its ap_list"
                )


class Irq:
    """KVM's software state of one virtual interrupt, as far as facts tell it."""

    __slots__ = (
        "active",
        "enabled",
        "latch",
        "level",
        "line",
        "owner",
        "queueing",
        "target",
        "vintid",
    )

    def __init__(self, vintid: int, target: int, level: bool) -> None:
        self.vintid = vintid
        self.target = target
        self.level = level
        self.enabled = True
        self.active = self.latch = self.line = False
        self.owner = -1
        self.queueing = False

    def belongs(self) -> bool:
        """Tell whether it belongs on an ap_list (vgic_target_oracle)."""
        return self.active or (self.enabled and (self.latch or self.line))


class I5(Rule):
    """Membership: what is active, or pending and enabled, is on an ap_list.

    What is written into a List Register is no longer pending in software; I4 says that it is on the
    list. At an entry only what was taken off wrongly shows: what was never put on may still be
    under way to it, and is owed at rest. So may an SPI that goes to another VCPU now: its owner
    gives it up at its next exit, and nobody kicks it for that (vgic_mmio_write_irouter).

    Nor is it put on the list of a VCPU that it does not go to: whoever puts it there holds
    irq_lock, under which IROUTER is written, and looked at it once more.
    """

    id = "I5"
    section = "vgic.c, vgic_target_oracle (derived; Bao issue 371)"
    title = "what is active, or pending and enabled, is on an ap_list, in the end of its target"
    kind = EVENTUALLY
    needs = {
        facts.Injected: "on_inject",
        facts.Resampled: "on_resample",
        facts.LrWritten: "on_written",
        facts.Folded: "on_fold",
        facts.RegisterWritten: "on_register",
        facts.Retargeted: "on_retarget",
        facts.Queued: "on_queue",
        facts.Unqueued: "on_unqueue",
        facts.Entered: "on_entry",
        facts.Halted: SCENE,
    }

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.forwards = {x.vintid: x for x in self.config.forwards}

    def reset(self) -> None:
        self.irqs: dict[int, Irq] = {}
        # By key: what belongs on a list and is on none.
        self.strays: dict[int, Irq] = {}

    def irq(self, v: int, vintid: int) -> Irq:
        """Return the state of an interrupt; until something is said of it, it is idle."""
        key = key_of(v, vintid)
        irq = self.irqs.get(key)
        if irq is None:
            forward = self.forwards.get(vintid)
            level = vintid >= SGIS if forward is None else forward.level
            irq = self.irqs[key] = Irq(vintid, self.home(v, vintid), level)
        return irq

    def home(self, v: int, vintid: int) -> int:
        """Return the VCPU it goes to until the guest says otherwise."""
        forward = self.forwards.get(vintid)
        return v if forward is None else forward.vcpu

    def settle(self, v: int, irq: Irq) -> None:
        """Note whether it has to be on a list and is not."""
        key = key_of(v, irq.vintid)
        if irq.owner < 0 and irq.belongs():
            self.strays[key] = irq
        else:
            self.strays.pop(key, None)

    def on_inject(self, f: facts.Injected) -> None:
        if not f.accepted:
            return
        irq = self.irq(f.vcpu, f.vintid)
        if irq.level:
            irq.line = f.level
        else:
            irq.latch = True
        irq.queueing = irq.owner < 0
        self.settle(f.vcpu, irq)

    def on_resample(self, f: facts.Resampled) -> None:
        irq = self.irq(f.vcpu, f.vintid)
        irq.line = f.level
        self.settle(f.vcpu, irq)

    def on_written(self, f: facts.LrWritten) -> None:
        v = self.scene.loaded[f.pcpu]
        if v >= 0 and f.after.state & PENDING:
            irq = self.irq(v, f.after.vintid)
            irq.latch = irq.line = False
            self.settle(v, irq)

    def on_fold(self, f: facts.Folded) -> None:
        irq = self.irq(f.vcpu, f.vintid)
        irq.active, irq.latch = f.active, f.pending_latch
        irq.line = irq.level and f.line_level
        self.settle(f.vcpu, irq)

    def on_register(self, f: facts.RegisterWritten) -> None:
        irq, register = self.irq(f.vcpu, f.vintid), f.register
        if register in ("isenabler", "icenabler"):
            irq.enabled = register == "isenabler"
        elif register in ("ispendr", "icpendr"):
            irq.latch = register == "ispendr"
        elif register in ("isactiver", "icactiver"):
            irq.active = register == "isactiver"
        else:
            irq.enabled = True
            irq.active = irq.latch = irq.line = False
            irq.target = self.home(f.vcpu, f.vintid)
        irq.queueing = register.startswith("is") and irq.owner < 0
        self.settle(f.vcpu, irq)

    def on_retarget(self, f: facts.Retargeted) -> None:
        self.irq(f.vcpu, f.vintid).target = f.target

    def on_queue(self, f: facts.Queued) -> None:
        irq = self.irq(f.vcpu, f.vintid)
        if irq.target != f.vcpu:
            self.fail(
                f"vINTID {irq.vintid} was put on the ap_list of VCPU {f.vcpu}, but goes to VCPU "
                f"{irq.target}"
            )
        irq.owner = f.vcpu
        irq.queueing = False
        self.settle(f.vcpu, irq)

    def on_unqueue(self, f: facts.Unqueued) -> None:
        irq = self.irq(f.vcpu, f.vintid)
        irq.owner = -1
        self.settle(f.vcpu, irq)

    def on_entry(self, f: facts.Entered) -> None:
        for irq in self.strays.values():
            if irq.target == f.vcpu and not irq.queueing:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} while its vINTID "
                    f"{irq.vintid} is {'active' if irq.active else 'pending and enabled'} and on "
                    "no ap_list"
                )
                return

    def at_rest(self) -> Iterator[str]:
        halted = self.scene.halted
        for irq in self.irqs.values():
            if not irq.belongs() or halted[irq.target]:
                continue
            state = "active" if irq.active else "pending and enabled"
            if irq.owner < 0:
                yield f"vINTID {irq.vintid} of VCPU {irq.target} is {state} and on no ap_list"
            elif irq.owner != irq.target and not irq.active and not halted[irq.owner]:
                yield (
                    f"vINTID {irq.vintid} is {state} on the ap_list of VCPU {irq.owner}, but goes "
                    f"to VCPU {irq.target}"
                )
