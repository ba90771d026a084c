"""What concerns the whole VM: halting and stopping its VCPUs, saving it; sleep, and storms."""

from collections.abc import Iterator

from model import facts
from model.gic.lr import ACTIVE, PENDING
from model.gic.registers import (
    FIRST_SPI,
    HCR_EN,
    HCR_EOICOUNT,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
)
from model.identity import CONFIG, IRQ, Actor, LockId
from model.rules.rule import EVENTUALLY, SCENE, Rule

MONITOR = Actor("user-space")

__all__ = ["I9", "I14", "L4", "L6"]


class I9(Rule):
    """No sleep under a spinlock; and who changes an active state holds that interrupt's lock.

    The rest of I9, the order of the locks and that handlers cannot come while one of theirs is
    held, is rule ``lock-order``.
    """

    id = "I9"
    section = "vgic.c, comment on locking (derived; Linux 2e2f6c3c0b08)"
    title = "no thread sleeps with a spinlock held; an active state changes under its lock only"
    needs = {
        facts.LockTaken: "on_lock",
        facts.LockReleased: "on_unlock",
        facts.Put: "on_sleep",
        facts.Placed: "on_sleep",
        facts.Folded: "on_change",
        facts.RegisterWritten: "on_change",
    }

    def reset(self) -> None:
        self.held: dict[Actor, list[LockId]] = {}

    def on_lock(self, f: facts.LockTaken) -> None:
        if f.lock.kind != CONFIG:
            held = self.held.get(f.actor)
            if held is None:
                held = self.held[f.actor] = []
            held.append(f.lock)

    def on_unlock(self, f: facts.LockReleased) -> None:
        held = self.held.get(f.actor)
        if held is not None and f.lock in held:
            held.remove(f.lock)

    def on_sleep(self, f: facts.Put | facts.Placed) -> None:
        held = self.held.get(Actor("vcpu", vcpu=f.vcpu))
        if held:
            self.fail(f"the thread of VCPU {f.vcpu} gave its CPU away while it held {held[-1]}")

    def on_change(self, f: facts.Folded | facts.RegisterWritten) -> None:
        lock = LockId(IRQ, -1 if f.vintid >= FIRST_SPI else f.vcpu, f.vintid)
        # The VM monitor's writes come from its own context.
        held = (*self.held.get(Actor("vcpu", vcpu=f.vcpu), ()), *self.held.get(MONITOR, ()))
        if lock not in held:
            self.fail(f"VCPU {f.vcpu} changed the state of vINTID {f.vintid} without {lock}")


class I14(Rule):
    """No maintenance storm: nothing that KVM asked to be told of is the case at once.

    Unless another CPU changed one of the interrupts after this entry counted them: then the next
    entry counts anew.
    """

    id = "I14"
    section = "vgic-v3.c, vgic_v3_configure_hcr (derived; Bao issue 398)"
    title = "no enabled cause of a maintenance interrupt is asserted already at an entry"
    needs = {
        facts.RequestsChecked: "on_turn",
        facts.RegisterWritten: "on_change",
        facts.Retargeted: "on_change",
        facts.Emulated: "on_change",
        facts.Entered: "on_entry",
        facts.HcrWritten: SCENE,
        facts.LrWritten: SCENE,
    }

    def reset(self) -> None:
        self.changed = [False] * self.config.vcpus

    def on_turn(self, f: facts.RequestsChecked) -> None:
        self.changed[f.vcpu] = False

    def on_change(self, f: facts.RegisterWritten | facts.Retargeted | facts.Emulated) -> None:
        if f.vintid >= FIRST_SPI:
            self.changed = [True] * self.config.vcpus

    def on_entry(self, f: facts.Entered) -> None:
        hcr = self.scene.hcr[f.pcpu]
        if not hcr & (HCR_NPIE | HCR_UIE | HCR_LRENPIE) or not hcr & HCR_EN:
            return
        if self.changed[f.vcpu]:
            return
        used = self.scene.used[f.pcpu]
        cause = ""
        if hcr & HCR_NPIE and not any(lr.state == PENDING for lr in used.values()):
            cause = "NPIE set and no List Register pending"
        elif hcr & HCR_UIE and len(used) < 2:
            cause = f"UIE set and {len(used)} of {self.config.lrs} List Registers in use"
        elif hcr & HCR_LRENPIE and hcr & HCR_EOICOUNT:
            cause = "LRENPIE set and EOIcount not zero"
        if cause:
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with {cause}: the maintenance "
                "interrupt is asserted already, and nothing the guest does clears it"
            )


