"""A device of the host: edges that have nothing to do with any guest, but interrupt its CPU.

They make a VCPU exit at any moment, and they show whether a CPU still takes interrupts of default
priority while a forwarded one is active.
"""

from typing import TYPE_CHECKING

from harness.contract import Guard
from harness.engine.execution import Slot
from model.facts import DeviceRaised
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make", "make_forwarded"]

OPS = {"device_edge": ("thread*", "device*"), "device_event": ("thread*", "fwd@c?")}


def make(world: "VgicWorld", n: int) -> Slot:
    """Return the task of device ``n``, an optional stimulus."""
    device = world.machine.devices[n]
    op = world.op_table.ops(OPS, 0, 0).device_edge
    threads = world.machine.threads
    reads = world.resources.mask("thread*", 0, 0)

    def somebody_runs() -> bool:
        return any(not thread.done for thread in threads)

    async def main(task: Slot) -> None:
        for _ in range(task.choose(f"edges{n}", device.edges_max + 1)):
            await task.step(op, somebody_runs, reads)
            device.edges += 1

    return world.new_task(f"x{n}", Actor("device", n=n), main, optional=True)


def make_forwarded(world: "VgicWorld", n: int) -> Slot:
    """Return the task of passthrough device ``n``.

    A device that holds its line has its next event only once its driver served the last; one that
    sends edges has them when it likes.
    """
    forward = world.machine.forwards[n]
    op = world.op_table.ops(OPS, n, 0).device_event
    threads = world.machine.threads
    reads = world.resources.mask(f"thread* fwd{n}", 0, 0)

    def may_happen() -> bool:
        if threads[forward.vcpu].done:
            return False
        return not (forward.level and forward.work)

    def has_followed() -> bool:
        return forward.raised < forward.planned and may_happen()

    async def event(task: Slot, when: Guard) -> None:
        await task.step(op, when, reads)
        forward.happen()
        world.emit(DeviceRaised(forward.vcpu, forward.intid, forward.vintid))

    async def follow(task: Slot) -> None:
        while True:
            await event(task, has_followed)

    async def main(task: Slot) -> None:
        forward.planned = task.choose(f"events{n}", forward.events_max + 1)
        for _ in range(forward.planned):
            await event(task, may_happen)

    whole = main if forward.after is None else follow
    return world.new_task(f"y{n}", Actor("passthrough", n=n), whole)
