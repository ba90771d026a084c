"""Invariants of sleep and kicks: nobody sleeps on, or runs past, what it should be given."""

from model import facts
from model.gic.lr import PENDING
from model.gic.registers import (
    FIRST_SPI,
    HCR_LRENPIE,
    HCR_NPIE,
    HCR_UIE,
    SGIS,
)
from model.identity import BG_TIMER, CONFIG
from model.messages import VTIMER_PPI
from model.rules.rule import SCENE, Rule
from model.timer import ENABLE, PTIMER_PPI
from model.vgic.irq import PRIORITY

__all__ = ["I11", "I12"]

EXITS_BY_ITSELF = HCR_NPIE | HCR_UIE | HCR_LRENPIE
"""With one of these the guest's progress brings the exit at which the rest is looked at."""


class I11(Rule):
    """Blocking is sound: no sleep on a timer's deliverable interrupt, nor on an uncovered timer.

    (Of other interrupts that are slept on, L1, R27 and I6 know at rest.)

    The emulated physical timer must be covered in the guest, too: what it raised is injected, and
    for its next rise a soft timer is armed. (In 4.14 one that fires between the timer's flush and
    the entry is late until the next exit: finding F10.)
    """

    id = "I11"
    section = "The Architected Timer, first list, steps 5 to 8 (INV-COVER)"
    title = "a VCPU sleeps on no timer interrupt it could take, and its timer is covered meanwhile"
    needs = {
        facts.Put: "on_put",
        facts.Cancelled: "on_cancelled",
        facts.Armed: "on_armed",
        facts.Expired: "on_expired",
        facts.Woken: "on_woken",
        facts.Blocked: "on_block",
        facts.Resumed: "on_resumed",
        facts.LockReleased: "on_unlock",
        facts.Injected: SCENE,
        facts.GuestTimer: SCENE,
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
        if f.lock.kind == CONFIG:
            self.waking = -1

    def on_entry(self, f: facts.Entered) -> None:
        scene, v = self.scene, f.vcpu
        if self.era == "v7.2" and not scene.pcovered(v):
            self.fail(
                f"VCPU {v} entered its guest on CPU {f.pcpu} with its physical timer due at "
                f"{scene.pdeadline[v]} ns (it is {scene.now} ns), and neither an interrupt nor a "
                "soft timer stands for it"
            )

    def on_armed(self, f: facts.Armed) -> None:
        if f.timer != BG_TIMER:
            return
        self.covered[f.vcpu] = f.expiry <= max(self.scene.due(f.vcpu), self.scene.now)

    def on_expired(self, f: facts.Expired) -> None:
        """It wakes, or arms again; until then the callback covers."""

    def on_block(self, f: facts.Blocked) -> None:
        scene, v = self.scene, f.vcpu
        if scene.paused[v] or v == self.waking:
            return
        if scene.pmr[v] <= PRIORITY:
            return
        for vintid, deliverable in (
            (VTIMER_PPI, scene.sw_pending[v] and scene.enabled[v]),
            (PTIMER_PPI, scene.psw_pending[v] and scene.is_enabled(v, PTIMER_PPI)),
        ):
            if deliverable:
                self.fail(
                    f"VCPU {v} goes to sleep with vINTID {vintid} pending, enabled and let "
                    f"through by the guest's priority mask ({scene.pmr[v]:#x})"
                )

    def on_cancelled(self, f: facts.Cancelled) -> None:
        if f.timer != BG_TIMER:
            return
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
        facts.AckedByHost: "on_host_ack",
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
                self.where[f.vcpu, f.vintid] = (f.pcpu, self.in_isr[f.pcpu])
                if self.in_isr[f.pcpu]:
                    self.unkicked.append((f.pcpu, f.vcpu, f.vintid))

    def on_resample(self, f: facts.Resampled) -> None:
        if not f.level:
            self.forget(f.vcpu, f.vintid)

    def on_kick(self, f: facts.Kicked) -> None:
        self.unkicked = [x for x in self.unkicked if x[:2] != (f.pcpu, f.vcpu)]
        # With an IPI under way already a further kick sends none, and needs none.
        covered = self.ipi_sent[f.vcpu] = f.ipi or self.ipi_sent[f.vcpu]
        here = (f.pcpu, self.in_isr[f.pcpu])
        mine = [x for x in self.left_behind[f.vcpu] if self.where[f.vcpu, x] == here]
        others = [x for x in self.settled[f.vcpu] if x not in mine]
        self.settled[f.vcpu] = others if covered else others + mine

    def on_exit(self, f: facts.Exited) -> None:
        self.ipi_sent[f.vcpu] = False

    def on_host_ack(self, f: facts.AckedByHost) -> None:
        # The IPI has been taken, perhaps by an entry that was given up: it covers nothing later.
        v = self.scene.loaded[f.pcpu]
        if f.intid < SGIS and v >= 0:
            self.ipi_sent[v] = False

    def on_wake(self, f: facts.Woken) -> None:
        self.unkicked = [x for x in self.unkicked if x[1] != f.vcpu]

    def on_isr(self, f: facts.IsrBegan) -> None:
        self.in_isr[f.pcpu] = True

    def on_isr_end(self, f: facts.IsrEnded) -> None:
        self.in_isr[f.pcpu] = False
        late = [x for x in self.unkicked if x[0] == f.pcpu]
        if not late:
            return
        self.unkicked = [x for x in self.unkicked if x[0] != f.pcpu]
        for _, v, vintid in late:
            c = self.scene.guest_cpu[v]
            enabled = self.scene.is_enabled(v, vintid)
            if c >= 0 and enabled and vintid in self.left_behind[v]:
                self.fail(
                    f"CPU {f.pcpu} injected vINTID {vintid} while VCPU {v} ran its guest on CPU "
                    f"{c}, and ended its handler without a kick"
                )

    def on_written(self, f: facts.LrWritten) -> None:
        v = self.scene.loaded[f.pcpu]
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
        if self.scene.hcr[f.pcpu] & EXITS_BY_ITSELF:
            return
        for vintid in self.settled[f.vcpu]:
            if not self.scene.is_enabled(f.vcpu, vintid):
                continue
            held = [lr for lr in self.scene.used[f.pcpu].values() if lr.vintid == vintid]
            # One with the EOI bit makes the guest exit when it completes.
            if not any(lr.hw or lr.eoi or lr.state & PENDING for lr in held):
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {vintid} "
                    "injected but in no List Register, and no kick is under way"
                )
                return
