"""Scheduling, blocking, soft timers, the host's interrupts."""

from harness.trace import events as ev
from harness.trace.counter import Counter
from harness.trace.line import Record
from harness.trace.scene import Group, Handlers, Scene
from model import facts
from model.facts.traced import CallbackEnded, ContextLeft, DeadlineSet, SwitchedOut
from model.identity import BG_TIMER

__all__ = ["Sleep"]

BG = "kvm_bg_timer_expire"
SLEEPS = ("S", "D")
ENDS = ("X", "Z")
TIMERS = 4096
"""So many soft timers are remembered."""


class Sleep(Group):
    """Reads who runs, who sleeps, what wakes whom."""

    def __init__(self, scene: Scene) -> None:
        self.owner: dict[int, int] = {}
        """Whose background timer an hrtimer is."""
        self.ended: dict[int, tuple[int, int, int]] = {}
        """By context: a callback that has ended, its timer, its VCPU, its CPU."""
        self.counter = Counter()
        super().__init__(scene)

    def table(self) -> Handlers:
        """Return what reads which kind of event."""
        return {
            ev.Switch: self.switch,
            ev.Waking: self.waking,
            ev.Wakeup: self.waking,
            ev.VcpuWakeUp: self.wake_up,
            ev.Wfx: self.wfx,
            ev.VcpuBlock: self.block,
            ev.VcpuBlocking: self.block,
            ev.VcpuBlockRet: self.unblock,
            ev.VcpuWakeup: self.unblock,
            ev.HrtimerStart: self.start,
            ev.HrtimerCancel: self.cancel,
            ev.HrtimerExpire: self.expire,
            ev.HrtimerDone: self.done,
            ev.IrqEntry: self.irq_entry,
            ev.IrqExit: self.irq_exit,
        }

    def forget(self) -> None:
        """Events were lost."""
        self.owner.clear()
        self.ended.clear()
        self.counter.forget()

    # -- threads -------------------------------------------------------------------------------

    def switch(self, r: Record, e: ev.Switch) -> None:
        """A CPU goes from one thread to another."""
        scene, c = self.scene, r.where.cpu
        context = scene.context(r.where)
        if scene.awaiting.pop(context, None) is not None:
            scene.emit(ContextLeft(context))
        v = scene.threads.of(e.prev_pid, e.prev_comm)
        if v >= 0:
            vcpu = scene.vcpu(v)
            vcpu.on_cpu = -1
            scene.emit(SwitchedOut(v, c))
            state = e.prev_state[:1]
            if state == "S" and vcpu.blocks:
                vcpu.asleep = True
                scene.emit(facts.Blocked(v))
            if state in ENDS:
                scene.threads.died(e.prev_pid)
                scene.vcpus.pop(v, None)
        v = scene.threads.of(e.next_pid, e.next_comm)
        if v >= 0:
            scene.at(v, c)
            vcpu = scene.vcpu(v)
            self.woken(v)
            scene.emit(facts.Placed(v, vcpu.pcpu, c))
            vcpu.pcpu = c

    def woken(self, v: int) -> None:
        """It is awake."""
        vcpu = self.scene.vcpu(v)
        if vcpu.asleep:
            vcpu.asleep = False
            self.scene.emit(facts.Woken(v))

    def waking(self, _r: Record, e: ev.Waking | ev.Wakeup) -> None:
        """A thread is woken."""
        v = self.scene.threads.vcpu.get(e.pid, -1)
        if v >= 0:
            self.woken(v)

    def wake_up(self, _r: Record, e: ev.VcpuWakeUp) -> None:
        """KVM wakes a VCPU."""
        self.woken(e.vcpu)

    def wfx(self, r: Record, e: ev.Wfx) -> None:
        """A guest waits for an interrupt: it may block."""
        v = self.scene.runs(r.where)
        if v >= 0 and e.wfi:
            self.scene.vcpu(v).blocks = True

    def block(self, r: Record, e: ev.VcpuBlock | ev.VcpuBlocking) -> None:
        """It blocks."""
        if self.scene.own(r.where, e.vcpu):
            self.scene.vcpu(e.vcpu).blocks = True

    def unblock(self, r: Record, _e: ev.VcpuBlockRet | ev.VcpuWakeup) -> None:
        """It goes on."""
        v = self.scene.runs(r.where)
        if v < 0:
            return
        vcpu = self.scene.vcpu(v)
        if vcpu.blocks:
            vcpu.blocks = vcpu.asleep = False
            self.scene.emit(facts.Unblocked(v))

    # -- soft timers ---------------------------------------------------------------------------

    def start(self, r: Record, e: ev.HrtimerStart) -> None:
        """A soft timer is armed: a background timer by its VCPU's thread, or again by itself."""
        scene = self.scene
        context = scene.context(r.where)
        ended = self.ended.pop(context, None)
        if ended is not None:
            timer, v, c = ended
            scene.emit(CallbackEnded(v, c, restarted=timer == e.hrtimer))
        if e.function != BG:
            return
        v = scene.runs(r.where)
        if v < 0:
            # By whom it is armed in a put under way in another context, its owner tells.
            v = self.putting(r)
        if v < 0:
            return
        if len(self.owner) < TIMERS or e.hrtimer in self.owner:
            self.owner[e.hrtimer] = v
        scene.emit(facts.Armed(v, BG_TIMER, r.where.cpu, e.expires))
        scene.armed[v] = e.expires
        vcpu = scene.vcpu(v)
        if vcpu.fires and e.expires > r.time:
            self.counter.learn(vcpu.cval, e.expires)
            due = self.counter.due(vcpu.cval)
            if due is not None:
                scene.emit(DeadlineSet(v, e.expires, due))

    def putting(self, r: Record) -> int:
        """Return the VCPU whose put is under way on this CPU, in thread context; or -1."""
        if self.scene.context(r.where) < 0 and r.where.pid:
            return -1
        cpu = self.scene.cpus.get(r.where.cpu)
        return cpu.putting if cpu is not None else -1

    def cancel(self, _r: Record, e: ev.HrtimerCancel) -> None:
        """A soft timer is cancelled."""
        v = self.owner.get(e.hrtimer, -1)
        if v >= 0:
            self.scene.armed.pop(v, None)
            self.scene.emit(facts.Cancelled(v, BG_TIMER, armed=True))

    def expire(self, r: Record, e: ev.HrtimerExpire) -> None:
        """A soft timer's callback begins."""
        v = self.owner.get(e.hrtimer, -1)
        if v >= 0 and e.function == BG:
            self.scene.armed.pop(v, None)
            self.scene.emit(facts.Expired(v, BG_TIMER, r.where.cpu, early=False))

    def done(self, r: Record, e: ev.HrtimerDone) -> None:
        """It ends; whether it is started again the next event in this context tells."""
        v = self.owner.get(e.hrtimer, -1)
        if v >= 0:
            self.ended[self.scene.context(r.where)] = (e.hrtimer, v, r.where.cpu)

    def settle(self, context: int) -> None:
        """The next event in this context is no start of that timer."""
        _, v, c = self.ended.pop(context)
        self.scene.emit(CallbackEnded(v, c, restarted=False))

    # -- interrupts ----------------------------------------------------------------------------

    def irq_entry(self, r: Record, e: ev.IrqEntry) -> None:
        """The host has acknowledged an interrupt: it is active."""
        scene, c = self.scene, r.where.cpu
        cpu = scene.cpu(c)
        cpu.irqs += 1
        if cpu.guest >= 0:
            scene.emit(facts.Exited(cpu.guest, c, "irq", -1))
            cpu.guest = -1
        intid = scene.irqs.of(e.irq, e.name)
        if intid >= 0:
            scene.emit(facts.AckedByHost(c, intid))
            scene.emit(facts.ActiveChanged(c, intid, after=True, cause="ack"))
            scene.emit(facts.IsrBegan(c, intid))

    def irq_exit(self, r: Record, e: ev.IrqExit) -> None:
        """The host's handler has ended."""
        cpu = self.scene.cpu(r.where.cpu)
        cpu.irqs = max(0, cpu.irqs - 1)
        intid = self.scene.irqs.of(e.irq)
        if intid >= 0:
            self.scene.emit(facts.IsrEnded(r.where.cpu, intid, None))
