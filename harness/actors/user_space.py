"""The VM monitor: it stops all VCPUs, resets the VM or saves and restores it, and lets them go on.

How often it resets, and then how often it saves, is drawn, so that never is an execution, too; and
before each time, whether it waits until a certain guest is in its interrupt handler. A VM one of
whose guests has finished is left alone.
"""

from harness.actors.clock import HRTIMERS, pass_time
from harness.context import Context
from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.kvm.kvm import Kvm
from harness.kvm.steps import Steps
from harness.resources import CLOCK, GUEST, SIGNAL, THREAD
from harness.runtime import Runtime
from model.host.thread import RUNNING
from model.identity import Actor

__all__ = ["make"]

AWAY = Step(HRTIMERS, (CLOCK, SIGNAL.all), "monitor_away")
AWAY_NS = 25
"""For so long, or two or three times that, a VM is away whose counter stops meanwhile."""


def make(rt: Runtime, kvm: Kvm) -> Slot:
    """Return the VM monitor's task, an optional stimulus until it has begun."""
    scenario = rt.scenario
    threads, guests = rt.machine.threads, rt.machine.guests
    reads = rt.resources.mask((THREAD.all, GUEST.all))

    async def act(left: int, *, save: bool) -> None:
        while left:
            v = u.task.choose("in-handler-of", len(threads) + 1) - 1

            def has_come(v: int = v) -> bool:
                if any(thread.done for thread in threads):
                    return False
                return v < 0 or guests[v].in_handler()

            await u.task.step(u.here[Steps.monitor_begins], has_come, reads)
            await stopped(rt, kvm, u, save=save)
            left -= 1

    async def main(task: Slot) -> None:
        u.move(0)
        await act(task.choose("resets", scenario.resets + 1), save=False)
        await act(task.choose("saves", scenario.saves + 1), save=True)

    slot = rt.new_task("u", Actor("user-space"), main)
    u = Context(rt, slot, 0, hard=True)
    return slot


async def be_away(rt: Runtime, u: Context) -> None:
    """Let time pass between the save and the restore; no VCPU runs, and the guests count nothing.

    Nothing else moves the clock meanwhile, as the timers of VCPUs that are in user space are off.
    """
    await u.task.step(u.here[AWAY])
    pass_time(rt, rt.machine.clock.now + AWAY_NS * (1 + u.task.choose("away", 3)))


async def stopped(rt: Runtime, kvm: Kvm, u: Context, *, save: bool) -> None:
    """Signal every VCPU's thread, wait until they are in user space, act, and release them."""
    threads = rt.machine.threads
    v = 0
    while v < len(threads):
        await kvm.signal_vcpu(u, v)
        v += 1
    reads = rt.resources.mask((THREAD.all,))

    def all_stopped() -> bool:
        return all(thread.in_user or thread.done for thread in threads)

    await u.task.step(u.here[Steps.monitor_waits], all_stopped, reads)
    if not any(thread.done for thread in threads):
        if save:
            await kvm.save_vm(u)
            if rt.config.counter == "stops":
                await be_away(rt, u)
            await kvm.restore_vm(u)
        else:
            await kvm.reset_vm(u)
    v = 0
    while v < len(threads):
        await u.step(Steps.monitor_resumes, u.at(v))
        threads[v].signal_stop(False)
        threads[v].state = RUNNING
        v += 1
