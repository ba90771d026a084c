"""Devices of the host: those that interrupt its CPUs, and those that are passed through to guests.

The edges of the former have nothing to do with any guest: they make a VCPU exit at any moment, and
they show whether a CPU still takes interrupts of default priority while a forwarded one is active.
"""

from harness.contract import Guard
from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.resources import DEVICE, FORWARD, THREAD
from harness.runtime import Runtime
from model.identity import Actor

__all__ = ["make", "make_forwarded"]

EDGE = Step((THREAD.all,), (DEVICE.all,), "device_edge")
EVENT = Step((THREAD.all,), (FORWARD.nth,), "device_event")


def make(rt: Runtime, n: int) -> Slot:
    """Return the task of host device ``n``, an optional stimulus."""
    device = rt.machine.devices[n]
    op = rt.resources.ops()[EDGE]
    threads = rt.machine.threads
    reads = rt.resources.mask((THREAD.all,))

    def somebody_runs() -> bool:
        return any(not thread.done for thread in threads)

    async def main(task: Slot) -> None:
        left = task.choose(f"edges{n}", device.edges_max + 1)
        while left:
            await task.step(op, somebody_runs, reads)
            device.edges += 1
            left -= 1

    return rt.new_task(f"x{n}", Actor("device", n=n), main, optional=True)


def make_forwarded(rt: Runtime, n: int) -> Slot:
    """Return the task of passthrough device ``n``.

    A device that holds its line has its next event only once its driver served the last; one that
    sends edges has them when it likes.
    """
    forward = rt.machine.forwards[n]
    op = rt.resources.ops(n=n)[EVENT]
    threads = rt.machine.threads
    reads = rt.resources.mask((THREAD.all, FORWARD.nth), n=n)

    def may_happen() -> bool:
        if threads[forward.vcpu].done:
            return False
        return not (forward.level and forward.work)

    def has_followed() -> bool:
        return forward.raised < forward.planned and may_happen()

    async def event(task: Slot, when: Guard) -> None:
        await task.step(op, when, reads)
        forward.happen()

    async def follow(task: Slot) -> None:
        while True:
            await event(task, has_followed)

    async def main(task: Slot) -> None:
        forward.planned = task.choose(f"events{n}", forward.events_max + 1)
        while forward.raised < forward.planned:
            await event(task, may_happen)

    whole = main if forward.after is None else follow
    return rt.new_task(f"y{n}", Actor("passthrough", n=n), whole)
