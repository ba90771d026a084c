"""Who may write a List Register and when, how it becomes active, and where its pending state goes.

Section "The HW bit" of the document, and the first items of its life cycle.
"""

from model import facts
from model.gic.lr import ACTIVE, EMPTY, PENDING, STATES
from model.gic.registers import FIRST_LPI, FIRST_SPI
from model.machine import Config
from model.rules.rule import SCENE, Rule
from model.rules.scene import is_special

__all__ = ["R1", "R2", "R8", "R9", "R22", "R7b"]


class R1(Rule):
    """The registers are the world switch's: written and taken back with interrupts off, there.

    From the first that is written in use until the last is taken back, the CPU takes no interrupt:
    not before the entry, and not between the exit and the save. No handler writes one, nobody does
    while a guest runs on that CPU, nor for a VCPU that is not loaded there. Whoever else has
    something for a VCPU makes a request and kicks.
    """

    id = "R1"
    section = "The HW bit, paragraph 1"
    title = "the LRs of a CPU are in use only around a guest stay of its VCPU, interrupts off"
    needs = {
        facts.LrWritten: "on_written",
        facts.InterruptTaken: "on_taken",
        facts.IsrBegan: "on_isr",
        facts.IsrEnded: "on_isr",
        facts.Entered: SCENE,
        facts.Exited: SCENE,
        facts.Loaded: SCENE,
        facts.Put: SCENE,
    }

    def reset(self) -> None:
        self.in_use = [0] * self.config.pcpus
        self.handler = [False] * self.config.pcpus

    def on_isr(self, f: facts.IsrBegan | facts.IsrEnded) -> None:
        self.handler[f.pcpu] = isinstance(f, facts.IsrBegan)

    def on_written(self, f: facts.LrWritten) -> None:
        c, bit = f.pcpu, 1 << f.index
        if f.after.state:
            self.in_use[c] |= bit
        else:
            self.in_use[c] &= ~bit
        why = ""
        if self.scene.guest[c] >= 0:
            why = f"while the guest of VCPU {self.scene.guest[c]} ran there"
        elif f.after.state and self.scene.loaded[c] < 0:
            why = "with no VCPU loaded there"
        elif self.handler[c]:
            why = "within a host handler"
        if why:
            self.fail(
                f"LR{f.index} of CPU {c} was written (vINTID {f.after.vintid}, "
                f"{STATES[f.after.state]}) {why}"
            )

    def on_taken(self, f: facts.InterruptTaken) -> None:
        if self.in_use[f.pcpu]:
            self.fail(
                f"CPU {f.pcpu} took an interrupt with List Registers written and not taken back: "
                "interrupts were on around its guest stay"
            )


class R2(Rule):
    """What KVM counts as used is in use, and what it does not is empty."""

    id = "R2"
    section = "The HW bit, paragraph 1"
    title = "the LRs in use at an entry are those KVM wrote for it; a loaded VCPU finds none"
    needs = {
        facts.LrWritten: "on_written",
        facts.LrMoved: SCENE,
        facts.Entered: "on_entry",
        facts.Exited: "on_exit",
        facts.Loaded: "on_load",
    }

    def reset(self) -> None:
        self.fresh = [0] * self.config.pcpus
        self.hollow = [0] * self.config.pcpus

    def on_written(self, f: facts.LrWritten) -> None:
        c, bit = f.pcpu, 1 << f.index
        self.fresh[c] &= ~bit
        self.hollow[c] &= ~bit
        if f.after.state:
            self.fresh[c] |= bit
        elif f.after != EMPTY:
            self.hollow[c] |= bit

    def on_exit(self, f: facts.Exited) -> None:
        self.fresh[f.pcpu] = 0

    def on_entry(self, f: facts.Entered) -> None:
        c = f.pcpu
        if self.hollow[c]:
            i = (self.hollow[c] & -self.hollow[c]).bit_length() - 1
            self.fail(
                f"VCPU {f.vcpu} entered its guest on CPU {c} with LR{i} counted as used, but "
                "inactive"
            )
        self.check(c, self.fresh[c], f"VCPU {f.vcpu} entered its guest")

    def on_load(self, f: facts.Loaded) -> None:
        self.check(f.pcpu, 0, f"VCPU {f.vcpu} was loaded")

    def check(self, c: int, fresh: int, did: str) -> None:
        """Complain of a register in use that is not among the ``fresh`` ones."""
        for i, lr in self.scene.used[c].items():
            if not fresh >> i & 1:
                self.fail(
                    f"{did} on CPU {c} with LR{i} (vINTID {lr.vintid}, {STATES[lr.state]}) left "
                    "there by an earlier stay"
                )


