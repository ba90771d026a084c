"""Variants that a guest can tell from a GIC: what it writes is ignored, what it reads is wrong."""

from pathlib import Path

import msgspec

from harness.context import Context
from harness.kvm.hooks import Hooks
from harness.kvm.steps import Steps
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from model.device import SoftwareDevice
from model.gic.lr import PENDING_ACTIVE, Lr
from model.vgic.irq import VgicIrq
from tests.race.mutant import Mutant
from tests.race.mutants_vgic import LatchKept, PrunesActive, SaysItKicks, SgiIgnored

HERE = Path(__file__).parent / "scenarios"
BUSY = str(HERE / "senders-busy.toml")
DISTRIBUTOR = str(HERE / "distributor.toml")
OFFLINE = str(HERE / "goes-offline.toml")
EXITS = str(HERE / "many-exits.toml")
SEVERAL = str(HERE / "several-first.toml")
SENDERS = str(HERE / "two-senders.toml")
HANDLES = str(HERE / "handles-over-exit.toml")
MASKED = str(HERE / "masked-over-exits.toml")
OUTSIDE = str(HERE / "active-outside.toml")
READS = str(HERE / "read-while-handled.toml")
GICV2 = (("gic_version", "2"),)


class ReadsHaltNobody(V7_2):
    """A read of ISACTIVER takes what was folded last (Linux 9a50ebbffa98)."""

    halts_for_reads = False


class EnableIgnored(V7_2):
    """What was disabled once stays so, though KVM says that it carried the write out."""

    def enabling(self, t: Context, irq: VgicIrq) -> None:
        super().enabling(t, irq)
        irq.enabled = False


