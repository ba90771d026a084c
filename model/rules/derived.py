"""Invariants that the seed implies and the bugs of fifteen years taught (domain: I1 to I16)."""

from model import facts
from model.gic.lr import PENDING, PENDING_ACTIVE
from model.gic.registers import HCR_LRENPIE, HCR_NPIE, HCR_UIE
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule
from model.rules.scene import FIRST_SPI, VTIMER_BIT
from model.timer import ENABLE, PTIMER_PPI

__all__ = ["I1", "I2", "I3", "I10", "I11", "I12"]

EXITS_BY_ITSELF = HCR_NPIE | HCR_UIE | HCR_LRENPIE
"""With one of these the guest's progress brings the exit at which the rest is looked at."""


class I1(Rule):
    """INV-ACT: throughout a guest stay, a HW LR in use means an active physical interrupt."""

    id = "I1"
    section = "Edge and Level, last paragraph (INV-ACT)"
    title = "while a guest runs, every HW LR in use has its physical interrupt active on that CPU"
    needs = {facts.Entered: "on_entry", facts.ActiveChanged: "on_active", facts.LrMoved: SCENE}

    def on_entry(self, f: facts.Entered) -> None:
        self.check(f.cpu)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.after:
            return
        # An SPI's state is one for all CPUs.
        for c in range(self.config.pcpus) if f.cpu < 0 else (f.cpu,):
            if self.scene.guest[c] >= 0:
                self.check(c)

    def check(self, c: int) -> None:
        # Where an LR may stay active after its deactivation, only a pending one needs it.
        stays = self.config.lr_on_guest_deactivate in ("seed", "quirk")
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
    }

    def reset(self) -> None:
        self.folding = -1

    def on_fold(self, f: facts.Folded) -> None:
        if f.vintid == VTIMER_PPI and self.era == "lazy":
            self.folding = f.vcpu

    def on_unlock(self, f: facts.LockReleased) -> None:
        v, scene = self.folding, self.scene
        if v < 0 or f.lock != f"irq{v}":
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
    needs = {facts.Entered: "on_entry", facts.LrWritten: SCENE}

    def on_entry(self, f: facts.Entered) -> None:
        for i, lr in self.scene.used[f.cpu].items():
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
        facts.Loaded: "on_load",
        facts.LineChanged: "on_line",
        facts.ActiveChanged: "on_active",
    }

    def reset(self) -> None:
        self.orphan = [0] * self.config.pcpus
        self.loads = [0] * self.config.pcpus

    def on_load(self, f: facts.Loaded) -> None:
        # The next load is what clears it in era lazy: it gets its chance.
        self.loads[f.cpu] += 1

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
        v = f.vcpu
        kept = scene.timer_lr(c).state or scene.sw_active[v] or scene.sw_pending[v]
        if held and not kept:
            if not self.orphan[c]:
                self.loads[c] = 0
            self.orphan[c] += 1
            if self.orphan[c] > 1 and (self.era == "seed" or self.loads[c]):
                self.fail(
                    f"INTID {VTIMER_PPI} is active on CPU {c} over two stays of VCPU {v}, "
                    "its line is low and no List Register will deactivate it"
                )
        else:
            self.orphan[c] = 0


