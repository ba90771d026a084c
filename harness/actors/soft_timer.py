"""The soft timers of a VCPU: an hrtimer, and before 4.15 the work item it queues.

An hrtimer's callback is an interrupt of the CPU where it was armed: the same masking, the same
forced exit. Its work item runs in a worker thread. That worker is modelled without a CPU of its
own: it is never held up by one, as if there were always another CPU free for it. A VCPU whose guest
uses the physical timer has another hrtimer, without a work item, for its emulation.
"""

from typing import TYPE_CHECKING

from harness.actors.context import Context
from harness.contract import Op
from harness.engine.execution import Slot
from model import facts
from model.gic.registers import IDLE
from model.host.thread import HrTimer
from model.identity import BG_TIMER, PTIMER, Actor
from model.part import bits_of

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make", "make_emulation"]

FIRE_R = "timer* vif* clock bank* cpuif* spi* lpis*"
FIRE_W = "pcpu* signal* bank* chan* device* fwd* spi* lpis*"
OPS = {
    "soft_fire": (FIRE_R, f"hrtimer@v {FIRE_W}"),
    "soft_callback": ("clock vtimer@v ptimer@v?", "hrtimer@v pcpu* signal*"),
    "soft_end": ("", "hrtimer@v pcpu*"),
    "soft_work": ("", "hrtimer@v"),
    "emulation_fire": (FIRE_R, f"phrtimer@v? {FIRE_W}"),
    "emulation_callback": ("clock", "ptimer@v? phrtimer@v? pcpu* signal*"),
    "emulation_end": ("", "phrtimer@v? pcpu*"),
}


def make(world: "VgicWorld", v: int) -> Slot:
    """Return the task of the soft timer of VCPU ``v``."""

    async def main(_task: Slot) -> None:
        handler.move(0)
        worker.move(0)
        while True:
            if await fire(world, handler, v):
                await world.kvm.soft_timer_work(worker, v)
                await worker.task.step(worker.o.soft_work)
                world.machine.hrtimers[v].work = False

    slot = world.new_task(f"s{v}", Actor("soft-timer", vcpu=v, n=BG_TIMER), main)
    declared = OPS | world.kvm.OPS
    handler = Context(world, slot, v, hard=True, in_irq=True, declarations=declared)
    worker = Context(
        world, slot, v, hard=True, actor=Actor("worker", vcpu=v), declarations=declared
    )
    return slot


def make_emulation(world: "VgicWorld", v: int) -> Slot:
    """Return the task of the soft timer that emulates the physical timer of VCPU ``v``."""

    async def main(_task: Slot) -> None:
        handler.move(0)
        while True:
            await emulate(world, handler, v)

    slot = world.new_task(f"q{v}", Actor("soft-timer", vcpu=v, n=PTIMER), main)
    declared = OPS | world.kvm.OPS
    handler = Context(world, slot, v, hard=True, in_irq=True, declarations=declared)
    return slot


async def take(world: "VgicWorld", h: Context, op: Op, hrtimer: HrTimer) -> None:
    """Wait for the expiry of an hrtimer and take the interrupt, on the CPU where it is armed."""
    machine = world.machine
    reads = hrtimer.bit | bits_of((*machine.pcpus, *machine.signals, *machine.gic.cpuifs))

    def can_take() -> bool:
        if not hrtimer.armed or not machine.signals[hrtimer.cpu].soft & hrtimer.signal:
            return False
        p = machine.pcpus[hrtimer.cpu]
        if p.irqs_off or p.in_irq:
            return False
        # A CPU whose running priority was never dropped takes no interrupt of default priority.
        return machine.gic.rpr(hrtimer.cpu) == IDLE

    await h.task.step(op, can_take, reads)
    c = hrtimer.cpu
    h.move(c)
    h.p.in_irq = True
    h.signals.soft &= ~hrtimer.signal
    hrtimer.armed = False
    hrtimer.running = True
    machine.messages.at_interrupt(c)
    world.emit(facts.InterruptTaken(c, "hrtimer"))


def restart(h: Context, hrtimer: HrTimer, expiry: int) -> None:
    """HRTIMER_RESTART: it was early; end the handler."""
    hrtimer.armed = True
    hrtimer.running = False
    hrtimer.expiry = expiry
    h.p.in_irq = False


async def fire(world: "VgicWorld", h: Context, v: int) -> bool:
    """Run the callback at the next expiry; return whether work was queued."""
    hrtimer = world.machine.hrtimers[v]
    await take(world, h, h.o.soft_fire, hrtimer)
    await h.task.step(h.o.soft_callback)
    expiry = world.kvm.earliest(v)
    early = expiry > world.machine.clock.now
    world.emit(facts.Expired(v, BG_TIMER, h.c, early))
    if early:
        restart(h, hrtimer, expiry)
        return False
    work = await world.kvm.soft_timer_expired(h, v)
    await h.task.step(h.o.soft_end)
    hrtimer.running = False
    h.p.in_irq = False
    return work


async def emulate(world: "VgicWorld", h: Context, v: int) -> None:
    """Run the emulation's callback at the next expiry (kvm_hrtimer_expire)."""
    machine = world.machine
    hrtimer = machine.phrtimers[v]
    await take(world, h, h.o.emulation_fire, hrtimer)
    await h.task.step(h.o.emulation_callback)
    ptimer = machine.ptimers[v]
    early = ptimer.deadline() > machine.clock.now
    world.emit(facts.Expired(v, PTIMER, h.c, early))
    if early:
        restart(h, hrtimer, ptimer.deadline())
        return
    ptimer.irq_level = True
    await world.kvm.emulation_expired(h, v)
    await h.task.step(h.o.emulation_end)
    hrtimer.running = False
    h.p.in_irq = False
