"""Invariants that the document implies and the bugs of fifteen years taught (domain: I1 to I16)."""

from model import facts
from model.gic.lr import PENDING, PENDING_ACTIVE
from model.identity import IRQ, LockId
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule
from model.rules.scene import VTIMER_BIT

__all__ = ["I1", "I2", "I3", "I10"]


class I1(Rule):
    """INV-ACT: throughout a guest stay, a HW LR in use means an active physical interrupt."""

    id = "I1"
    section = "Edge and Level, last paragraph (INV-ACT)"
    title = "while a guest runs, every HW LR in use has its physical interrupt active on that CPU"
    needs = {facts.Entered: "on_entry", facts.ActiveChanged: "on_active", facts.LrMoved: SCENE}

    def on_entry(self, f: facts.Entered) -> None:
        self.check(f.pcpu)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.after:
            return
        # An SPI's state is one for all CPUs.
        for c in range(self.config.pcpus) if f.pcpu < 0 else (f.pcpu,):
            if self.scene.guest[c] >= 0:
                self.check(c)

    def check(self, c: int) -> None:
        # Where an LR may stay active after its deactivation, only a pending one needs it.
        stays = self.config.lr_on_guest_deactivate in ("polled", "quirk")
        for lr in self.scene.used[c].values():
            if not lr.hw or (stays and lr.state != PENDING):
                continue
            if not self.scene.is_active(c, lr.pintid):
                self.fail(
                    f"VCPU {self.scene.guest[c]} runs on CPU {c} with vINTID {lr.vintid} in a HW "
                    f"List Register while INTID {lr.pintid} is not active there"
                )
                return


class I2(Rule):
    """INV-NOSTALE-ACT: an active state that nobody will clear masks the next interrupt."""

    id = "I2"
    section = "The Architected Timer (derived; contradiction C7)"
    title = "no active state is left where neither the line nor the guest needs it"
    needs = {
        facts.Entered: "on_entry",
        facts.Loaded: "on_load",
        facts.TimerRead: SCENE,
        facts.Folded: "on_fold",
        facts.LockReleased: "on_unlock",
        facts.RegisterWritten: "on_register",
        facts.ActiveChanged: "on_active",
        facts.PhysActiveWritten: "on_written",
        facts.Put: "on_written",
        facts.Placed: "on_written",
    }

    def reset(self) -> None:
        self.folding = -1
        self.taken = [False] * self.config.pcpus

    def on_register(self, f: facts.RegisterWritten) -> None:
        """The scene keeps what a guest made pending by itself: that needs the active state too."""

    def on_active(self, f: facts.ActiveChanged) -> None:
        # What the host takes while a VCPU is loaded, its line silenced before, stays until the next
        # load: a GIC that lags brings it after KVM wrote the active state.
        if f.intid == VTIMER_PPI and f.cause == "ack":
            self.taken[f.pcpu] = True

    def on_written(self, f: facts.PhysActiveWritten | facts.Put | facts.Placed) -> None:
        self.taken[f.pcpu] = False

    def on_fold(self, f: facts.Folded) -> None:
        if f.vintid == VTIMER_PPI and self.era == "v7.2":
            self.folding = f.vcpu

    def on_unlock(self, f: facts.LockReleased) -> None:
        v, scene = self.folding, self.scene
        if v < 0 or f.lock != LockId(IRQ, v, VTIMER_PPI):
            return
        self.folding = -1
        c = scene.loaded.index(v) if v in scene.loaded else -1
        retired = not scene.sw_active[v] and not scene.sw_pending[v]
        if c < 0 or not retired or not scene.is_active(c) or scene.in_flight[c]:
            return
        # What the host took meanwhile is on its way to be injected, and its line is high.
        if not scene.is_high(c, VTIMER_PPI):
            self.fail(
                f"VCPU {v} retired its timer interrupt at an exit on CPU {c}, its line is low, and "
                f"INTID {VTIMER_PPI} was left active there"
            )

    def on_entry(self, f: facts.Entered) -> None:
        if self.era == "v4.14":
            self.check(f.vcpu, f.pcpu, "entered its guest")

    def on_load(self, f: facts.Loaded) -> None:
        if self.era == "v7.2" and not self.taken[f.pcpu]:
            self.check(f.vcpu, f.pcpu, "was loaded")

    def check(self, v: int, c: int, did: str) -> None:
        scene = self.scene
        pending = scene.sw_pending[v] or scene.timer_lr(c).state
        needed = pending or scene.sw_active[v] or scene.level[v]
        if scene.is_active(c) and not needed:
            self.fail(
                f"VCPU {v} {did} on CPU {c} with INTID {VTIMER_PPI} active, although its timer's "
                "line is low and its guest handles nothing: the next assertion is masked"
            )


class I3(Rule):
    """No HW register is ever pending and active, whoever made it so."""

    id = "I3"
    section = "The HW bit, paragraph 3 (derived)"
    title = "no HW List Register is pending and active at an entry"
    needs = {facts.Entered: "on_entry", facts.LrWritten: SCENE}

    def on_entry(self, f: facts.Entered) -> None:
        for i, lr in self.scene.used[f.pcpu].items():
            if lr.hw and lr.state == PENDING_ACTIVE:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with LR{i} (vINTID "
                    f"{lr.vintid}, HW) pending and active"
                )


class I10(Rule):
    """Stuck: active at the distributor over two stays, with nothing anywhere that will clear it."""

    id = "I10"
    section = "Life Cycle (derived; Bao issue 371)"
    title = "no interrupt stays active over two guest stays that nobody will deactivate"
    needs = {
        facts.Entered: "on_entry",
        facts.Exited: "on_exit",
        facts.Loaded: "on_load",
        facts.LineChanged: "on_line",
        facts.ActiveChanged: "on_active",
    }

    def reset(self) -> None:
        self.orphan = [0] * self.config.pcpus
        self.loads = [0] * self.config.pcpus

    def on_load(self, f: facts.Loaded) -> None:
        # The next load is what clears it in era v7.2: it gets its chance.
        self.loads[f.pcpu] += 1

    def on_line(self, f: facts.LineChanged) -> None:
        if f.pcpu >= 0:
            self.orphan[f.pcpu] = 0

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.pcpu >= 0:
            self.orphan[f.pcpu] = 0

    def on_exit(self, f: facts.Exited) -> None:
        """An orphan is counted at entries; an exit between two of them is what makes them two."""

    def on_entry(self, f: facts.Entered) -> None:
        scene, c = self.scene, f.pcpu
        held = scene.active[c] & VTIMER_BIT and not scene.line[c] & VTIMER_BIT
        v = f.vcpu
        kept = scene.timer_lr(c).state or scene.sw_active[v] or scene.sw_pending[v]
        if held and not kept:
            if not self.orphan[c]:
                self.loads[c] = 0
            self.orphan[c] += 1
            if self.orphan[c] > 1 and (self.era == "v4.14" or self.loads[c]):
                self.fail(
                    f"INTID {VTIMER_PPI} is active on CPU {c} over two stays of VCPU {v}, "
                    "its line is low and no List Register will deactivate it"
                )
        else:
            self.orphan[c] = 0