class R7b(Rule):
    """A guest is given what a register has pending, and pending only."""

    id = "R7b"
    section = "Life Cycle, item 2"
    title = "a guest acknowledges only what an LR has exactly pending"
    hardware = True
    needs = {facts.AckedByGuest: "on_ack", facts.LrWritten: SCENE, facts.LrMoved: SCENE}

    def on_ack(self, f: facts.AckedByGuest) -> None:
        if is_special(f.vintid):
            return
        used = self.scene.used[f.pcpu].values()
        states = [lr.state for lr in used if lr.vintid == f.vintid]
        if PENDING not in states:
            held = " and ".join(STATES[state] for state in states) or "in no List Register in use"
            self.fail(
                f"the guest on CPU {f.pcpu} acknowledged vINTID {f.vintid}, which is {held} there"
            )


class R8(Rule):
    """No pending state is lost: the guest acknowledges it, or KVM takes it back and answers for it.

    What an exit takes back while it is pending is presented again at the VCPU's next entry, unless
    KVM recorded why not: the line was found or made low, the guest disabled it, or other interrupts
    fill the List Registers.
    """

    id = "R8"
    section = "Life Cycle, item 3"
    title = "an LR stays pending until the guest acknowledges or KVM takes it back, and accounts"
    needs = {
        facts.LrWritten: "on_written",
        facts.LrMoved: "on_moved",
        facts.Injected: "on_inject",
        facts.Resampled: "on_resample",
        facts.RegisterWritten: "on_register",
        facts.Retargeted: "on_retarget",
        facts.Exited: "on_exit",
        facts.Queued: "on_queue",
        facts.Entered: "on_entry",
        facts.Loaded: SCENE,
        facts.GuestMask: SCENE,
    }

    def reset(self) -> None:
        self.pending = [0] * self.config.pcpus
        self.owed: list[list[int]] = [[] for _ in range(self.config.vcpus)]
        self.lowered: list[list[int]] = [[] for _ in range(self.config.vcpus)]
        # Routed elsewhere, and perhaps back, since the VCPU's last exit: KVM kicks nobody for that.
        self.routed: list[list[int]] = [[] for _ in range(self.config.vcpus)]

    def on_retarget(self, f: facts.Retargeted) -> None:
        for routed in self.routed:
            routed.append(f.vintid)

    def on_exit(self, f: facts.Exited) -> None:
        self.routed[f.vcpu].clear()

    def on_moved(self, f: facts.LrMoved) -> None:
        bit = 1 << f.index
        if f.after.state & PENDING:
            self.pending[f.pcpu] |= bit
            return
        self.pending[f.pcpu] &= ~bit
        if f.before.state & PENDING and f.access != "iar":
            self.lost(f.pcpu, f.index, f.before.vintid, f"by the guest's {f.access}")

    def on_written(self, f: facts.LrWritten) -> None:
        c, bit = f.pcpu, 1 << f.index
        before, after = f.before, f.after
        was, is_now = before.state & PENDING, after.state & PENDING
        if self.pending[c] & bit and not was:
            self.lost(c, f.index, before.vintid, "and nobody acknowledged it")
        v = self.scene.loaded[c]
        if is_now:
            self.pending[c] |= bit
            if v >= 0 and after.vintid in self.lowered[v]:
                self.lowered[v].remove(after.vintid)
        else:
            self.pending[c] &= ~bit
        if was and v >= 0 and not (is_now and after.vintid == before.vintid):
            owed = self.owed[v]
            if before.vintid not in owed and before.vintid not in self.lowered[v]:
                owed.append(before.vintid)

    def lost(self, c: int, i: int, vintid: int, how: str) -> None:
        self.fail(f"LR{i} of CPU {c} (vINTID {vintid}) lost its pending state {how}")

    def on_inject(self, f: facts.Injected) -> None:
        lowered = self.lowered[f.vcpu]
        if not f.accepted:
            return
        if not f.level:
            self.retire(f.vcpu, f.vintid)
            if f.vintid not in lowered:
                lowered.append(f.vintid)
        elif f.vintid in lowered:
            lowered.remove(f.vintid)

    def on_resample(self, f: facts.Resampled) -> None:
        if not f.level:
            self.retire(f.vcpu, f.vintid)

    def on_queue(self, f: facts.Queued) -> None:
        # It has moved to another VCPU's list, which answers for it now.
        for v in range(self.config.vcpus):
            if v != f.vcpu and f.vintid >= FIRST_SPI:
                self.retire(v, f.vintid)

    def on_register(self, f: facts.RegisterWritten) -> None:
        if f.register in ("icpendr", "reset"):
            for v in range(self.config.vcpus):
                if f.vintid >= FIRST_SPI or v == f.owner:
                    self.retire(v, f.vintid)

    def retire(self, v: int, vintid: int) -> None:
        """The line is low: there is nothing to present any more."""
        if vintid in self.owed[v]:
            self.owed[v].remove(vintid)

    def on_entry(self, f: facts.Entered) -> None:
        owed = self.owed[f.vcpu]
        if not owed:
            return
        used = self.scene.used[f.pcpu]
        held = {lr.vintid: lr.state for lr in used.values()}
        room = len(used) < self.config.lrs
        self.owed[f.vcpu] = still = [x for x in owed if not held.get(x, 0) & PENDING]
        for vintid in still:
            if not room or vintid in held or vintid in self.routed[f.vcpu]:
                continue
            if self.scene.is_enabled(f.vcpu, vintid):
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} without vINTID {vintid}, "
                    "which KVM took back pending at an exit and did not find to be over"
                )


