"""Devices: those that interrupt the host, those passed through to guests, those of software.

The edges of the former have nothing to do with any guest: they make a VCPU exit at any moment, and
they show whether a CPU still takes interrupts of default priority while a forwarded one is active.
"""

from harness.context import Context
from harness.contract import Guard
from harness.engine.execution import Slot
from harness.engine.footprint import Step
from harness.kvm.kvm import Kvm
from harness.resources import DEVICE, FORWARD, GUEST, THREAD
from harness.runtime import Runtime
from model.device import ForwardedDevice, SoftwareDevice
from model.guest import TARGET
from model.identity import Actor

__all__ = ["make", "make_driven"]

EDGE = Step((THREAD.all,), (DEVICE.all,), "device_edge")
EVENT = Step((THREAD.all,), (FORWARD.nth,), "device_event")
ACT = Step((THREAD.all,), (FORWARD.nth,), "vmm_event")
DONE = Step((), (FORWARD.nth,), "vmm_done")


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


def make_driven(rt: Runtime, kvm: Kvm, n: int) -> Slot:
    """Return the task of device ``n`` whose driver is a guest's."""
    device = rt.machine.forwards[n]
    if isinstance(device, SoftwareDevice):
        return make_software(rt, kvm, device, n)
    return make_forwarded(rt, n)


def make_forwarded(rt: Runtime, n: int) -> Slot:
    """Return the task of passthrough device ``n``.

    A device that holds its line has its next event only once its driver served the last; one that
    sends edges has them when it likes, or, if the scenario says so, while a guest routes it.
    """
    forward = rt.machine.forwards[n]
    routed = rt.scenario.forward[n].when_routed
    op = rt.resources.ops(n=n)[EVENT]
    threads = rt.machine.threads
    reads = rt.resources.mask((THREAD.all, FORWARD.nth, *((GUEST.all,) if routed else ())), n=n)

    def may_happen() -> bool:
        if threads[forward.vcpu].done or (routed and not is_routed(rt, forward)):
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


def is_routed(rt: Runtime, forward: ForwardedDevice) -> bool:
    """Tell whether a guest has left to write the route of an SPI, and not yet gone on.

    Once another guest than its own has finished nobody may be left who does.
    """
    machine = rt.machine
    return any(
        (guest.trap.code == TARGET and guest.trap.a == forward.vintid)
        or (guest.vcpu != forward.vcpu and machine.threads[guest.vcpu].done)
        for guest in machine.guests
    )


def make_software(rt: Runtime, kvm: Kvm, device: SoftwareDevice, n: int) -> Slot:
    """Return the task of the VM monitor's thread that makes device ``n``.

    It has no CPU of its own, as a worker has none. When the device has an event it calls KVM; when
    KVM has signalled its resamplefd, it calls KVM again if the device still holds its line, as VFIO
    does when it unmasks. Its lock, ``held``, keeps both apart from the driver's accesses that exit.
    """
    ops = rt.resources.ops(n=n)
    threads = rt.machine.threads
    reads = rt.resources.mask((THREAD.all, FORWARD.all), n=n)

    def has_event() -> bool:
        if device.raised >= device.planned or threads[device.vcpu].done:
            return False
        return not (device.level and device.work)

    def may_act() -> bool:
        return not device.held and (device.notified or has_event())

    async def main(task: Slot) -> None:
        thread.move(0)
        if device.after is None:
            device.planned = task.choose(f"events{n}", device.events_max + 1)
        while True:
            await task.step(ops[ACT], may_act, reads)
            if device.notified:
                device.look_again()
            else:
                device.happen()
            if device.held:
                await kvm.set_irq(thread, device, True)
                await task.step(ops[DONE])
                device.signalled()

    slot = rt.new_task(f"y{n}", Actor("software", n=n), main)
    thread = Context(rt, slot, device.vcpu, hard=True)
    return slot
