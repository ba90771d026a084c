"""The physical GIC: it delivers what is in flight, one channel, one step.

Register accesses act in the step that makes them; their consequences are delivered here, each kind
from each CPU by a task of its own, so that independent ones stay independent:

- ``dN``: deactivations that guests sent through the HW bit on CPU N, in order;
- ``lN``: the level of CPU N's virtual timer, sampled by the distributor;
- ``mN``: the level of CPU N's maintenance interrupt, where there can be one;
- ``pN``: the IRQ signal of CPU N's interface, sampled by the CPU;
- ``eN``: edges that device N sent, in order;
- ``fN``: the line or the edges of passthrough device N.

With ``gic_messages=synchronous`` they go before anything else and are no choice.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from harness.engine.execution import Slot
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["OPS", "make"]

SIGNAL_R = "bank@c cpuif@c spi* lpis@c?"
OPS = {
    # With lr_on_guest_deactivate=erratum it may wedge the CPU interface.
    "gic_deactivate": ("lpis@c?", "chan@c bank@c spi* cpuif@c"),
    "gic_line": ("timer@c clock", "bank@c chan@c"),
    "gic_maintenance": ("vif@c", "bank@c chan@c"),
    "gic_pin": (SIGNAL_R, "signal@c chan@c"),
    "gic_edge": ("", "device* spi*"),
    "gic_event": ("", "fwd@c? spi* lpis*"),
}


def channel(
    world: "VgicWorld",
    name: str,
    actor: Actor,
    c: int,
    op_name: str,
    guard: tuple[Callable[[], bool], str],
    deliver: Callable[[], None],
) -> Slot:
    """Return the task of one channel: whenever ``guard`` holds, ``deliver``."""
    op = getattr(world.op_table.ops(OPS, c, 0), op_name)
    pending, reads = guard[0], world.resources.mask(guard[1], c, 0)

    async def main(task: Slot) -> None:
        step = task.step
        while True:
            await step(op, pending, reads)
            deliver()

    return world.new_task(name, actor, main, eager=True)


def make(world: "VgicWorld") -> list[Slot]:
    """Return the tasks of the physical GIC."""
    messages = world.machine.messages
    slots = []
    for c in range(world.config.pcpus):
        slots += [
            channel(
                world,
                f"l{c}",
                Actor("line", pcpu=c),
                c,
                "gic_line",
                (partial(messages.line_differs, c), "timer@c clock bank@c"),
                partial(messages.deliver_line, c),
            ),
            channel(
                world,
                f"d{c}",
                Actor("deactivations", pcpu=c),
                c,
                "gic_deactivate",
                (messages.channels[c].has_deactivation, "chan@c"),
                partial(messages.deliver_deactivation, c),
            ),
            channel(
                world,
                f"p{c}",
                Actor("pin", pcpu=c),
                c,
                "gic_pin",
                (partial(messages.pin_differs, c), f"{SIGNAL_R} signal@c"),
                partial(messages.deliver_pin, c),
            ),
        ]
        if messages.maintained:
            slots.append(
                channel(
                    world,
                    f"m{c}",
                    Actor("maintenance", pcpu=c),
                    c,
                    "gic_maintenance",
                    (partial(messages.maintenance_differs, c), "vif@c bank@c"),
                    partial(messages.deliver_maintenance, c),
                )
            )
    for n, device in enumerate(world.machine.devices):
        slots.append(
            channel(
                world,
                f"e{n}",
                Actor("edge", n=n),
                0,
                "gic_edge",
                (device.has_edge, f"device{n}"),
                partial(messages.deliver_edge, device),
            )
        )
    for n, forward in enumerate(world.machine.forwards):
        slots.append(
            channel(
                world,
                f"f{n}",
                Actor("event", n=n),
                n,
                "gic_event",
                (partial(messages.event_differs, forward), f"fwd{n} spi* lpis*"),
                partial(messages.deliver_event, forward),
            )
        )
    return slots
