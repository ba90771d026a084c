"""Halting all guests, so that what their List Registers hold is in memory and can be changed.

Linux arch/arm64/kvm/arm.c: kvm_arm_halt_guest, kvm_arm_resume_guest; since abd7229626b9 the only
way to an active state. Under config_lock, so that one VCPU at a time does it.
"""

from harness.actors.context import Context
from harness.kvm.prune import Prune
from model import facts
from model.host.thread import EXITING, IN_GUEST, OUTSIDE, REQ_SLEEP
from model.part import bits_of

__all__ = ["SGI_CALL", "Halt"]

SGI_CALL = 1
"""The SGI that Linux/arm64 uses as IPI_CALL_FUNC: the sender waits until it was handled."""


class Halt(Prune):
    """kvm_arm_halt_guest and its end."""

    async def halt_guests(self, t: Context) -> None:
        """Have every VCPU leave its guest and stay out; return when all have.

        KVM_REQ_SLEEP waits: a VCPU that is in its guest, or about to be, is sent an IPI, and its
        CPU takes that only with interrupts on.
        """
        self.emit(facts.Halting(t.v, False))
        machine = self.machine
        for v, thread in enumerate(machine.threads):
            o = t.ops(v)
            await t.step(o.make_request)
            thread.pause = True
            thread.requests |= REQ_SLEEP
            if v == t.v:
                continue
            await t.step(o.kick_mode)
            mode = thread.mode
            if mode == IN_GUEST:
                thread.mode = EXITING
            self.emit(facts.Kicked(t.c, v, mode != OUTSIDE))
            if mode != OUTSIDE:
                await t.step(o.call_ipi)
                machine.pcpus[thread.cpu].call = True
                self.send_ipi(t, thread.cpu, SGI_CALL)
        await self.calls_done(t)
        self.emit(facts.Halting(t.v, True))

    async def calls_done(self, t: Context) -> None:
        """smp_call_function_many's wait: preemption off, interrupts on."""
        pcpus = self.machine.pcpus
        reads = t.signals.bit | bits_of(pcpus)

        def done() -> bool:
            return t.irqs_clear() and not any(p.call for p in pcpus)

        await t.task.step(t.o.call_wait, done, reads)

    async def resume_guests(self, t: Context) -> None:
        """kvm_arm_resume_guest."""
        for v, thread in enumerate(self.machine.threads):
            await t.step(t.ops(v).resume_guest)
            thread.pause = False
            self.emit(facts.Resumed(t.v, v))
            await self.wake_up(t, v)
