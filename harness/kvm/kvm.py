"""The hypervisor under test, put together: its parts side by side, named for the kernel's files.

Each part stands by itself on the list of hooks, and calls the others through it. An era
(``v4_14``, ``v7_2``) says what a kernel did differently; a patch of the museum or a user's variant
overrides a hook or two of an era.
"""

from harness.kvm.arch_timer import ArchTimer
from harness.kvm.arm import Arm
from harness.kvm.direct_ptimer import DirectPtimer
from harness.kvm.irqchip import IrqChip
from harness.kvm.irqfd import IrqFd
from harness.kvm.kvm_main import KvmMain
from harness.kvm.user import User
from harness.kvm.vgic import Vgic
from harness.kvm.vgic_its import VgicItsFlow
from harness.kvm.vgic_mmio import VgicMmio
from harness.kvm.vgic_v3 import VgicV3

__all__ = ["Kvm"]


class Kvm(
    Arm, KvmMain, ArchTimer, DirectPtimer, Vgic, VgicV3, VgicMmio, VgicItsFlow, IrqFd, User, IrqChip
):
    """All parts of KVM; an era completes it."""
