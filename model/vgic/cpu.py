"""A VCPU's vgic, and the VM's: struct vgic_cpu and struct vgic_dist of include/kvm/arm_vgic.h."""

from collections.abc import Callable

from model.facts import (
    Bypassed,
    DistRead,
    Emulated,
    Fact,
    Halting,
    Queued,
    Resumed,
    Trapped,
    Unqueued,
)
from model.gic.lr import EMPTY, Lr
from model.gic.registers import Vmcr
from model.host.lock import Lockable
from model.identity import AP_LIST, CONFIG, Actor, LockId
from model.part import Part
from model.vgic.irq import VgicIrq

__all__ = ["DistCtlr", "VgicCpu", "VgicDist"]


class VgicCpu(Lockable):
    """struct vgic_cpu of VCPU ``vcpu``; ``ap_list_lock`` is its ``holder``.

    ``ap_list`` has the interrupts that are active or pending here, in order; ``lrs`` are the
    shadow List Registers, ``used`` how many of them are in use, ``last_lr`` the interrupt in the
    last of them (-1: none). ``hcr`` is what the flush chose for ICH_HCR_EL2 (0: there was none
    since the last sync) and ``eoicount`` what the save found there; ``spilled`` is the interrupt
    outside the List Registers that is being deactivated. ``nr_pend`` and ``nr_act`` are a flush's
    own: they count what an overflowing ap_list has. So is ``floor``: what is less urgent than that
    gets no List Register (-1: the flush does not look). ``vmcr`` and ``apr`` are the saved context
    of the virtual interface.
    """

    FIELDS = (
        "holder", "ap_list", "lrs", "used", "last_lr", "hcr", "eoicount", "spilled",
        "nr_pend", "nr_act", "floor", "vmcr", "apr",
    )  # fmt: skip
    __slots__ = (*FIELDS[1:], "vcpu")

    def __init__(self, vcpu: int, lrs: int, vmcr: Vmcr, apr: tuple[int, int]) -> None:
        super().__init__(LockId(AP_LIST, vcpu))
        self.vcpu = vcpu
        self.ap_list: tuple[int, ...] = ()
        self.lrs: tuple[Lr, ...] = (EMPTY,) * lrs
        self.used = 0
        self.last_lr = -1
        self.hcr = 0
        self.eoicount = 0
        self.spilled = EMPTY
        self.nr_pend = self.nr_act = 0
        self.floor = -1
        self.vmcr = vmcr
        self.apr = apr

    def canonical(self) -> object:
        """Without shadow List Registers out of use.

        A flush fills each register, and says which is the last, before it counts as used.
        """
        used, lrs = self.used, self.lrs
        return (
            self.holder,
            self.ap_list,
            lrs[:used] + (EMPTY,) * (len(lrs) - used),
            used,
            self.last_lr if used else -1,
            self.hcr,
            self.eoicount,
            self.spilled,
            self.nr_pend,
            self.nr_act,
            self.floor,
            self.vmcr,
            self.apr,
        )

    def queue(self, actor: Actor, irq: VgicIrq) -> None:
        """list_add_tail to the ap_list, with ap_list_lock and irq_lock held."""
        self.assert_held(actor, "change the ap_list")
        irq.assert_held(actor, "change the ap_list it is on")
        self.ap_list = (*self.ap_list, irq.intid)
        irq.vcpu = self.vcpu
        if self.emit is not None:
            self.emit(Queued(self.vcpu, irq.intid))

    def unqueue(self, actor: Actor, irq: VgicIrq) -> None:
        """list_del from the ap_list, with ap_list_lock and irq_lock held."""
        self.assert_held(actor, "change the ap_list")
        irq.assert_held(actor, "change the ap_list it is on")
        self.ap_list = tuple(i for i in self.ap_list if i != irq.intid)
        irq.vcpu = -1
        if self.emit is not None:
            self.emit(Unqueued(self.vcpu, irq.intid))

    def forget(self, irq: VgicIrq) -> None:
        """Leave ``irq`` off the ap_list of a fresh VM's VCPU: there is no lock to hold yet."""
        if irq.intid in self.ap_list:
            self.ap_list = tuple(i for i in self.ap_list if i != irq.intid)
            if self.emit is not None:
                self.emit(Unqueued(self.vcpu, irq.intid))
        irq.vcpu = -1

    def deactivate_outside(self, cpu: int, owner: int, irq: VgicIrq, lr: Lr, cause: str) -> None:
        """Begin to deactivate ``irq`` of ``owner``'s ap_list, in no register, for a guest.

        Args:
            cpu: the CPU that does it.
            owner: the VCPU on whose ap_list it is.
            irq: the interrupt.
            lr: the List Register that it would leave once the guest deactivated it.
            cause: "eoicount" or "dir".

        """
        self.spilled = lr
        if self.emit is not None:
            self.emit(Emulated(owner, cpu, irq.intid, irq.hwintid, cause))

    def trapped(self, intid: int) -> None:
        """Note that this VCPU's write to DIR for ``intid`` trapped."""
        if self.emit is not None:
            self.emit(Trapped(self.vcpu, intid))