class DisableIgnored(V7_2):
    """What is enabled stays so."""

    async def write_enable(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().write_enable(t, irq, on)
        irq.enabled = True


class ClearIgnored(V7_2):
    """ICPENDR does nothing."""

    async def write_pending(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().write_pending(t, irq, True)


class SetIgnored(V7_2):
    """ISPENDR does nothing."""

    async def write_pending(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().write_pending(t, irq, False)


class RouteIgnored(V7_2):
    """Whatever is written to IROUTER, an SPI goes to VCPU 0."""

    async def write_target(self, t: Context, irq: VgicIrq, target: int) -> None:
        await super().write_target(t, irq, 0)


class ActiveWrittenWrong(V7_2):
    """ISACTIVER clears the active state, and so does ICACTIVER."""

    async def change_active(self, t: Context, irq: VgicIrq, on: bool) -> None:
        await super().change_active(t, irq, False)


class DirActivates(Hooks):
    """What KVM deactivates for a guest it leaves active at the distributor."""

    async def deactivate_phys(self, t: Context, irq: VgicIrq) -> None:
        await super().deactivate_phys(t, irq)
        if irq.hw:
            self.set_phys_active(t, irq.hwintid, True)


class NeverFinishesWaiting(V7_2):
    """Without finish_rcuwait: who kicks a VCPU that has slept wakes a thread that runs."""

    async def finish_wait(self, t: Context) -> None:
        """Stay on the wait queue."""


class NeverEnters(V7_2):
    """Each entry is given up, for nothing."""

    def entry_is_refused(self, t: Context) -> bool:
        return True


class DropsUserAccess(V7_2):
    """An access to a device of the VM monitor goes nowhere, and the guest goes on."""

    async def return_to_user(self, t: Context) -> None:
        pass


class EndsEarly(V7_2):
    """A VCPU's thread ends when its guest idles for the first time."""

    async def run_once(self, t: Context) -> str:
        reason = await super().run_once(t)
        return "halt" if reason == "wfi" else reason


class GoesOnForEver(V7_2):
    """A guest that has finished is entered again."""

    async def run_once(self, t: Context) -> str:
        reason = await super().run_once(t)
        return "" if reason == "halt" else reason


class SgisShareARegister(V7_2):
    """A GICv2's SGI that is active is made pending in the same register for another sender."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        both = irq.sourced and irq.active and irq.is_pending()
        lr = super().populate_lr(irq)
        return msgspec.structs.replace(lr, state=PENDING_ACTIVE) if both else lr


class OneSenderIsEnough(V7_2):
    """A GICv2's SGI makes no exit when it ends, though another sender's is pending."""

    def populate_lr(self, irq: VgicIrq) -> Lr:
        return msgspec.structs.replace(super().populate_lr(irq), eoi=False)


class PutForgetsMask(V7_2):
    """What the guest wrote to its priority mask is gone after a put."""

    async def put_vgic(self, t: Context) -> None:
        await super().put_vgic(t)
        vgic = self.machine.vgics[t.v]
        vgic.vmcr = vgic.vmcr._replace(pmr=self.machine.initial_vmcr.pmr)


class PutEnablesGroup(V7_2):
    """After a put the guest's interrupt group is enabled."""

    async def put_vgic(self, t: Context) -> None:
        await super().put_vgic(t)
        vgic = self.machine.vgics[t.v]
        vgic.vmcr = vgic.vmcr._replace(enable1=True)


class PutForgetsRunning(V7_2):
    """What the guest handles raises its running priority no more after a put."""

    async def put_vgic(self, t: Context) -> None:
        await super().put_vgic(t)
        self.machine.vgics[t.v].apr = (0, 0)


class SortsBackwards(V7_2):
    """The least urgent of what is pending has the List Registers first."""

    def sort_key(self, irq: VgicIrq, v: int) -> tuple[bool | int, ...]:
        return tuple(-int(x) for x in super().sort_key(irq, v))


class BetweenSenders(V4_14):
    """What is less urgent comes between two senders of an SGI (before 16ca6a607d84)."""

    def comes_too_late(self, v: int, irq: VgicIrq) -> bool:
        return False


class ForgetsDevices(V7_2):
    """User space does nothing about an access of a guest's driver."""

    async def access_device(self, t: Context, device: SoftwareDevice) -> None:
        await self.point(t, Steps.device_done, loaded=False)


class PutTwice(V7_2):
    """A thread in user space puts its VCPU, as if it were loaded."""

    async def access_device(self, t: Context, device: SoftwareDevice) -> None:
        await super().access_device(t, device)
        await self.vcpu_put(t)


class LoadsTwice(V7_2):
    """A VCPU is loaded in user space, and again as it comes back."""

    async def access_device(self, t: Context, device: SoftwareDevice) -> None:
        await super().access_device(t, device)
        await self.vcpu_load(t)


class SignalsOnlySleepers(V7_2):
    """The VM monitor's signal wakes who sleeps, and interrupts nobody."""

    async def signal_vcpu(self, u: Context, v: int) -> None:
        await u.step(Steps.make_request, u.at(v))
        self.machine.threads[v].signal_stop(True)
        await self.wake_up(u, v)


class LeavesControlOn(V7_2):
    """What the maintenance interrupt was asked for stays asked for after the exit."""

    async def save_lrs(self, t: Context) -> None:
        await super().save_lrs(t)
        self.machine.gic.write_hcr(t.c, self.machine.vgics[t.v].hcr)


class NeverSleeps(V7_2):
    """A VCPU whose guest idles looks again and again, and keeps its CPU."""

    async def block(self, t: Context) -> None:
        pass


GUEST = (
    Mutant("G1", ReadsHaltNobody, V7_2, READS),
    Mutant("G2", DisableIgnored, V7_2, DISTRIBUTOR),
    Mutant("G3", LatchKept, V7_2, "spi-edge"),
    Mutant("G4", ActiveWrittenWrong, V7_2, "smp-mix"),
    Mutant("G5", RouteIgnored, V7_2, "retarget"),
    Mutant("G6", PrunesActive, V7_2, "migrate"),
    Mutant("G7", SaysItKicks, V7_2, "spi-edge"),
    Mutant("G7", NeverFinishesWaiting, V7_2, "spi-edge"),
    Mutant("G7", OneSenderIsEnough, V7_2, BUSY, GICV2),
    Mutant("G9", SgiIgnored, V7_2, "save"),
    Mutant("G13", DropsUserAccess, V7_2, EXITS),
    Mutant("G13", EndsEarly, V7_2, "timer-wfi"),
    Mutant("G13", GoesOnForEver, V7_2, "timer-busy"),
    Mutant("G14", PutForgetsMask, V7_2, MASKED),
    Mutant("G14", PutEnablesGroup, V7_2, MASKED),
    Mutant("G14", PutForgetsRunning, V7_2, HANDLES),
    Mutant("G15", SortsBackwards, V7_2, "overflow"),
    Mutant("G15", BetweenSenders, V4_14, SEVERAL, GICV2),
    Mutant("G13", ForgetsDevices, V7_2, "spi-soft-level"),
    Mutant("I19", PutTwice, V7_2, "spi-soft-level"),
    Mutant("I19", LoadsTwice, V7_2, "spi-soft-level"),
    Mutant("L4", SignalsOnlySleepers, V7_2, "reset"),
    Mutant("I14", LeavesControlOn, V7_2, OUTSIDE),
    Mutant("I3", SgisShareARegister, V7_2, BUSY, GICV2),
    Mutant("L2", NeverEnters, V7_2, "timer-wfi"),
    Mutant("L2", NeverSleeps, V7_2, SENDERS),
)
