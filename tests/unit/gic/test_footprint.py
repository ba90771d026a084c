"""Which parts an operation writes: no state of one part is kept in another."""

from collections.abc import Callable

import pytest

from model.gic.gic import Gic
from model.gic.lr import PENDING, Lr
from model.gic.registers import HCR_EN

WRITTEN: set[int] = set()


def audited(gic: Gic) -> dict[int, str]:
    """Make every part note that it was written, by swapping its class as the audit does."""
    names = {}
    for name, part in gic.parts():
        names[id(part)] = name

        def note(self: object, name: str, value: object) -> None:
            WRITTEN.add(id(self))
            object.__setattr__(self, name, value)

        cls = type(part)
        part.__class__ = type(cls.__name__, (cls,), {"__slots__": (), "__setattr__": note})
    return names


READS: list[Callable[[Gic], object]] = [
    lambda g: g.irq_signal(0),
    lambda g: g.hppir(0),
    lambda g: g.rpr(0),
    lambda g: g.is_pending(0, 40),
    lambda g: g.is_active(0, 27),
    lambda g: g.virq_signal(0),
    lambda g: g.vhppir(0),
    lambda g: g.maintenance(0),
    lambda g: (g.elrsr(0), g.eisr(0), g.misr(0), g.save_vmcr(0), g.save_apr(0)),
]
OPERATIONS: list[tuple[Callable[[Gic], object], str]] = [
    *((read, "") for read in READS),
    (lambda g: g.set_line(0, 27, True), "bank0"),
    (lambda g: g.set_line(1, 40, True), "spi40"),
    (lambda g: g.set_targets(0, 40, 2), "spi40"),
    (lambda g: g.set_enable(0, 40, False), "spi40"),
    (lambda g: g.msi(1, 8192), "lpis1"),
    (lambda g: g.send_sgi(0, 1, 5), "bank1"),
    (lambda g: g.iar(0), "bank0 cpuif0"),
    (lambda g: g.iar(1), ""),
    (lambda g: g.eoir(0, 16), ""),
    (lambda g: g.dir(0, 28), "bank0"),
    (lambda g: g.deactivate(1, 41), "spi41"),
    (lambda g: g.set_pmr(0, 0), "cpuif0"),
    (lambda g: g.write_lr(0, 1, Lr(50, PENDING)), "vif0"),
    (lambda g: g.viar(0), "vif0"),
    (lambda g: g.vdir(0, 60), ""),
    (lambda g: g.set_vpmr(0, 0), "vif0"),
]


@pytest.mark.parametrize(("operation", "expected"), OPERATIONS)
def test_an_operation_writes_only_the_parts_it_is_about(
    operation: Callable[[Gic], object], expected: str
) -> None:
    gic = Gic(cpus=2, spis=(40, 41))
    gic.write_hcr(0, HCR_EN)
    gic.set_pending(0, 16, True)
    gic.set_active(0, 28, True)
    gic.set_active(0, 41, True)
    gic.write_lr(0, 0, Lr(27, PENDING, hw=True, pintid=27, priority=0xA0))
    names = audited(gic)
    WRITTEN.clear()
    operation(gic)
    assert " ".join(sorted(names[part] for part in WRITTEN)) == expected
