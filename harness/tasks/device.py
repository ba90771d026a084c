"""A device of the host: edges that have nothing to do with any guest, but interrupt its CPU.

They make a VCPU exit at any moment, and they show whether a CPU still takes interrupts of default
priority while a forwarded one is active.
"""

from typing import TYPE_CHECKING

from harness.engine.execution import Slot

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make"]

OPS = {"device_edge": ("thread*", "device*")}


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

    return world.new_task(f"x{n}", "device", main, optional=True)
