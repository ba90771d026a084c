"""Invariants that the seed implies and the bugs of fifteen years taught (domain: I1 to I16)."""

from model import facts
from model.gic.lr import PENDING, PENDING_ACTIVE
from model.machine import Config
from model.messages import VTIMER_PPI
from model.rules.rule import Rule
from model.rules.scene import VTIMER_BIT
from model.timer import ENABLE

__all__ = ["I1", "I2", "I3", "I10", "I11", "I12"]


class I1(Rule):
    """INV-ACT: throughout a guest stay, a HW LR in use means an active physical interrupt."""

    id = "I1"
    section = "Edge and Level, last paragraph (INV-ACT)"
    title = "while a guest runs, every HW LR in use has its physical interrupt active on that CPU"
    needs = {facts.Entered: "on_entry", facts.ActiveChanged: "on_active", facts.LrMoved: "on_lr"}

    def on_entry(self, f: facts.Entered) -> None:
        self.check(f.cpu)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if not f.after and f.cpu >= 0 and self.scene.guest[f.cpu] >= 0:
            self.check(f.cpu)

    def on_lr(self, f: facts.LrMoved) -> None:
        """The scene keeps the registers."""

    def check(self, c: int) -> None:
        # Where an LR may stay active after its deactivation, only a pending one needs it.
        stays = self.config.lr_on_guest_deactivate in ("seed", "quirk")
        for lr in self.scene.lrs[c]:
            if not lr.hw or not lr.state or (stays and lr.state != PENDING):
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
        facts.TimerRead: "on_read",
        facts.Folded: "on_fold",
    }

    def on_read(self, f: facts.TimerRead) -> None:
        """The scene keeps the level."""

    def on_fold(self, f: facts.Folded) -> None:
        """The scene keeps the software active bit."""

    def on_entry(self, f: facts.Entered) -> None:
        if self.era == "seed":
            self.check(f.vcpu, f.cpu, "entered its guest")

    def on_load(self, f: facts.Loaded) -> None:
        if self.era == "lazy":
            self.check(f.vcpu, f.cpu, "was loaded")

    def check(self, v: int, c: int, did: str) -> None:
        scene = self.scene
        if scene.is_active(c) and not scene.sw_active[v] and not scene.level[v]:
            self.fail(
                f"VCPU {v} {did} on CPU {c} with INTID {VTIMER_PPI} active, although its timer's "
                "line is low and its guest handles nothing: the next assertion is masked"
            )


class I3(Rule):
    """No HW register is ever pending and active, whoever made it so."""

    id = "I3"
    section = "The HW bit, paragraph 3 (derived)"
    title = "no HW List Register is pending and active at an entry"
    needs = {facts.Entered: "on_entry", facts.LrWritten: "on_lr"}

    def on_lr(self, f: facts.LrWritten) -> None:
        """The scene keeps the registers."""

    def on_entry(self, f: facts.Entered) -> None:
        for i, lr in enumerate(self.scene.lrs[f.cpu]):
            if lr.hw and lr.state == PENDING_ACTIVE:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.cpu} with LR{i} (vINTID "
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
        facts.LineChanged: "on_line",
        facts.ActiveChanged: "on_active",
    }

    def reset(self) -> None:
        self.orphan = [0] * self.config.pcpus

    def on_line(self, f: facts.LineChanged) -> None:
        if f.cpu >= 0:
            self.orphan[f.cpu] = 0

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.cpu >= 0:
            self.orphan[f.cpu] = 0

    def on_exit(self, f: facts.Exited) -> None:
        """An orphan is counted at entries; an exit between two of them is what makes them two."""

    def on_entry(self, f: facts.Entered) -> None:
        scene, c = self.scene, f.cpu
        held = scene.active[c] & VTIMER_BIT and not scene.line[c] & VTIMER_BIT
        if held and not scene.timer_lr(c).state and not scene.sw_active[f.vcpu]:
            self.orphan[c] += 1
            if self.orphan[c] > 1:
                self.fail(
                    f"INTID {VTIMER_PPI} is active on CPU {c} over two stays of VCPU {f.vcpu}, "
                    "its line is low and no List Register will deactivate it"
                )
        else:
            self.orphan[c] = 0


