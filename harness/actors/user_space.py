"""The VM monitor: it stops all VCPUs, resets the VM or saves and restores it, and lets them go on.

How often it resets, and then how often it saves, is drawn, so that never is an execution, too; and
before each time, whether it waits until a certain guest is in its interrupt handler. A VM one of
whose guests has finished is left alone.
"""

from typing import TYPE_CHECKING

from harness.actors.context import Context
from harness.contract import Guard
from harness.engine.execution import Slot
from model import facts
from model.host.thread import RUNNING
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["make"]


def make(world: "VgicWorld") -> Slot:
    """Return the VM monitor's task, an optional stimulus until it has begun."""
    scenario = world.scenario
    threads = world.machine.threads
    guests = world.machine.guests
    reads = world.resources.mask("thread* guest*", 0, 0)

    def moment(v: int) -> Guard:
        def has_come() -> bool:
            if any(thread.done for thread in threads):
                return False
            return v < 0 or guests[v].isr != 0

        return has_come

    async def main(_task: Slot) -> None:
        u.move(0)
        for what, most in (("resets", scenario.resets), ("saves", scenario.saves)):
            for _ in range(u.task.choose(what, most + 1)):
                v = u.task.choose("in-handler-of", len(threads) + 1) - 1
                await u.task.step(u.o.monitor_begins, moment(v), reads)
                await stopped(world, u, save=what == "saves")

    slot = world.new_task("u", Actor("user-space"), main)
    u = Context(world, slot, 0, hard=True, declarations=world.kvm.OPS)
    return slot


async def stopped(world: "VgicWorld", u: Context, *, save: bool) -> None:
    """Signal every VCPU's thread, wait until they are in user space, act, and release them."""
    kvm, threads = world.kvm, world.machine.threads
    for v, thread in enumerate(threads):
        await u.task.step(u.ops(v).make_request)
        thread.stop = True
        world.emit(facts.Stopping(v, True))
        await kvm.kick(u, v)
    reads = world.resources.mask("thread*", 0, 0)

    def all_stopped() -> bool:
        return all(thread.in_user or thread.done for thread in threads)

    await u.task.step(u.o.monitor_waits, all_stopped, reads)
    if not any(thread.done for thread in threads):
        if save:
            await kvm.save_vm(u)
            await kvm.restore_vm(u)
        else:
            await kvm.reset_vm(u)
    for v, thread in enumerate(threads):
        await u.task.step(u.ops(v).monitor_resumes)
        thread.stop = False
        world.emit(facts.Stopping(v, False))
        thread.state = RUNNING
