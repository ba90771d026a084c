"""List Registers: what is to go into them, what they hold at entry and exit, the fold."""

from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.line import Record
from harness.trace.scene import Cpu, Group, Handlers
from model import facts
from model.check.views.handlings import TIMER_OF
from model.facts.traced import FlushOwes, FoldEnded, Populated, ResampleCalled, SoftwareSeen
from model.gic.lr import ACTIVE, EMPTY, PENDING, PENDING_ACTIVE, Lr, decode_v2, decode_v3
from model.messages import VTIMER_PPI

__all__ = ["FOLD_ENDS", "Registers"]

LRS_MAX = 16
V2_BITS = 32
STEPS = {
    (PENDING, ACTIVE): (("iar", ACTIVE),),
    (PENDING, 0): (("iar", ACTIVE), ("eoir", 0)),
    (ACTIVE, 0): (("eoir", 0),),
    (PENDING_ACTIVE, PENDING): (("eoir", PENDING),),
    (PENDING_ACTIVE, ACTIVE): (("eoir", PENDING), ("iar", ACTIVE)),
    (PENDING_ACTIVE, 0): (("eoir", PENDING), ("iar", ACTIVE), ("eoir", 0)),
}
"""By what way a guest takes a List Register from one state to another."""
FOLD_ENDS: frozenset[type[Event]] = frozenset(
    {ev.GuestExit, ev.GuestEntry, ev.Flush, ev.Sync, ev.Switch, ev.VcpuPut, ev.LrEntry, ev.LrExit}
)
"""With these in its thread a fold is over; so it is with any interrupt, for it masks them."""


