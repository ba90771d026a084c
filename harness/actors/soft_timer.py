"""The soft timers of a VCPU: hrtimers, and before 4.15 the work item that one queues.

An hrtimer's callback is an interrupt of the CPU where it was armed: the same masking, the same
forced exit. Its work item runs in a worker thread. That worker is modelled without a CPU of its
own: it is never held up by one, as if there were always another CPU free for it. A VCPU has a
background timer, and one for each timer that KVM emulates for it.
"""

from harness.context import Context
from harness.engine.encoding import wiring
from harness.engine.execution import Slot
from harness.engine.footprint import Ref, Step
from harness.kvm.kvm import Kvm
from harness.resources import (
    BANK,
    BG_TIMER,
    CHANNEL,
    CLOCK,
    CPUIF,
    DEVICE,
    FORWARD,
    HW_PTIMER,
    HW_TIMER,
    LPIS,
    PCPU,
    PTIMER,
    PTIMER_HRTIMER,
    SIGNAL,
    SPI,
    VIF,
    VTIMER,
)
from harness.runtime import Runtime
from model.gic.registers import IDLE
from model.host.thread import HrTimer
from model.identity import BG_TIMER as BACKGROUND, PTIMER as PHYSICAL, Actor
from model.part import bits_of

__all__ = ["make"]

FIRE_R = (
    HW_TIMER.all, HW_PTIMER.all, VIF.all, CLOCK, BANK.all, CPUIF.all, SPI.all, LPIS.all,
)  # fmt: skip
FIRE_W = (
    PCPU.all, SIGNAL.all, BANK.all, CHANNEL.all, DEVICE.all, FORWARD.all, SPI.all, LPIS.all,
)  # fmt: skip


class SoftTimerSteps:
    """The steps of one kind of soft timer, whose resource is ``hrtimer``."""

    def __init__(self, prefix: str, hrtimer: Ref, reads: tuple[Ref, ...], *writes: Ref) -> None:
        self.prefix = prefix
        self.fire = Step(FIRE_R, (hrtimer, *FIRE_W), f"{prefix}_fire")
        self.callback = Step(reads, (*writes, hrtimer, PCPU.all, SIGNAL.all), f"{prefix}_callback")
        self.end = Step((), (hrtimer, PCPU.all), f"{prefix}_end")
        self.work = Step((), (hrtimer,), f"{prefix}_work")


wiring(SoftTimerSteps, lambda steps: steps.prefix)
BACKGROUND_STEPS = SoftTimerSteps("soft", BG_TIMER.own, (CLOCK, VTIMER.own, PTIMER.own))
EMULATION_STEPS = SoftTimerSteps("emulation", PTIMER_HRTIMER.own, (CLOCK,), PTIMER.own)


def make(rt: Runtime, kvm: Kvm, v: int, timer: int) -> Slot:
    """Return the task of a soft timer of VCPU ``v``: its background timer, or that of ``timer``."""
    hrtimer = rt.machine.hrtimers[v, timer]
    background = timer == BACKGROUND
    steps = BACKGROUND_STEPS if background else EMULATION_STEPS

    async def main(_task: Slot) -> None:
        handler.move(0)
        worker.move(0)
        while True:
            await take(rt, handler, steps.fire, hrtimer)
            await handler.task.step(handler.here[steps.callback])
            work = False
            if not expire(rt, kvm, hrtimer):
                handler.p.in_irq = False
                continue
            if background:
                work = await kvm.soft_timer_expired(handler, v)
            else:
                await kvm.emulation_expired(handler, v)
            await handler.task.step(handler.here[steps.end])
            hrtimer.running = False
            handler.p.in_irq = False
            if work:
                await kvm.soft_timer_work(worker, v)
                await worker.task.step(worker.here[steps.work])
                hrtimer.work = False

    name = f"{'s' if background else 'q'}{v}"
    slot = rt.new_task(name, Actor("soft-timer", vcpu=v, n=timer), main)
    handler = Context(rt, slot, v, hard=True, in_irq=True)
    worker = Context(rt, slot, v, hard=True, actor=Actor("worker", vcpu=v))
    return slot


async def take(rt: Runtime, h: Context, step: Step, hrtimer: HrTimer) -> None:
    """Wait for the expiry of an hrtimer and take the interrupt, on the CPU where it is armed."""
    machine, task = rt.machine, h.task
    pcpus, signals, cpuifs = machine.pcpus, machine.signals, machine.gic.cpuifs
    reads = hrtimer.bit | bits_of((*pcpus, *signals, *cpuifs))

    def can_take() -> bool:
        if not hrtimer.armed:
            task.watch(hrtimer.bit)
            return False
        c = hrtimer.cpu
        if not signals[c].soft & hrtimer.signal:
            task.watch(hrtimer.bit | signals[c].bit)
            return False
        p = pcpus[c]
        task.watch(hrtimer.bit | signals[c].bit | p.bit | cpuifs[c].bit)
        # A CPU whose running priority was never dropped takes no interrupt of default priority.
        return not p.irqs_off and not p.in_irq and machine.gic.rpr(c) == IDLE

    await task.step(h.here[step], can_take, reads, wakes=hrtimer.bit)
    c = hrtimer.cpu
    h.move(c)
    h.signals.soft &= ~hrtimer.signal
    hrtimer.armed = False
    hrtimer.running = True
    machine.messages.at_interrupt(c)
    h.p.take_interrupt("hrtimer")


def expire(rt: Runtime, kvm: Kvm, hrtimer: HrTimer) -> bool:
    """Look at the time again; return whether it has come, else start again (HRTIMER_RESTART)."""
    machine, v = rt.machine, hrtimer.vcpu
    background = hrtimer.timer == BACKGROUND
    due = kvm.earliest(v) if background else machine.timers[v][hrtimer.timer].deadline()
    early = due > machine.clock.now
    hrtimer.expire(early)
    if early:
        hrtimer.armed = True
        hrtimer.running = False
        hrtimer.expiry = due
    elif not background:
        machine.timers[v][PHYSICAL].irq_level = True
    return not early