class DistCtlr(Part):
    """dist->enabled: GICD_CTLR of the VM's distributor, as far as KVM has it.

    One enable is all: that of Group 1 in a GICv3 with one security state, of Group 0 in a GICv2
    (vgic_mmio_write_v3_misc, _v2_). Here it is on from the beginning, as firmware leaves it.
    """

    FIELDS = ("enabled",)
    __slots__ = (*FIELDS, "emit")

    emit: Callable[[Fact], object] | None

    def __init__(self) -> None:
        super().__init__()
        self.emit = None
        self.enabled = True

    def read(self, vcpu: int) -> None:
        """Say what the guest of ``vcpu`` reads of it."""
        if self.emit is not None:
            self.emit(DistRead(vcpu, int(self.enabled)))


class VgicDist(Lockable):
    """struct vgic_dist, the VM's; ``config_lock``, a mutex, is its ``holder``.

    ``waiters`` sleep until it is free. ``active_spis`` goes up by one for each SPI that is put on
    an ap_list, and down for each level SPI of software that a guest deactivates: unless it is 0
    every VCPU's writes to DIR trap. ``counts`` says that the machine has such SPIs: without them
    it never goes down, and stays at 1, which tells as much.
    """

    FIELDS = ("holder", "waiters", "active_spis")
    __slots__ = (*FIELDS[1:], "counts")

    def __init__(self, *, counts: bool = False) -> None:
        super().__init__(LockId(CONFIG))
        self.waiters: tuple[int, ...] = ()
        self.active_spis = 0
        self.counts = counts

    def spi_queued(self) -> bool:
        """atomic_fetch_inc(active_spis): return whether it was 0."""
        first = self.active_spis == 0
        self.active_spis = self.active_spis + 1 if self.counts else 1
        return first

    def spi_ended(self) -> None:
        """atomic_dec_if_positive(active_spis)."""
        if self.active_spis:
            self.active_spis -= 1

    def halting(self, vcpu: int, *, halted: bool) -> None:
        """Say that ``vcpu`` asks all VCPUs to leave their guests, or that they all have."""
        if self.emit is not None:
            self.emit(Halting(vcpu, halted))

    def resumed(self, vcpu: int, resumed: int) -> None:
        """Say that ``vcpu``, which had halted the guests, lets ``resumed`` go on."""
        if self.emit is not None:
            self.emit(Resumed(vcpu, resumed))

    def bypassed(self, vcpu: int, *, halted: bool) -> None:
        """Say that irq bypass keeps ``vcpu`` out of its guest, or lets it go on."""
        if self.emit is not None:
            self.emit(Bypassed(vcpu, halted))