class I11(Rule):
    """Blocking is sound: no sleep on a deliverable interrupt, nor on an uncovered timer.

    The emulated physical timer must be covered in the guest, too: what it raised is injected, and
    for its next rise a soft timer is armed. (In 4.14 one that fires between the timer's flush and
    the entry is late until the next exit: finding F10.)
    """

    id = "I11"
    section = "The Architected Timer, first list, steps 5 to 8 (INV-COVER)"
    title = "a VCPU sleeps on no deliverable interrupt, and its timer is covered meanwhile"
    needs = {
        facts.Put: "on_put",
        facts.Cancelled: "on_cancelled",
        facts.Armed: "on_armed",
        facts.Expired: "on_expired",
        facts.Woken: "on_woken",
        facts.Blocked: "on_block",
        facts.Resumed: "on_resumed",
        facts.LockReleased: "on_unlock",
        facts.EmulationArmed: SCENE,
        facts.EmulationCancelled: SCENE,
        facts.EmulationExpired: SCENE,
        facts.Injected: SCENE,
        facts.GuestPtimer: SCENE,
        facts.Entered: "on_entry",
    }

    def reset(self) -> None:
        self.covered = [False] * self.config.vcpus
        self.waking = -1

    def on_resumed(self, f: facts.Resumed) -> None:
        # Whoever is let go on is woken right after.
        self.waking = f.resumed

    def on_woken(self, f: facts.Woken) -> None:
        if f.vcpu == self.waking:
            self.waking = -1

    def on_unlock(self, f: facts.LockReleased) -> None:
        if f.lock == "dist":
            self.waking = -1

    def on_entry(self, f: facts.Entered) -> None:
        scene, v = self.scene, f.vcpu
        if self.era == "lazy" and not scene.pcovered(v):
            self.fail(
                f"VCPU {v} entered its guest on CPU {f.cpu} with its physical timer due at "
                f"{scene.pdeadline[v]} ns (it is {scene.now} ns), and neither an interrupt nor a "
                "soft timer stands for it"
            )

    def on_armed(self, f: facts.Armed) -> None:
        self.covered[f.vcpu] = f.expiry <= max(self.scene.due(f.vcpu), self.scene.now)

    def on_expired(self, f: facts.Expired) -> None:
        """It wakes, or arms again; until then the callback covers."""

    def on_block(self, f: facts.Blocked) -> None:
        scene, v = self.scene, f.vcpu
        if scene.paused[v] or v == self.waking:
            return
        if scene.sw_pending[v] and scene.enabled[v] and scene.pmr[v] > 0xA0:
            self.fail(
                f"VCPU {v} goes to sleep with vINTID {VTIMER_PPI} pending, enabled and let "
                f"through by the guest's priority mask ({scene.pmr[v]:#x})"
            )

        if scene.psw_pending[v] and scene.is_enabled(v, PTIMER_PPI) and scene.pmr[v] > 0xA0:
            self.fail(
                f"VCPU {v} goes to sleep with vINTID {PTIMER_PPI} pending, enabled and let "
                f"through by the guest's priority mask ({scene.pmr[v]:#x})"
            )

    def on_cancelled(self, f: facts.Cancelled) -> None:
        self.covered[f.vcpu] = False
        self.check(f.vcpu)

    def on_put(self, f: facts.Put) -> None:
        self.check(f.vcpu)

    def check(self, v: int) -> None:
        scene = self.scene
        if not scene.asleep[v] or self.covered[v]:
            return
        if scene.ctl[v] == ENABLE and scene.lets_through(v):
            self.fail(
                f"VCPU {v} sleeps, its timer fires at {scene.deadline[v]} ns, and neither a soft "
                "timer nor a wake-up covers it"
            )
        if scene.pctl[v] == ENABLE and scene.lets_through(v, PTIMER_PPI):
            self.fail(
                f"VCPU {v} sleeps, its physical timer fires at {scene.pdeadline[v]} ns, and "
                "neither a soft timer nor a wake-up covers it"
            )


