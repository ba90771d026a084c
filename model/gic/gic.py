"""A whole GIC: distributor, redistributors, CPU interfaces and virtual interfaces, version 2 or 3.

The class is built in layers, each a file: :mod:`~model.gic.distributor`,
:mod:`~model.gic.cpu_interface`, :mod:`~model.gic.virtual_cpu`. It holds no state but its parts.
"""

from collections.abc import Callable, Sequence

from model.facts import Fact
from model.gic.cpu_interface import CpuInterface
from model.gic.virtual_cpu import VirtualInterfaces
from model.gic.virtual_interface import VirtualInterface
from model.part import Part

__all__ = ["LR_MODES", "Gic"]

LR_MODES = ("arch", "polled", "quirk", "erratum")


class Gic(VirtualInterfaces):
    """The GIC of a machine with ``cpus`` CPUs, ``lrs`` List Registers each, and these SPIs.

    ``lr_on_guest_deactivate`` says what becomes of a HW List Register, and of the machine, when
    the guest deactivates its interrupt:

    * "arch": the register goes inactive and the physical interrupt is deactivated;
    * "polled": only the physical interrupt is deactivated, the register stays active;
    * "quirk": the register goes inactive only if the physical interrupt is active just then;
    * "erratum": as "arch", but a deactivation that finds the interrupt not active, and the highest
      priority pending one of the CPU, ends the delivery of interrupts to that CPU.

    ``eoicount_on_eoir_mode1`` says whether a guest's EOIR without a List Register is counted in
    EOIcount also in EOImode 1, where no deactivation would have followed: not by the architecture
    (IHI0069 ICH_HCR_EL2.EOIcount), but KVM's emulation of the CPU interface and QEMU do it.

    ``tdir`` is ICH_VTR_EL2.TDS: whether the CPUs implement ICH_HCR_EL2.TDIR. Those that do not
    can trap DIR only with all the registers that the groups have in common (TC).

    ``emit`` receives the facts of what changed. Every effect is immediate; how long a change of a
    line, a message or a deactivation takes on its way is the caller's business.

    Raises:
        ValueError: a version, a size, an INTID or a mode that there is not. List Registers are 1 to
            64 per CPU in GICv2 (GICH_VTR.ListRegs), 1 to 16 in GICv3 (ICH_VTR_EL2.ListRegs).
    """

    def __init__(
        self,
        *,
        version: int = 3,
        cpus: int,
        lrs: int = 4,
        spis: Sequence[int] = (),
        lr_on_guest_deactivate: str = "arch",
        eoicount_on_eoir_mode1: bool = False,
        tdir: bool = True,
        emit: Callable[[Fact], object] | None = None,
    ) -> None:
        super().__init__(version, cpus, spis, emit)
        if lr_on_guest_deactivate not in LR_MODES:
            known = ", ".join(LR_MODES)
            raise ValueError(f"lr_on_guest_deactivate {lr_on_guest_deactivate!r}: not in {known}")
        most = 64 if version == 2 else 16
        if not 1 <= lrs <= most:
            raise ValueError(f"{lrs} List Registers: GICv{version} has 1 to {most}")
        self.lrs = lrs
        self.lr_on_guest_deactivate = lr_on_guest_deactivate
        self.stays_active = lr_on_guest_deactivate == "polled"
        self.stays_unless_active = lr_on_guest_deactivate == "quirk"
        self.eoicount_on_eoir_mode1 = eoicount_on_eoir_mode1
        self.tdir = tdir
        self.erratum = lr_on_guest_deactivate == "erratum"
        self.cpuifs = [CpuInterface(c) for c in range(cpus)]
        self.vifs = [VirtualInterface(c, version, lrs) for c in range(cpus)]

    def groups(self) -> dict[str, dict[int, Part]]:
        """Return every stateful part by kind and CPU or (of an SPI) INTID, in a fixed order."""
        return {
            "bank": dict(enumerate(self.banks)),
            "cpuif": dict(enumerate(self.cpuifs)),
            "vif": dict(enumerate(self.vifs)),
            "lpis": dict(enumerate(self.lpis)),
            "spi": {intid: self.spis[intid] for intid in sorted(self.spis)},
        }

    def parts(self) -> list[tuple[str, Part]]:
        """Return every stateful part with its name, in a fixed order."""
        return [
            (f"{kind}{i}", part)
            for kind, group in self.groups().items()
            for i, part in group.items()
        ]
