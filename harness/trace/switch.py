"""The world switch: load and put, entry and exit, timers in hardware, physical active states."""

from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.line import Record
from harness.trace.registers import Registers
from harness.trace.scene import Group, Handlers, Scene
from harness.trace.who import MANY
from model import facts
from model.facts.traced import ExitTraced, LeftArmed, LoadBegan, PhysActiveDone

__all__ = ["PUTS", "Switch"]

ACTIVE = 1
"""IRQCHIP_STATE_ACTIVE."""
PUTS: frozenset[type[Event]] = frozenset(
    {ev.TimerPut, ev.TimerMap, ev.TimerSave, ev.HrtimerStart, ev.HrtimerCancel, ev.PhysSet}
)
"""What belongs to a put that is under way."""


class Switch(Group):
    """Reads what happens to a VCPU's hardware; List Registers are in ``registers``."""

    def __init__(self, scene: Scene, registers: Registers) -> None:
        self.registers = registers
        self.candidates: dict[int, int] = {}
        """By pid, VCPUs at whose timers a thread was at work."""
        super().__init__(scene)

    def table(self) -> Handlers:
        """Return what reads which kind of event."""
        return {
            ev.VcpuLoad: self.load,
            ev.TimerLoad: self.load,
            ev.VcpuPut: self.put,
            ev.TimerPut: self.put,
            ev.TimerRestore: self.restore,
            ev.TimerSave: self.save,
            ev.TimerMap: self.timer_map,
            ev.MapIsActive: self.map_is_active,
            ev.PhysSet: self.phys_set,
            ev.GuestEntry: self.entry,
            ev.GuestExit: self.exit,
        }

    # -- load and put --------------------------------------------------------------------------

    def load(self, r: Record, e: ev.VcpuLoad | ev.TimerLoad) -> None:
        """A load begins."""
        scene = self.scene
        if not scene.own(r.where, e.vcpu):
            return
        vcpu = scene.vcpu(e.vcpu)
        if vcpu.loading and isinstance(e, ev.TimerLoad):
            return
        self.loaded(e.vcpu)
        for c, cpu in scene.cpus.items():
            # Nothing may have run there since.
            if cpu.putting == e.vcpu:
                self.end_put(c)
        vcpu.loading = True
        vcpu.pcpu = r.where.cpu
        vcpu.accesses = False
        vcpu.map_asked = -1
        scene.emit(LoadBegan(e.vcpu, r.where.cpu))

    def loaded(self, v: int) -> None:
        """A load has ended, if one was under way."""
        vcpu = self.scene.vcpu(v)
        if vcpu.loading:
            vcpu.loading = False
            self.scene.emit(facts.Loaded(v, vcpu.pcpu))

    def put(self, r: Record, e: ev.VcpuPut | ev.TimerPut) -> None:
        """A put begins."""
        scene = self.scene
        if not scene.own(r.where, e.vcpu):
            return
        self.loaded(e.vcpu)
        scene.vcpu(e.vcpu).on_cpu = -1
        cpu = scene.cpu(r.where.cpu)
        if cpu.putting != e.vcpu:
            self.end_put(r.where.cpu)
            cpu.putting = e.vcpu

    def end_put(self, c: int) -> None:
        """A put has ended, if one was under way there."""
        cpu = self.scene.cpus.get(c)
        if cpu is not None and cpu.putting >= 0:
            v, cpu.putting = cpu.putting, -1
            self.scene.emit(facts.Put(v, c))

    def restore(self, r: Record, e: ev.TimerRestore) -> None:
        """A timer is in hardware."""
        v = self.scene.runs(r.where)
        if v >= 0:
            self.loaded(v)
            self.scene.emit(facts.TimerRestored(v, e.timer, r.where.cpu, e.ctl, e.cval))

    def save(self, r: Record, e: ev.TimerSave) -> None:
        """A timer is in memory."""
        v = self.scene.runs(r.where)
        if v < 0:
            return
        if e.timer == 1:
            vcpu = self.scene.vcpu(v)
            vcpu.cval, vcpu.fires = e.cval, e.ctl & 3 == 1
        self.scene.emit(facts.TimerSaved(v, e.timer, r.where.cpu, e.ctl, e.cval, 0))

    def timer_map(self, r: Record, e: ev.TimerMap) -> None:
        """A thread at work on the timers of a VCPU: in thread context, of its own."""
        scene = self.scene
        if e.ev >= 0 or max(e.dv, e.dp, e.ep) > 1:
            scene.nested = True
        if scene.context(r.where) == r.where.pid and scene.runs(r.where) < 0:
            self.candidates[r.where.pid] = e.vcpu
            if len(self.candidates) > MANY:
                self.candidates.clear()

    # -- the physical active state -------------------------------------------------------------

    def map_is_active(self, r: Record, e: ev.MapIsActive) -> None:
        """A load asks whether the guest has the interrupt active."""
        if self.scene.own(r.where, e.vcpu):
            self.scene.vcpu(e.vcpu).map_asked = e.vintid

    def phys_set(self, r: Record, e: ev.PhysSet) -> None:
        """KVM writes a physical state."""
        if e.which != ACTIVE:
            return
        scene, c = self.scene, r.where.cpu
        scene.emit(PhysActiveDone(scene.context(r.where), e.val))
        v = scene.runs(r.where)
        if v >= 0 and (asked := scene.vcpu(v).map_asked) >= 0:
            scene.irqs.learn(e.irq, asked)
            scene.vcpu(v).map_asked = -1
        intid = scene.irqs.of(e.irq)
        if intid < 0:
            return
        if v >= 0:
            vcpu = scene.vcpu(v)
            if not e.val and vcpu.resample is not None:
                vintid, _ = vcpu.resample
                vcpu.resample = None
                scene.emit(facts.Resampled(v, vintid, level=False))
            elif vcpu.loading:
                scene.load_writes += 1
            elif not vcpu.folding and not vcpu.accesses:
                scene.other_writes += 1
            vcpu.accesses = False
            scene.emit(facts.PhysActiveWritten(v, c, intid, e.val))
        scene.emit(facts.ActiveChanged(c, intid, e.val, "write"))

    # -- entry and exit ------------------------------------------------------------------------

    def entry(self, r: Record, _e: ev.GuestEntry) -> None:
        """The guest is entered."""
        scene, c = self.scene, r.where.cpu
        v = scene.runs(r.where)
        if v < 0:
            v = self.candidates.get(r.where.pid, -1)
            if v < 0:
                return
        scene.threads.learn(r.where.pid, v)
        self.loaded(v)
        vcpu = scene.vcpu(v)
        vcpu.accesses = vcpu.blocks = False
        vcpu.pcpu = c
        scene.cpu(c).guest = v
        if scene.armed.pop(v, 0) > r.time:
            # One that is due may have fired on a CPU whose events have come to an end.
            scene.emit(LeftArmed(v, c))
        scene.emit(facts.Entered(v, c))

    def exit(self, r: Record, e: ev.GuestExit) -> None:
        """It was left."""
        scene, c = self.scene, r.where.cpu
        v = scene.runs(r.where)
        if v < 0:
            return
        self.registers.left(v, c, e.reason.lower())
        scene.emit(ExitTraced(v, c))