class L4(Rule):
    """Who halts the guests, or stops the VM, gets what it waits for; and nobody runs meanwhile.

    A VCPU that the VM monitor signals may have looked at its requests for the last time already:
    it enters once, and the kick brings it out.
    """

    id = "L4"
    section = "arm.c, kvm_arm_halt_guest and KVM_RUN's signal (derived; Linux abd7229626b9)"
    title = "VCPUs that are halted or stopped leave their guests, stay out, and are let go again"
    kind = EVENTUALLY
    needs = {
        facts.Halting: "on_halting",
        facts.Resumed: "on_resumed",
        facts.Stopping: "on_stopping",
        facts.UserLeft: "on_user",
        facts.Entered: "on_entry",
        facts.Halted: SCENE,
        facts.Exited: SCENE,
    }

    def reset(self) -> None:
        # Who halts the guests, and whom it keeps out since all have left.
        self.halter = -1
        self.kept = [False] * self.config.vcpus
        # Per VCPU: entries since it was signalled and has not gone to user space; -1: it was not.
        self.entries = [-1] * self.config.vcpus

    def on_halting(self, f: facts.Halting) -> None:
        if not f.halted:
            self.halter = f.vcpu
            return
        self.kept = [True] * self.config.vcpus
        for v, c in enumerate(self.scene.guest_cpu):
            if c >= 0:
                self.fail(
                    f"VCPU {f.vcpu} went on as if all guests were halted while VCPU {v} ran its "
                    f"guest on CPU {c}"
                )

    def on_resumed(self, f: facts.Resumed) -> None:
        # Those that are let go first may enter before the last.
        self.kept[f.resumed] = False
        if True not in self.kept:
            self.halter = -1

    def on_stopping(self, f: facts.Stopping) -> None:
        self.entries[f.vcpu] = 0 if f.stop else -1

    def on_user(self, f: facts.UserLeft) -> None:
        self.entries[f.vcpu] = -1

    def on_entry(self, f: facts.Entered) -> None:
        if self.kept[f.vcpu]:
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} while VCPU {self.halter} had its "
                "guest halted"
            )
        if self.entries[f.vcpu] >= 0:
            self.entries[f.vcpu] += 1
            if self.entries[f.vcpu] > 1:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} again although the VM "
                    "monitor had signalled it to stop"
                )

    def at_rest(self) -> Iterator[str]:
        if self.halter >= 0:
            yield f"the end of the halt that VCPU {self.halter} began"
        for v, entries in enumerate(self.entries):
            if entries >= 0 and not self.scene.halted[v]:
                yield f"VCPU {v} was signalled by the VM monitor and did not stop"


class L6(Rule):
    """A saved VM is one moment's: what is restored is what the guest left, and nothing came after.

    From the moment a VCPU's interrupts are read until its timer is written back nothing of it may
    change: a change between two reads tears them apart (Linux 1a74847885cc), a later one is lost.
    """

    id = "L6"
    section = "VM save and restore (derived; Linux 1a74847885cc, 47a98b15ba7c)"
    title = "a VM is saved as of one moment, and goes on from there as its guest left it"
    needs = {
        facts.VmSaved: "on_saved",
        facts.VmRestored: "on_vm_restored",
        facts.VmReset: "on_reset",
        facts.Injected: "on_inject",
        facts.Folded: "on_change",
        facts.TimerSaved: "on_change",
        facts.TimerRestored: "on_timer",
        facts.GuestTimer: SCENE,
        facts.GuestMask: SCENE,
        facts.LrWritten: SCENE,
        facts.LrMoved: SCENE,
        facts.Entered: "on_entry",
    }

    def reset(self) -> None:
        vcpus = self.config.vcpus
        self.saved = [False] * vcpus
        # What was read of the timer's interrupt (level, active), until the guest runs again.
        self.read: list[tuple[bool, bool] | None] = [None] * vcpus
        self.restored = [False] * vcpus

    def on_saved(self, f: facts.VmSaved) -> None:
        v, scene = f.vcpu, self.scene
        if f.part == "vgic":
            self.saved[v] = True
            self.read[v] = (f.level, f.active)
            if f.active != scene.handling[v]:
                self.fail(
                    f"VCPU {v} was saved with its timer interrupt {'' if f.active else 'in'}active "
                    f"while its guest {'handles' if scene.handling[v] else 'does not handle'} it"
                )
        elif f.level != scene.fires(v):
            self.fail(
                f"VCPU {v} was saved with a timer that {'fires' if f.level else 'does not fire'}, "
                f"but its guest has CTL {scene.ctl[v]} and the deadline {scene.deadline[v]} ns"
            )

    def on_vm_restored(self, f: facts.VmRestored) -> None:
        if f.part == "timer":
            self.saved[f.vcpu] = False
            self.restored[f.vcpu] = True

    def on_reset(self, f: facts.VmReset) -> None:
        self.saved[f.vcpu] = self.restored[f.vcpu] = False
        self.read[f.vcpu] = None

    def on_inject(self, f: facts.Injected) -> None:
        if f.accepted and self.saved[f.vcpu]:
            self.fail(
                f"vINTID {f.vintid} was injected for VCPU {f.vcpu} after its interrupts were saved"
            )

    def on_change(self, f: facts.Folded | facts.TimerSaved) -> None:
        if self.saved[f.vcpu]:
            self.fail(f"VCPU {f.vcpu} changed after it was saved ({f.KIND})")

    def on_timer(self, f: facts.TimerRestored) -> None:
        v = f.vcpu
        if self.saved[v]:
            self.fail(f"VCPU {v} was loaded on CPU {f.pcpu} while it was being saved or restored")
        elif self.restored[v] and (f.ctl, f.cval) != (self.scene.ctl[v], self.scene.cval[v]):
            self.fail(
                f"VCPU {v} goes on with CTL {f.ctl} and CVAL {f.cval} in its restored timer; its "
                f"guest had programmed {self.scene.ctl[v]} and {self.scene.cval[v]}"
            )

    def on_entry(self, f: facts.Entered) -> None:
        v, scene = f.vcpu, self.scene
        if self.saved[v]:
            self.fail(f"VCPU {v} entered its guest on CPU {f.pcpu} after it was saved")
            return
        if not self.restored[v]:
            return
        self.restored[v] = False
        read, self.read[v] = self.read[v], None
        if read is None or len(scene.used[f.pcpu]) >= self.config.lrs:
            return
        level, active = read
        state = scene.timer_lr(f.pcpu).state
        if active != bool(state & ACTIVE):
            self.fail(
                f"VCPU {v} was saved with its timer interrupt {'' if active else 'in'}active, and "
                f"its restored guest was entered with it {'in' if active else ''}active"
            )
        elif level and not active and scene.enabled[v] and not state & PENDING:
            self.fail(
                f"VCPU {v} was saved with its timer interrupt pending, and its restored guest was "
                "entered without it"
            )
