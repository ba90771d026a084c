"""A second halter: irq bypass stops all guests while it changes how an interrupt is delivered.

VFIO and KVM agree on GICv4's direct injection when a device's MSI is set up or taken down; a thread
of the host then halts all guests, and lets them go on, without config_lock. Nothing is delivered
directly here: what matters is the halt. How often is drawn, so that never is an execution, too.
"""

from harness.context import Context
from harness.engine.execution import Slot
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.resources import GUEST, THREAD
from harness.runtime import Runtime
from model.identity import Actor

__all__ = ["make"]


def make(rt: Runtime, kvm: Kvm) -> Slot:
    """Return the task of irq bypass, an optional stimulus until it has begun."""
    threads, guests = rt.machine.threads, rt.machine.guests
    reads = rt.resources.mask((THREAD.all, GUEST.all))

    async def main(task: Slot) -> None:
        b.move(0)
        left = task.choose("bypasses", rt.scenario.bypasses + 1)
        while left:
            v = task.choose("in-handler-of", len(threads) + 1) - 1

            def has_come(v: int = v) -> bool:
                return v < 0 or threads[v].done or guests[v].in_handler()

            await task.step(b.here[Steps.bypass_begins], has_come, reads)
            await kvm.irq_bypass_stop(b)
            await kvm.irq_bypass_start(b)
            left -= 1

    slot = rt.new_task("b", Actor("irq-bypass"), main, optional=True)
    b = Context(rt, slot, 0, hard=True)
    return slot
