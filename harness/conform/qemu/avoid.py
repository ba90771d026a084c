"""Operations that are left out because QEMU could not be brought back into step after them."""

from harness.conform.qemu.conditions_v3 import first_differs
from harness.conform.qemu.drive import Model
from harness.conform.qemu.emit import Operation

__all__ = ["avoided"]


def avoided(model: Model, operation: Operation) -> bool:
    """Tell whether an operation meets an excuse that is marked ``avoided``.

    GICv3, `disabled-group-hides-others` and `equal-priorities-of-two-groups`: an acknowledge while
    QEMU's first pending interrupt is another one, or of a disabled group. GICv2 with several CPUs,
    `spi-pending-per-cpu`: a new target for an SPI that is pending by its latch, or active.
    """
    name, cpu, *arguments = operation
    if model.version == 3:
        return name in ("iar", "iar0") and first_differs(model, int(cpu))
    if name == "target" and model.gic.cpus > 1:
        spi = model.gic.spis[int(arguments[0])]
        return spi.latch or spi.active
    return False
