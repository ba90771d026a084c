"""Variants that get soft timers, sources, or what is outside the List Registers wrong."""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.engine.footprint import Step
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.gic.lr import Lr
from model.host.thread import HrTimer
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant

TWO_SENDERS = str(Path(__file__).parent / "scenarios" / "two-senders.toml")


class CancelsAtOnce(V7_2):
    """hrtimer_try_to_cancel in place of hrtimer_cancel: it waits for no callback."""

    async def hrtimer_cancel(self, t: Context, step: Step, hrtimer: HrTimer) -> None:
        await t.step(step)


class KeepsEmulating(V7_2):
    """The soft timer that emulates the physical timer outlives the VCPU's stay on its CPU."""

    async def stop_emulation(self, t: Context) -> None:
        """Let it run."""


class NoEoiBit(V7_2):
    """A level interrupt of software ends unseen."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), eoi=False)


class SourceOfAll(V7_2):
    """Each List Register names a source."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), source=1)


class EoiBitOfAll(V7_2):
    """Each List Register asks for an exit at its end, HW or not."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), eoi=True)


class EnablesAndKeeps(V7_2):
    """A line that fell while its interrupt was disabled does not release what the host took."""

    def sample_enabled(self, t: Context, irq: VgicIrq) -> None:
        if irq.is_mapped_level():
            self.sample_line(t, irq)


class SenderWrong(V7_2):
    """Each SGI is said to come from the last of the VCPUs that can send one."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, source=7) if irq.is_sgi() else lr


class ReadsUnanswered(V7_2):
    """A read of ISPENDR traps, and nothing is given to the guest."""

    async def read_pending(self, t: Context, irq: VgicIrq) -> None:
        """Leave the guest's register as it is."""


class NeverEmulates(V4_14):
    """The soft timer that is to end the stay when the physical timer fires is never armed."""

    async def emulate(self, t: Context) -> None:
        """Arm nothing."""


class BacksOutOfUserSpace(V7_2):
    """A signal leads to user space, and KVM_RUN is called again at once, stopped or not."""

    async def stop_in_user(self, t: Context) -> None:
        await self.vcpu_put(t)
        thread = self.machine.threads[t.v]
        thread.leave_to_user()
        await self.point(t, Steps.user_stop, loaded=False)
        thread.enter_from_user()
        await self.vcpu_load(t)


SOFT = (
    Mutant("I11", NeverEmulates, V4_14, "timer-phys"),
    Mutant("G1", ReadsUnanswered, V7_2, "smp-mix"),
    Mutant("I17", CancelsAtOnce, V7_2, "migrate"),
    Mutant("I17", KeepsEmulating, V7_2, "timer-phys"),
    Mutant("I18", NoEoiBit, V7_2, "timer-phys"),
    Mutant("I2", EnablesAndKeeps, V7_2, "timer-busy"),
    Mutant("I18", EoiBitOfAll, V7_2, "timer-wfi"),
    Mutant("I18", SourceOfAll, V7_2, "timer-wfi"),
    Mutant("G10", SenderWrong, V7_2, TWO_SENDERS, (("gic_version", "2"),)),
    Mutant("L4", BacksOutOfUserSpace, V7_2, "save"),
)
