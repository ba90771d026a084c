"""The host scheduler: it asks for preemptions, and places threads on CPUs.

It only sets TIF_NEED_RESCHED and sends the reschedule IPI; put, release, acquire and load are the
thread's own steps. How many preemptions there are is drawn before the first, so that none at all is
an execution too. Whom each one hits, where it puts the thread, before which time it does not come,
and whether it waits until that guest is in its interrupt handler is drawn as well, so that they do
not crowd at the beginning; or, if the scenario says so, until the thread is about to sleep.
"""

from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.kvm.kvm_main import SGI_RESCHEDULE
from harness.resources import BANK, CLOCK, GUEST, IPI, PCPU, THREAD
from harness.runtime import Runtime
from model.identity import Actor
from model.machine import START_NS

__all__ = ["make"]

SLICE_NS = 50
SLICES = 4
IN_HANDLER, ABOUT_TO_SLEEP = 1, 2
PREEMPT = Step((), (THREAD.all, PCPU.all, BANK.all, IPI.all), "host_preempt")


def make(rt: Runtime) -> Slot:
    """Return the host scheduler's task, an optional stimulus."""
    machine = rt.machine
    op = rt.resources.ops()[PREEMPT]
    reads = rt.resources.mask((THREAD.all, GUEST.all, CLOCK))
    threads, guests, clock = machine.threads, machine.guests, machine.clock

    async def main(task: Slot) -> None:
        left = task.choose("preemptions", rt.scenario.preemptions + 1)
        while left:
            v = task.choose("preempted-vcpu", rt.config.vcpus)
            place = task.choose("placed-on", rt.config.pcpus)
            not_before_ns = START_NS + task.choose("not-before", SLICES) * SLICE_NS
            when = task.choose("in-handler", 2 + rt.scenario.preempts_sleepers)

            def due(v: int = v, at: int = not_before_ns, when: int = when) -> bool:
                if when == ABOUT_TO_SLEEP:
                    return threads[v].waiting and threads[v].loaded
                if threads[v].done or (at > START_NS and clock.now < at):
                    return False
                return when != IN_HANDLER or guests[v].in_handler()

            await task.step(op, due, reads)
            preempt(rt, v, place)
            left -= 1

    return rt.new_task("h", Actor("host-scheduler"), main, optional=True)


def preempt(rt: Runtime, v: int, place: int) -> None:
    """Place the thread of VCPU ``v`` on CPU ``place``; if it runs, ask its CPU to give it up."""
    rt.machine.threads[v].place_on(place)
    resched(rt, v)


def resched(rt: Runtime, v: int) -> None:
    """resched_curr: if the thread of VCPU ``v`` has a CPU, set its flag and interrupt it."""
    c = rt.machine.threads[v].cpu
    if c >= 0 and rt.machine.pcpus[c].owner == v:
        rt.machine.pcpus[c].need_resched = True
        rt.machine.messages.send_ipi(c, c, SGI_RESCHEDULE)
