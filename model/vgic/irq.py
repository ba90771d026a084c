"""KVM's software state of a virtual interrupt (struct vgic_irq) and of a VCPU's vgic.

Linux arch/arm64/kvm/vgic/vgic.c and include/kvm/arm_vgic.h; the fields have the same names and
meanings there.
"""

from model.gic.lr import EMPTY, Lr
from model.gic.registers import Vmcr
from model.host.lock import Lockable

__all__ = ["VgicCpu", "VgicIrq"]


class VgicIrq(Lockable):
    """One virtual interrupt; ``irq_lock`` is its ``holder``.

    ``vcpu`` is the VCPU on whose ap_list it is (-1: none); ``target`` where it should be.
    ``line_level`` and ``pending_latch`` are its software pending state; ``hw`` says that it is
    mapped to the physical interrupt ``hwintid``. ``name`` is its resource if VCPUs share it (an
    SPI), and empty for a VCPU's own timer interrupt.
    """

    __slots__ = (
        "active",
        "enabled",
        "hw",
        "hwintid",
        "intid",
        "level",
        "line_level",
        "name",
        "pending_latch",
        "priority",
        "target",
        "vcpu",
    )
    FIELDS = ("holder", "enabled", "line_level", "pending_latch", "active", "vcpu", "target")

    def __init__(
        self, intid: int, target: int, *, level: bool, hwintid: int = -1, name: str = ""
    ) -> None:
        super().__init__()
        self.name = name
        self.intid = intid
        self.level = level
        self.hw = hwintid >= 0
        self.hwintid = hwintid
        self.priority = 0xA0
        self.enabled = True
        self.line_level = False
        self.pending_latch = False
        self.active = False
        self.vcpu = -1
        self.target = target

    def is_pending(self) -> bool:
        """irq_is_pending: the latch, or the line of a level interrupt."""
        return self.pending_latch or (self.level and self.line_level)

    def is_mapped_level(self) -> bool:
        """vgic_irq_is_mapped_level: whether KVM only observes rising edges of this one."""
        return self.hw and self.level


class VgicCpu(Lockable):
    """struct vgic_cpu of one VCPU; ``ap_list_lock`` is its ``holder``.

    ``ap_list`` has the interrupts that are active or pending here, in order; ``lrs`` are the
    shadow List Registers, ``used`` how many of them are in use; ``vmcr`` and ``apr`` the saved
    context of the virtual interface.
    """

    __slots__ = ("ap_list", "apr", "lrs", "used", "vmcr")
    FIELDS = ("holder", "ap_list", "lrs", "used", "vmcr", "apr")

    def __init__(self, lrs: int, vmcr: Vmcr, apr: tuple[int, int]) -> None:
        super().__init__()
        self.ap_list: tuple[int, ...] = ()
        self.lrs: tuple[Lr, ...] = (EMPTY,) * lrs
        self.used = 0
        self.vmcr = vmcr
        self.apr = apr
