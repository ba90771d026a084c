"""The host scheduler: it asks for preemptions, and places threads on CPUs.

It only sets TIF_NEED_RESCHED and sends the reschedule IPI; put, release, acquire and load are the
thread's own steps. How many preemptions there are is drawn before the first, so that none at all is
an execution too. Whom each one hits, where it puts the thread, before which time it does not come,
and whether it waits until that guest is in its interrupt handler is drawn as well, so that they do
not crowd at the beginning.
"""

from typing import TYPE_CHECKING

from harness.contract import Guard
from harness.engine.execution import Slot
from harness.kvm.inject import SGI_RESCHEDULE
from model import facts
from model.identity import Actor
from model.machine import START_NS

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make"]

SLICE_NS = 50
SLICES = 4
OPS = {"host_preempt": ("", "thread* pcpu* bank*")}


def make(world: "VgicWorld") -> Slot:
    """Return the host scheduler's task, an optional stimulus."""
    machine = world.machine
    op = world.op_table.ops(OPS, 0, 0).host_preempt
    reads = world.resources.mask("thread* guest* clock", 0, 0)
    threads, guests, clock = machine.threads, machine.guests, machine.clock

    def not_before(time_ns: int, v: int, in_handler: int) -> Guard:
        def due() -> bool:
            if clock.now < time_ns or threads[v].done:
                return False
            return not in_handler or guests[v].isr != 0

        return due

    async def main(task: Slot) -> None:
        for _ in range(task.choose("preemptions", world.scenario.preemptions + 1)):
            v = task.choose("preempted-vcpu", world.config.vcpus)
            place = task.choose("placed-on", world.config.pcpus)
            slices = task.choose("not-before", SLICES)
            in_handler = task.choose("in-handler", 2)
            time_ns = START_NS + slices * SLICE_NS
            await task.step(op, not_before(time_ns, v, in_handler), reads)
            preempt(world, v, place)

    return world.new_task("h", Actor("host-scheduler"), main, optional=True)


def preempt(world: "VgicWorld", v: int, place: int) -> None:
    """Place the thread of VCPU ``v``; if it runs, ask its CPU to give it up."""
    machine = world.machine
    thread = machine.threads[v]
    thread.place = place
    c = thread.cpu
    world.emit(facts.NeedResched(v, c, place))
    if c >= 0 and machine.pcpus[c].owner == v:
        machine.pcpus[c].need_resched = True
        machine.gic.send_sgi(c, c, SGI_RESCHEDULE)
