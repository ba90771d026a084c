"""The physical GIC: it delivers what is in flight, one channel, one step.

Register accesses act in the step that makes them; their consequences are delivered here, each kind
from each CPU by a task of its own, so that independent ones stay independent:

- ``wN``: posted writes of CPU N to the distributor, in order (knob ``posted_writes``);
- ``qN``: SGIs that the host's CPUs send to CPU N, in order (knob ``ipis``); ``nN`` loses one;
- ``dN``: deactivations that guests sent through the HW bit on CPU N, in order;
- ``lN``: the level of CPU N's virtual timer, sampled by the distributor;
- ``tN``: the level of CPU N's physical timer, where guests have it in hardware;
- ``mN``: the level of CPU N's maintenance interrupt, where there can be one;
- ``pN``: the IRQ signal of CPU N's interface, sampled by the CPU;
- ``eN``: edges that device N sent, in order;
- ``fN``: the line or the edges of passthrough device N.

With ``gic_messages=synchronous`` they go before anything else and are no choice.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from harness.engine.execution import Slot
from harness.engine.footprint import Ref, Step
from harness.resources import (
    BANK,
    CHANNEL,
    CLOCK,
    CPUIF,
    DEVICE,
    FORWARD,
    HW_PTIMER,
    HW_TIMER,
    IPI,
    LPIS,
    SIGNAL,
    SIGNAL_R,
    SPI,
    VIF,
)
from harness.runtime import Runtime
from model.identity import Actor

__all__ = ["make"]


class GicSteps:
    """What the channels deliver."""

    # With lr_on_guest_deactivate=erratum it may wedge the CPU interface.
    gic_deactivate = Step((LPIS.here,), (CHANNEL.here, BANK.here, SPI.all, CPUIF.here))
    gic_write = Step((), (CHANNEL.here, BANK.here, SPI.all))
    gic_ipi = Step((), (IPI.here, BANK.here))
    gic_ipi_lost = Step((), (IPI.here,))
    gic_line = Step((HW_TIMER.here, CLOCK), (BANK.here, CHANNEL.here))
    gic_ptimer = Step((HW_PTIMER.here, CLOCK), (BANK.here, CHANNEL.here))
    gic_maintenance = Step((VIF.here,), (BANK.here, CHANNEL.here))
    gic_pin = Step(SIGNAL_R, (SIGNAL.here, CHANNEL.here))
    gic_edge = Step((), (DEVICE.all, SPI.all))
    gic_event = Step((), (FORWARD.nth, SPI.all, LPIS.all))


class Channels:
    """Makes the tasks of the channels."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.messages = rt.machine.messages

    def channel(
        self,
        name: str,
        actor: Actor,
        step: Step,
        pending: Callable[[], bool],
        watched: Iterable[Ref],
        deliver: Callable[[], None],
    ) -> Slot:
        """Return the task of one channel: whenever ``pending`` holds, ``deliver``.

        ``watched`` is what ``pending`` reads; the actor says of which CPU or device it is.
        """
        c, n = max(actor.pcpu, 0), max(actor.n, 0)
        op = self.rt.resources.ops(c=c, n=n)[step]
        reads = self.rt.resources.mask(watched, c=c, n=n)

        async def main(task: Slot) -> None:
            while True:
                await task.step(op, pending, reads)
                deliver()

        return self.rt.new_task(name, actor, main, eager=True)

    def of_cpu(self, c: int) -> Iterator[Slot]:
        """Make those of CPU ``c``."""
        messages = self.messages
        yield self.channel(
            f"l{c}",
            Actor("line", pcpu=c),
            GicSteps.gic_line,
            partial(messages.line_differs, c),
            (HW_TIMER.here, CLOCK, BANK.here),
            partial(messages.deliver_line, c),
        )
        yield self.channel(
            f"d{c}",
            Actor("deactivations", pcpu=c),
            GicSteps.gic_deactivate,
            messages.channels[c].has_deactivation,
            (CHANNEL.here,),
            partial(messages.deliver_deactivation, c),
        )
        yield self.channel(
            f"p{c}",
            Actor("pin", pcpu=c),
            GicSteps.gic_pin,
            partial(messages.pin_differs, c),
            (*SIGNAL_R, SIGNAL.here),
            partial(messages.deliver_pin, c),
        )
        if messages.ptimers:
            yield self.channel(
                f"t{c}",
                Actor("ptimer-line", pcpu=c),
                GicSteps.gic_ptimer,
                partial(messages.ptimer_differs, c),
                (HW_PTIMER.here, CLOCK, BANK.here),
                partial(messages.deliver_ptimer, c),
            )
        if messages.posted:
            yield self.channel(
                f"w{c}",
                Actor("writes", pcpu=c),
                GicSteps.gic_write,
                messages.channels[c].has_write,
                (CHANNEL.here,),
                partial(messages.deliver_write, c),
            )
        if messages.ipis:
            yield self.channel(
                f"q{c}",
                Actor("ipis", pcpu=c),
                GicSteps.gic_ipi,
                messages.ipis[c].under_way,
                (IPI.here,),
                partial(messages.deliver_ipi, c),
            )
        if self.rt.config.ipis == "lossy":
            yield self.loser(c)
        if messages.maintained:
            yield self.channel(
                f"m{c}",
                Actor("maintenance", pcpu=c),
                GicSteps.gic_maintenance,
                partial(messages.maintenance_differs, c),
                (VIF.here, BANK.here),
                partial(messages.deliver_maintenance, c),
            )

    def loser(self, c: int) -> Slot:
        """Return the task that may lose one SGI on its way to CPU ``c``: a broken machine."""
        op = self.rt.resources.ops(c=c)[GicSteps.gic_ipi_lost]
        reads = self.rt.resources.mask((IPI.here,), c=c)
        messages = self.messages

        async def main(task: Slot) -> None:
            if task.choose(f"loses{c}", 2):
                await task.step(op, messages.ipis[c].under_way, reads)
                messages.lose_ipi(c)

        return self.rt.new_task(f"n{c}", Actor("ipi-loss", pcpu=c), main, optional=True)

    def of_devices(self) -> Iterator[Slot]:
        """Make those of the host's devices and of the passthrough devices."""
        messages = self.messages
        for n, device in enumerate(self.rt.machine.devices):
            yield self.channel(
                f"e{n}",
                Actor("edge", n=n),
                GicSteps.gic_edge,
                device.has_edge,
                (DEVICE.nth,),
                partial(messages.deliver_edge, device),
            )
        for n, forward in enumerate(self.rt.machine.forwards):
            if forward.intid < 0:
                continue  # nothing of it comes by the distributor
            yield self.channel(
                f"f{n}",
                Actor("event", n=n),
                GicSteps.gic_event,
                partial(messages.event_differs, forward),
                (FORWARD.nth, SPI.all, LPIS.all),
                partial(messages.deliver_event, forward),
            )


def make(rt: Runtime) -> list[Slot]:
    """Return the tasks of the physical GIC."""
    channels = Channels(rt)
    slots = [slot for c in range(rt.config.pcpus) for slot in channels.of_cpu(c)]
    return [*slots, *channels.of_devices()]