class I12(Rule):
    """What was injected is in a List Register at entry, or a kick is on its way."""

    id = "I12"
    section = "introduction, paragraph 2 (derived)"
    title = "no guest is entered with an injected interrupt left behind and no kick under way"
    needs = {
        facts.Injected: "on_inject",
        facts.Resampled: "on_resample",
        facts.Kicked: "on_kick",
        facts.Woken: "on_wake",
        facts.IsrBegan: "on_isr",
        facts.IsrEnded: "on_isr_end",
        facts.LrWritten: "on_written",
        facts.Exited: "on_exit",
        facts.Entered: "on_entry",
        facts.HcrWritten: SCENE,
        facts.Queued: "on_queue",
        facts.RegisterWritten: "on_register",
        facts.Retargeted: "on_retarget",
    }

    def reset(self) -> None:
        # Per VCPU: what was injected (vINTID and where) and is in no List Register yet, and what of
        # it its injector left to the thread to notice (it was not in its guest: no IPI was sent).
        # Where: the CPU, and whether in a handler, which may have interrupted another injector.
        self.where: dict[tuple[int, int], tuple[int, bool]] = {}
        self.in_isr = [False] * self.config.pcpus
        self.left_behind: list[list[int]] = [[] for _ in range(self.config.vcpus)]
        self.settled: list[list[int]] = [[] for _ in range(self.config.vcpus)]
        self.unkicked: list[tuple[int, int, int]] = []
        self.ipi_sent = [False] * self.config.vcpus

    def forget(self, v: int, vintid: int) -> None:
        """Drop an interrupt that needs no more looking after."""
        for waiting in (self.left_behind[v], self.settled[v]):
            if vintid in waiting:
                waiting.remove(vintid)

    def on_inject(self, f: facts.Injected) -> None:
        if f.accepted:
            self.forget(f.vcpu, f.vintid)
            if f.level:
                self.left_behind[f.vcpu].append(f.vintid)
                self.where[f.vcpu, f.vintid] = (f.cpu, self.in_isr[f.cpu])
                if self.in_isr[f.cpu]:
                    self.unkicked.append((f.cpu, f.vcpu, f.vintid))

    def on_resample(self, f: facts.Resampled) -> None:
        if not f.level:
            self.forget(f.vcpu, f.vintid)

    def on_kick(self, f: facts.Kicked) -> None:
        self.unkicked = [x for x in self.unkicked if x[:2] != (f.cpu, f.vcpu)]
        # With an IPI under way already a further kick sends none, and needs none.
        covered = self.ipi_sent[f.vcpu] = f.ipi or self.ipi_sent[f.vcpu]
        here = (f.cpu, self.in_isr[f.cpu])
        mine = [x for x in self.left_behind[f.vcpu] if self.where[f.vcpu, x] == here]
        others = [x for x in self.settled[f.vcpu] if x not in mine]
        self.settled[f.vcpu] = others if covered else others + mine

    def on_exit(self, f: facts.Exited) -> None:
        self.ipi_sent[f.vcpu] = False

    def on_wake(self, f: facts.Woken) -> None:
        self.unkicked = [x for x in self.unkicked if x[1] != f.vcpu]

    def on_isr(self, f: facts.IsrBegan) -> None:
        self.in_isr[f.cpu] = True

    def on_isr_end(self, f: facts.IsrEnded) -> None:
        self.in_isr[f.cpu] = False
        late = [x for x in self.unkicked if x[0] == f.cpu]
        if not late:
            return
        self.unkicked = [x for x in self.unkicked if x[0] != f.cpu]
        for _, v, vintid in late:
            c = self.scene.guest_cpu[v]
            enabled = self.scene.is_enabled(v, vintid)
            if c >= 0 and enabled and vintid in self.left_behind[v]:
                self.fail(
                    f"CPU {f.cpu} injected vINTID {vintid} while VCPU {v} ran its guest on CPU "
                    f"{c}, and ended its handler without a kick"
                )

    def on_written(self, f: facts.LrWritten) -> None:
        v = self.scene.loaded[f.cpu]
        if v >= 0 and f.after.state & PENDING:
            self.forget(v, f.after.vintid)

    def on_queue(self, f: facts.Queued) -> None:
        # An SPI goes where it is routed to when it is queued, whatever was known before.
        for v in range(self.config.vcpus):
            if v != f.vcpu and f.vintid >= FIRST_SPI and f.vintid in self.left_behind[v]:
                self.forget(v, f.vintid)
                self.left_behind[f.vcpu].append(f.vintid)
                self.where[f.vcpu, f.vintid] = self.where[v, f.vintid]

    def on_register(self, f: facts.RegisterWritten) -> None:
        if f.register in ("icpendr", "icenabler", "reset"):
            for v in range(self.config.vcpus) if f.vintid >= FIRST_SPI else (f.owner,):
                self.forget(v, f.vintid)

    def on_retarget(self, f: facts.Retargeted) -> None:
        # What it is queued for must give it up first, at its next exit; nobody kicks for that.
        for v in range(self.config.vcpus):
            self.forget(v, f.vintid)

    def on_entry(self, f: facts.Entered) -> None:
        if self.scene.hcr[f.cpu] & EXITS_BY_ITSELF:
            return
        for vintid in self.settled[f.vcpu]:
            if not self.scene.is_enabled(f.vcpu, vintid):
                continue
            held = [lr for lr in self.scene.used[f.cpu].values() if lr.vintid == vintid]
            # One with the EOI bit makes the guest exit when it completes.
            if not any(lr.hw or lr.eoi or lr.state & PENDING for lr in held):
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.cpu} with vINTID {vintid} "
                    "injected but in no List Register, and no kick is under way"
                )
                return
