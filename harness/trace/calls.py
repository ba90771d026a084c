"""Levels, injections, queueing and kicks: calls that come in pairs within one context."""

from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.line import Record
from harness.trace.scene import Group, Handlers, Scene
from model import facts
from model.check.views.handlings import TIMER_OF
from model.facts.traced import (
    KickCalled,
    LevelGiven,
    LevelTaken,
    PhysActiveAsked,
    QueueDecided,
)
from model.identity import VTIMER

__all__ = ["Calls"]

INJECTS: frozenset[type[Event]] = frozenset({ev.Inject, ev.UpdatePending})
KICKS: frozenset[type[Event]] = frozenset({ev.VcpuKick})
WAKES: frozenset[type[Event]] = frozenset({ev.VcpuWakeUp, ev.Waking, ev.Wakeup})
WRITES: frozenset[type[Event]] = frozenset({ev.PhysSet})
PAGE = 0xFFF
STATES = range(0x180, 0x400)
"""Where, in a page of a distributor or redistributor, enables, pending and active states are."""
DIR = "SYS_ICC_DIR_EL1"
CPU_OFF = 0x8400_0002
HARMLESS = "KVM_EXIT_MMIO"
"""The exit to user space from which it comes back without having changed timers or interrupts."""


class Calls(Group):
    """Reads what is given to the vgic, and who is kicked for it."""

    def __init__(self, scene: Scene) -> None:
        self.control_by = -1
        """The thread that wrote last to what may be the distributor's control register (-1)."""
        super().__init__(scene)

    def table(self) -> Handlers:
        """Return what reads which kind of event."""
        return {
            ev.TimerUpdate: self.update,
            ev.UpdatePending: self.pending,
            ev.QueueIrq: self.queue,
            ev.VcpuKick: self.kick,
            ev.Mmio: self.mmio,
            ev.MmioChangeActive: self.change_active,
            ev.SetPhysActive: self.set_active,
            ev.SetPhysPending: self.set_pending,
            ev.ResetMapped: self.reset,
            ev.UnmapPhys: self.reset,
            ev.MapPhys: self.map_phys,
            ev.UserspaceExit: self.user,
            ev.Hvc: self.hvc,
            ev.GuestDir: self.guest_dir,
            ev.SysAccess: self.sys_access,
        }

    def update(self, r: Record, e: ev.TimerUpdate) -> None:
        """The timer gives a level."""
        scene = self.scene
        context = scene.context(r.where)
        if context == r.where.pid:
            scene.own(r.where, e.vcpu, sure=False)
        scene.emit(LevelGiven(context, e.vcpu, e.intid, e.level))
        timer = TIMER_OF.get(e.intid)
        if timer == VTIMER and e.vcpu in scene.vcpus and scene.vcpus[e.vcpu].loading:
            scene.load_reports += 1
        if timer is not None:
            scene.emit(facts.TimerRead(e.vcpu, timer, "", e.level))
        scene.await_in(context, INJECTS)

    def pending(self, r: Record, e: ev.UpdatePending) -> None:
        """The vgic takes one."""
        scene = self.scene
        context = scene.context(r.where)
        scene.emit(LevelTaken(context, e.vcpu, e.intid, e.level))
        scene.emit(facts.Injected(r.where.cpu, e.vcpu, e.intid, e.level, accepted=True))
        scene.awaiting.pop(context, None)

    def queue(self, r: Record, e: ev.QueueIrq) -> None:
        """An interrupt may be deliverable: then its VCPU is kicked.

        Not while the guest has its distributor off, which no event tells: once a List Register is
        filled it is on.
        """
        scene = self.scene
        deliverable = e.enabled and (e.line or e.latch) and not e.active
        if deliverable and e.tgt_id >= 0 and scene.distributor_on:
            context = scene.context(r.where)
            scene.emit(QueueDecided(context, e.tgt_id, e.intid))
            scene.await_in(context, KICKS)

    def kick(self, r: Record, e: ev.VcpuKick) -> None:
        """A VCPU is kicked: if it sleeps, it is woken."""
        scene = self.scene
        context = scene.context(r.where)
        scene.emit(KickCalled(context, e.vcpu))
        scene.await_in(context, WAKES)

    # -- what changes interrupts behind the back of these events -------------------------------

    def mmio(self, r: Record, e: ev.Mmio) -> None:
        """A guest may write to its distributor, wherever that is."""
        if e.kind != "write":
            return
        if e.gpa & PAGE == 0 and self.scene.distributor_on:
            self.scene.distributor_on = False
            self.control_by = r.where.pid
        if e.gpa & PAGE in STATES:
            self.scene.meddled()

    def change_active(self, r: Record, _e: ev.MmioChangeActive) -> None:
        """A guest writes an active state."""
        self.scene.meddled()
        self.access(r)

    def set_active(self, r: Record, e: ev.SetPhysActive) -> None:
        """A physical active state is to be written, for a guest's access or by a fold."""
        scene = self.scene
        v = scene.runs(r.where)
        if v < 0 or not scene.vcpu(v).folding:
            scene.meddled()
            self.access(r)
        context = scene.context(r.where)
        scene.emit(PhysActiveAsked(context, v, e.intid, e.val))
        scene.await_in(context, WRITES)

    def set_pending(self, r: Record, _e: ev.SetPhysPending) -> None:
        """An access of a guest is carried out in the distributor."""
        self.scene.meddled()
        self.access(r)

    def access(self, r: Record) -> None:
        """Note that this thread writes physical states for its guest's access."""
        v = self.scene.runs(r.where)
        if v >= 0:
            self.scene.vcpu(v).accesses = True

    def reset(self, _r: Record, _e: ev.ResetMapped | ev.UnmapPhys) -> None:
        """A VCPU is reset."""
        self.scene.meddled()

    def map_phys(self, _r: Record, e: ev.MapPhys) -> None:
        """A timer's interrupt is mapped to the host's."""
        self.scene.irqs.learn(e.host_irq, e.vintid)

    def user(self, r: Record, e: ev.UserspaceExit) -> None:
        """User space may change anything."""
        v = self.scene.runs(r.where)
        if r.where.pid == self.control_by:
            # What goes to user space was not for the distributor.
            self.scene.distributor_on = True
            self.control_by = -1
        if v < 0:
            return
        if e.reason != HARMLESS:
            self.scene.meddled()
        vcpu = self.scene.vcpu(v)
        vcpu.blocks = False
        self.scene.emit(facts.UserLeft(v))

    def guest_dir(self, _r: Record, _e: ev.GuestDir) -> None:
        """A trapped DIR: what is active outside the List Registers, of any VCPU, may be no more."""
        self.scene.meddled()

    def sys_access(self, _r: Record, e: ev.SysAccess) -> None:
        """A system register trapped; if it is DIR, as above."""
        if e.register == DIR:
            self.scene.meddled()

    def hvc(self, _r: Record, e: ev.Hvc) -> None:
        """A VCPU may be powered off."""
        if e.r0 == CPU_OFF:
            self.scene.meddled()
