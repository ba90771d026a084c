"""The task of a VCPU: its thread in the host, with the guest inside."""

from harness.context import Context
from harness.engine.execution import Slot
from harness.kvm.kvm import Kvm
from harness.runtime import Runtime
from model.identity import Actor

__all__ = ["make"]


def make(rt: Runtime, kvm: Kvm, v: int) -> Slot:
    """Return the task of VCPU ``v``: it runs KVM's flow from KVM_RUN to the guest's end."""

    async def main(_task: Slot) -> None:
        thread.move(rt.machine.threads[v].place)
        await kvm.set_timers(thread)
        await kvm.vcpu_thread(thread)

    slot = rt.new_task(f"v{v}", Actor("vcpu", vcpu=v), main)
    thread = Context(rt, slot, v)
    return slot
