"""KVM's software state of a virtual interrupt (struct vgic_irq) and of a VCPU's vgic.

Linux arch/arm64/kvm/vgic/vgic.c and include/kvm/arm_vgic.h; the fields have the same names and
meanings there.
"""

from model.gic.lr import EMPTY, Lr
from model.gic.registers import FIRST_SPI, SGIS, Vmcr
from model.host.lock import Lockable
from model.identity import AP_LIST, CONFIG, IRQ, LockId

__all__ = ["PRIORITY", "VgicCpu", "VgicDist", "VgicIrq"]

PRIORITY = 0xA0
"""The priority of an interrupt that nobody gave another."""


class VgicIrq(Lockable):
    """One virtual interrupt; ``irq_lock`` is its ``holder``.

    ``vcpu`` is the VCPU on whose ap_list it is (-1: none); ``target`` where it should be.
    ``line_level`` and ``pending_latch`` are its software pending state; ``hw`` says that it is
    mapped to the physical interrupt ``hwintid``. ``on_lr`` says that its state is in a List
    Register, where software does not see it. ``source`` is the mask of the VCPUs that sent a GICv2
    SGI (``sourced``) and ``active_source`` the one whose SGI is active. ``name`` is its resource,
    and empty for a VCPU's virtual timer, whose resource is the VCPU's.
    """

    __slots__ = (
        "active",
        "active_source",
        "enabled",
        "hw",
        "hwintid",
        "intid",
        "level",
        "line_level",
        "name",
        "on_lr",
        "pending_latch",
        "priority",
        "source",
        "sourced",
        "target",
        "vcpu",
    )
    FIELDS = (
        "holder", "enabled", "line_level", "pending_latch", "active", "vcpu", "target",
        "on_lr", "source", "active_source",
    )  # fmt: skip

    def __init__(
        self,
        intid: int,
        target: int,
        *,
        level: bool,
        hwintid: int = -1,
        name: str = "",
        priority: int = PRIORITY,
        sourced: bool = False,
    ) -> None:
        super().__init__(LockId(IRQ, -1 if intid >= FIRST_SPI else target, intid))
        self.sourced = sourced
        self.name = name
        self.intid = intid
        self.level = level
        self.hw = hwintid >= 0
        self.hwintid = hwintid
        self.priority = priority
        self.enabled = True
        self.line_level = False
        self.pending_latch = False
        self.active = False
        self.vcpu = -1
        self.target = target
        self.on_lr = False
        self.source = 0
        self.active_source = 0

    def is_pending(self) -> bool:
        """irq_is_pending: the latch, or the line of a level interrupt."""
        return self.pending_latch or (self.level and self.line_level)

    def is_mapped_level(self) -> bool:
        """vgic_irq_is_mapped_level: whether KVM only observes rising edges of this one."""
        return self.hw and self.level

    def is_spi(self) -> bool:
        """vgic_valid_spi: whether VCPUs share it."""
        return self.intid >= FIRST_SPI

    def is_sgi(self) -> bool:
        """vgic_irq_is_sgi."""
        return self.intid < SGIS

    def is_multi_sgi(self) -> bool:
        """vgic_irq_is_multi_sgi: whether one List Register cannot hold all of a GICv2 SGI."""
        return self.source != 0 and self.source.bit_count() + self.active > 1


class VgicCpu(Lockable):
    """struct vgic_cpu of one VCPU; ``ap_list_lock`` is its ``holder``.

    ``ap_list`` has the interrupts that are active or pending here, in order; ``lrs`` are the
    shadow List Registers, ``used`` how many of them are in use, ``last_lr`` the interrupt in the
    last of them (-1: none). ``hcr`` is what the flush chose for ICH_HCR_EL2 (0: there was none
    since the last sync) and ``eoicount`` what the save found there; ``spilled`` is the interrupt
    outside the List Registers that is being deactivated. ``nr_pend`` and ``nr_act`` count what an
    overflowing ap_list has. ``vmcr`` and ``apr`` are the saved context of the virtual interface.
    """

    FIELDS = (
        "holder", "ap_list", "lrs", "used", "last_lr", "hcr", "eoicount", "spilled",
        "nr_pend", "nr_act", "vmcr", "apr",
    )  # fmt: skip
    __slots__ = FIELDS[1:]

    def __init__(self, v: int, lrs: int, vmcr: Vmcr, apr: tuple[int, int]) -> None:
        super().__init__(LockId(AP_LIST, v))
        self.ap_list: tuple[int, ...] = ()
        self.lrs: tuple[Lr, ...] = (EMPTY,) * lrs
        self.used = 0
        self.last_lr = -1
        self.hcr = 0
        self.eoicount = 0
        self.spilled = EMPTY
        self.nr_pend = self.nr_act = 0
        self.vmcr = vmcr
        self.apr = apr


class VgicDist(Lockable):
    """struct vgic_dist, the VM's; ``config_lock``, a mutex, is its ``holder``.

    ``waiters`` sleep until it is free. ``active_spis`` counts the SPIs on any ap_list: while there
    is one, every VCPU's writes to DIR trap.
    """

    FIELDS = ("holder", "waiters", "active_spis")
    __slots__ = FIELDS[1:]

    def __init__(self) -> None:
        super().__init__(LockId(CONFIG))
        self.waiters: tuple[int, ...] = ()
        self.active_spis = 0