class I11(Rule):
    """Blocking is sound: no sleep on a deliverable interrupt, nor on an uncovered timer."""

    id = "I11"
    section = "The Architected Timer, first list, steps 5 to 8 (INV-COVER)"
    title = "a VCPU sleeps on no deliverable interrupt, and its timer is covered meanwhile"
    needs = {
        facts.Put: "on_put",
        facts.Cancelled: "on_cancelled",
        facts.Armed: "on_armed",
        facts.Expired: "on_expired",
        facts.Woken: "on_wake",
        facts.Blocked: "on_block",
    }

    def reset(self) -> None:
        self.covered = [False] * self.config.vcpus

    def on_armed(self, f: facts.Armed) -> None:
        self.covered[f.vcpu] = f.expiry <= max(self.scene.deadline[f.vcpu], self.scene.now)

    def on_expired(self, f: facts.Expired) -> None:
        """It wakes, or arms again; until then the callback covers."""

    def on_wake(self, f: facts.Woken) -> None:
        """The scene keeps who is awake."""

    def on_block(self, f: facts.Blocked) -> None:
        scene, v = self.scene, f.vcpu
        if scene.sw_pending[v] and scene.enabled[v] and scene.pmr[v] > 0xA0:
            self.fail(
                f"VCPU {v} goes to sleep with vINTID {VTIMER_PPI} pending, enabled and let "
                f"through by the guest's priority mask ({scene.pmr[v]:#x})"
            )

    def on_cancelled(self, f: facts.Cancelled) -> None:
        self.covered[f.vcpu] = False
        self.check(f.vcpu)

    def on_put(self, f: facts.Put) -> None:
        self.check(f.vcpu)

    def check(self, v: int) -> None:
        scene = self.scene
        if not scene.asleep[v] or self.covered[v] or scene.ctl[v] != ENABLE:
            return
        if scene.lets_through(v):
            self.fail(
                f"VCPU {v} sleeps, its timer fires at {scene.deadline[v]} ns, and neither a soft "
                "timer nor a wake-up covers it"
            )


class I12(Rule):
    """What was injected is in a List Register at entry, or a kick is on its way."""

    id = "I12"
    section = "introduction, paragraph 2 (derived)"
    title = "no guest is entered with an injected interrupt left behind and no kick under way"
    needs = {
        facts.Injected: "on_inject",
        facts.Requested: "on_request",
        facts.RequestsChecked: "on_checked",
        facts.Kicked: "on_kick",
        facts.LrWritten: "on_written",
        facts.Entered: "on_entry",
    }

    def reset(self) -> None:
        self.left_behind = [False] * self.config.vcpus
        self.settled = [False] * self.config.vcpus

    @classmethod
    def applies(cls, config: Config) -> bool:
        return config.lrs >= 1

    def on_inject(self, f: facts.Injected) -> None:
        if f.accepted and f.vintid == VTIMER_PPI:
            self.left_behind[f.vcpu] = f.level
            self.settled[f.vcpu] = False

    def on_request(self, f: facts.Requested) -> None:
        self.settled[f.vcpu] = False

    def on_checked(self, f: facts.RequestsChecked) -> None:
        """A request seen at the loop's top is followed by a flush, which fills the register."""

    def on_kick(self, f: facts.Kicked) -> None:
        # The kicker saw that no IPI was needed: the thread itself must notice.
        self.settled[f.vcpu] = not f.ipi

    def on_written(self, f: facts.LrWritten) -> None:
        if f.after.vintid == VTIMER_PPI and f.after.state:
            for v in range(self.config.vcpus):
                if self.scene.loaded[f.cpu] == v:
                    self.left_behind[v] = False

    def on_entry(self, f: facts.Entered) -> None:
        v = f.vcpu
        if not (self.left_behind[v] and self.settled[v] and self.scene.enabled[v]):
            return
        if not self.scene.timer_lr(f.cpu).state:
            self.fail(
                f"VCPU {v} entered its guest on CPU {f.cpu} with vINTID {VTIMER_PPI} injected but "
                "in no List Register, and no kick is under way"
            )