class R9(Rule):
    """The acknowledge moves the register that it names from pending to active, and no more."""

    id = "R9"
    section = "Life Cycle, item 4"
    title = "a guest's acknowledge makes exactly one LR active, that of the vINTID it returns"
    hardware = True
    needs = {
        facts.AckedByGuest: "on_ack",
        facts.LrMoved: "on_moved",
        facts.Completed: "on_access",
    }

    def reset(self) -> None:
        self.acked = [-1] * self.config.pcpus

    def on_ack(self, f: facts.AckedByGuest) -> None:
        self.on_access(f)
        if not is_special(f.vintid):
            self.acked[f.pcpu] = f.vintid

    def on_moved(self, f: facts.LrMoved) -> None:
        if f.access != "iar" or is_special(f.before.vintid):
            return
        vintid, self.acked[f.pcpu] = self.acked[f.pcpu], -1
        if f.before.vintid != vintid or f.before.state != PENDING:
            self.fail(
                f"LR{f.index} of CPU {f.pcpu} (vINTID {f.before.vintid}, "
                f"{STATES[f.before.state]}) moved by an acknowledge that was not for it"
            )
        elif f.after.state != ACTIVE:
            self.fail(
                f"LR{f.index} of CPU {f.pcpu} (vINTID {vintid}) is {STATES[f.after.state]} after "
                "the guest's acknowledge, not active"
            )

    def on_access(self, f: facts.AckedByGuest | facts.Completed) -> None:
        if self.acked[f.pcpu] >= 0:
            vintid, self.acked[f.pcpu] = self.acked[f.pcpu], -1
            self.fail(
                f"the guest on CPU {f.pcpu} acknowledged vINTID {vintid}, and no List Register "
                "became active for it"
            )


class R22(Rule):
    """An edge that is forwarded is linked: what follows meanwhile waits in the distributor."""

    id = "R22"
    section = "Edge and Level, paragraph 3"
    title = "a forwarded edge-triggered SPI is presented with the HW bit, always"
    needs = {facts.LrWritten: "on_written"}

    @classmethod
    def applies(cls, config: Config) -> bool:
        return any(not x.level and x.intid < FIRST_LPI for x in config.forwards)

    def reset(self) -> None:
        forwards = self.config.forwards
        self.edges = {x.vintid: x.intid for x in forwards if not x.level and x.intid < FIRST_LPI}

    def on_written(self, f: facts.LrWritten) -> None:
        lr = f.after
        if lr.state and not lr.hw and lr.vintid in self.edges:
            self.fail(
                f"KVM wrote LR{f.index} of CPU {f.pcpu}: vINTID {lr.vintid} without the HW bit, "
                f"though it stands for INTID {self.edges[lr.vintid]}, a forwarded edge"
            )
