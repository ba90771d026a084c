"""The task of a VCPU: its thread in the host, with the guest inside."""

from typing import TYPE_CHECKING

from harness.actors.context import Context
from harness.engine.execution import Slot
from model.identity import Actor

if TYPE_CHECKING:
    from harness.world import VgicWorld

__all__ = ["make"]


def make(world: "VgicWorld", v: int) -> Slot:
    """Return the task of VCPU ``v``: it runs KVM's flow from KVM_RUN to the guest's end."""

    async def main(_task: Slot) -> None:
        thread.move(world.machine.threads[v].place)
        await world.kvm.vcpu_thread(thread)

    slot = world.new_task(f"v{v}", Actor("vcpu", vcpu=v), main)
    thread = Context(world, slot, v, declarations=world.kvm.OPS)
    return slot
