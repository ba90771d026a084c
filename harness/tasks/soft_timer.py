"""The soft timer of a VCPU: an hrtimer, and before 4.15 the work item it queues.

An hrtimer's callback is an interrupt of the CPU where it was armed: the same masking, the same
forced exit. Its work item runs in a worker thread. That worker is modelled without a CPU of its
own: it is never held up by one, as if there were always another CPU free for it.
"""

from typing import TYPE_CHECKING

from harness.engine.execution import Slot
from harness.tasks.context import Context
from model import facts

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make"]

OPS = {
    "soft_fire": (
        "timer* vif* clock bank* cpuif* spi* lpis*",
        "hrtimer@v pcpu* signal* bank* chan* device* fwd* spi* lpis*",
    ),
    "soft_callback": ("clock vtimer@v", "hrtimer@v pcpu* signal*"),
    "soft_end": ("", "hrtimer@v pcpu*"),
    "soft_work": ("", "hrtimer@v"),
}
IDLE_PRIORITY = 0xFF


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

    slot = world.new_task(f"s{v}", "soft-timer", main)
    declared = OPS | world.kvm.OPS
    handler = Context(world, slot, v, hard=True, in_irq=True, declarations=declared)
    worker = Context(world, slot, v, hard=True, declarations=declared)
    worker.name = f"w{v}"
    return slot


async def fire(world: "VgicWorld", h: Context, v: int) -> bool:
    """Wait for the expiry, take the interrupt, run the callback; return whether work was queued."""
    machine = world.machine
    hrtimer, vtimer, clock = machine.hrtimers[v], machine.vtimers[v], machine.clock
    reads = hrtimer.bit
    for part in (*machine.pcpus, *machine.signals, *machine.gic.cpuifs):
        reads |= part.bit

    def can_take() -> bool:
        if not hrtimer.armed or not machine.signals[hrtimer.cpu].soft >> v & 1:
            return False
        p = machine.pcpus[hrtimer.cpu]
        if p.irqs_off or p.in_irq:
            return False
        # A CPU whose running priority was never dropped takes no interrupt of default priority.
        return machine.gic.rpr(hrtimer.cpu) == IDLE_PRIORITY

    await h.task.step(h.o.soft_fire, can_take, reads)
    c = hrtimer.cpu
    h.move(c)
    h.p.in_irq = True
    h.signals.soft &= ~(1 << v)
    hrtimer.armed = False
    hrtimer.running = True
    machine.messages.at_interrupt(c)
    world.emit(facts.InterruptTaken(c, "hrtimer"))

    await h.task.step(h.o.soft_callback)
    early = vtimer.can_fire() and vtimer.deadline() > clock.now
    world.emit(facts.Expired(v, c, early))
    if early:
        hrtimer.armed = True
        hrtimer.running = False
        hrtimer.expiry = vtimer.deadline()
        h.p.in_irq = False
        return False
    work = await world.kvm.soft_timer_expired(h, v)
    await h.task.step(h.o.soft_end)
    hrtimer.running = False
    h.p.in_irq = False
    return work