class Registers(Group):
    """Reads flush, entry, fold; ``mapped`` counts mappings that were learned."""

    mapped = 0

    def table(self) -> Handlers:
        """Return what reads which kind of event."""
        return {
            ev.Flush: self.flush,
            ev.Populate: self.populate,
            ev.LrEntry: self.lr_entry,
            ev.Sync: self.sync,
            ev.LrExit: self.lr_exit,
            ev.Resample: self.resample,
        }

    # -- before the entry ----------------------------------------------------------------------

    def flush(self, r: Record, e: ev.Flush) -> None:
        """A flush begins; the software state is as it is now."""
        scene = self.scene
        if scene.runs(r.where) < 0:
            scene.threads.learn(r.where.pid, e.vcpu)
        if not scene.own(r.where, e.vcpu):
            return
        scene.vcpu(e.vcpu).populated = []
        if None not in (e.v_line, e.v_latch, e.v_active, e.v_en):
            scene.emit(
                SoftwareSeen(
                    e.vcpu, VTIMER_PPI, bool(e.v_en), bool(e.v_active), bool(e.v_line),
                    bool(e.v_latch),
                )
            )  # fmt: skip
            if e.v_en and (e.v_line or e.v_latch) and scene.distributor_on:
                scene.emit(FlushOwes(e.vcpu, VTIMER_PPI))

    def populate(self, r: Record, e: ev.Populate) -> None:
        """A List Register is filled."""
        scene = self.scene
        if not scene.own(r.where, e.vcpu):
            return
        scene.distributor_on = True
        scene.version = e.version
        if e.hw and e.hwintid >= 0 and scene.irqs.map(e.intid, e.hwintid):
            self.mapped += 1
        populated = scene.vcpu(e.vcpu).populated
        if len(populated) < LRS_MAX:
            populated.append(e)

    def lr_entry(self, r: Record, e: ev.LrEntry) -> None:
        """The registers are what the guest will find."""
        scene, c = self.scene, r.where.cpu
        if not scene.own(r.where, e.vcpu):
            return
        shown = min(e.used, len(e.lrs))
        vcpu = scene.vcpu(e.vcpu)
        for p in vcpu.populated:
            known = None not in (p.line, p.latch, p.active, p.hw)
            if known and p.lr < shown and (not p.hw or p.hwintid >= 0):
                intid = p.hwintid if p.hw else -1
                pending = bool(p.latch or (p.line and p.cfg))
                scene.emit(Populated(e.vcpu, c, p.lr, p.intid, intid, pending, bool(p.active)))
        vcpu.populated = []
        if e.hcr >= 0:
            scene.emit(facts.HcrWritten(c, e.hcr))
        cpu = scene.cpu(c)
        for i in range(LRS_MAX):
            if i < shown:
                self.write(cpu, c, i, self.decode(e.lrs[i]))
            elif i >= e.used:
                self.write(cpu, c, i, EMPTY)

    def write(self, cpu: Cpu, c: int, i: int, after: Lr) -> None:
        """Say that a register was written, if it holds something else, or what is not known."""
        before = cpu.lrs.get(i)
        if before != after:
            cpu.lrs[i] = after
            self.scene.emit(facts.LrWritten(c, i, EMPTY if before is None else before, after))

    def decode(self, value: int) -> Lr:
        """Return what a register holds."""
        version = self.scene.version or (3 if value >> V2_BITS else 2)
        return decode_v2(value & 0xFFFF_FFFF) if version == 2 else decode_v3(value)

    # -- after the exit ------------------------------------------------------------------------

    def left(self, v: int, c: int, reason: str) -> None:
        """The guest was left, if it ran still."""
        cpu = self.scene.cpu(c)
        if cpu.guest == v:
            cpu.guest = -1
            self.scene.emit(facts.Exited(v, c, reason, -1))

    def sync(self, r: Record, e: ev.Sync) -> None:
        """A sync begins; without registers in use there is no fold to follow."""
        if self.scene.own(r.where, e.vcpu):
            self.scene.vcpu(e.vcpu).populated = []

    def lr_exit(self, r: Record, e: ev.LrExit) -> None:
        """The registers are what the guest left, and are folded."""
        scene, c, v = self.scene, r.where.cpu, e.vcpu
        if not scene.own(r.where, v):
            return
        scene.version = e.version
        cpu = scene.cpu(c)
        found = [self.decode(value) for value in e.lrs[: e.used]]
        if cpu.guest == v:
            for i, lr in enumerate(found):
                self.moved(cpu, c, i, lr)
            self.left(v, c, "")
        for i, lr in enumerate(found):
            cpu.lrs[i] = lr
            # What is read back is in use no more.
            self.write(cpu, c, i, EMPTY)
        for lr in found:
            timer = lr.vintid == VTIMER_PPI
            line, latch = bool(timer and e.v_line), bool(timer and e.v_latch)
            active = bool(lr.state & ACTIVE)
            scene.emit(facts.Folded(v, lr.vintid, lr.state, active, line, latch))
        if found:
            scene.vcpu(v).folding = True
            scene.folding[r.where.pid] = v

    def moved(self, cpu: Cpu, c: int, i: int, after: Lr) -> None:
        """Say what the guest did with a register, from what it was at the entry."""
        before = cpu.lrs.get(i)
        if before is None or before.vintid != after.vintid or before.state == after.state:
            return
        scene = self.scene
        way = STEPS.get((before.state, after.state), (("eoir", after.state),))
        for access, state in way:
            lr = Lr(
                after.vintid, state, after.hw, after.pintid, after.priority, after.group,
                after.eoi, after.source,
            )  # fmt: skip
            scene.emit(facts.LrMoved(c, i, access, before, lr))
            before = lr
            if access == "iar":
                scene.emit(facts.AckedByGuest(c, lr.vintid))
            else:
                scene.emit(facts.DeactivatedByGuest(c, lr.vintid))
                if lr.hw:
                    scene.emit(facts.ActiveChanged(c, lr.pintid, after=False, cause="deactivate"))

    def resample(self, r: Record, e: ev.Resample) -> None:
        """The fold looks at one of them."""
        scene = self.scene
        v = scene.runs(r.where)
        if v < 0:
            return
        self.settle(v)
        # Of a fold that began before the trace, too.
        scene.folding[r.where.pid] = v
        known = e.hw is not None and e.lr_pend is not None and e.lr_deact is not None
        if not known:
            return
        asked = bool(e.hw and (e.lr_pend or (e.lr_deact and e.line)))
        scene.emit(ResampleCalled(v, e.intid, asked))
        if e.hw and e.intid in TIMER_OF:
            scene.vcpu(v).resample = (e.intid, asked)

    def settle(self, v: int) -> None:
        """The line was read by now: what was not retired is high."""
        vcpu = self.scene.vcpu(v)
        if vcpu.resample is not None:
            (vintid, asked), vcpu.resample = vcpu.resample, None
            if asked:
                self.scene.emit(facts.Resampled(v, vintid, level=True))

    def end_fold(self, v: int) -> None:
        """The fold is over."""
        self.settle(v)
        vcpu = self.scene.vcpu(v)
        if vcpu.folding:
            vcpu.folding = False
            self.scene.emit(FoldEnded(v))
