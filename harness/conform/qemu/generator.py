"""Seeded operations, weighted towards what a hypervisor and its guests legally do.

The generator looks at the model's visible state (the words of a snapshot) and at what earlier
acknowledges returned, so that most operations are the sensible next one: the priority drop of what
runs, the deactivation of what was dropped, a List Register for what is active. A share of each is
deliberately off: the wrong INTID, the wrong CPU, an occupied List Register.
"""

import random
from collections.abc import Callable

from harness.conform.qemu.choices import PPIS, PRIORITIES, SGIS, SPURIOUS, View
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.generator_physical import Physical
from harness.conform.qemu.generator_virtual import Virtual
from harness.conform.qemu.lines import SPIS
from model.gic.registers import FIRST_LPI

__all__ = ["Generator"]


class Generator(Physical, Virtual):
    """A stream of operations for one GIC version (2 or 3) and a number of CPUs (1 to 8).

    All its choices come from ``rng``: the same seed and the same views make the same operations.
    """

    def __init__(self, rng: random.Random, gic: int, cpus: int) -> None:
        super().__init__(rng, gic, cpus)
        makers = self._makers()
        self._kinds = list(makers)
        self._weights: list[float] = []
        total = 0.0
        for weight in makers.values():
            total += weight
            self._weights.append(total)

    def _makers(self) -> dict[Callable[[int], Operation | None], float]:
        makers: dict[Callable[[int], Operation | None], float] = {
            self._line: 12, self._timer: 3, self._edge: 4, self._pending: 4, self._sgi: 5,
            self._iar: 14, self._eoir: 14, self._dir: 7, self._write_lr: 13, self._viar: 16,
            self._veoir: 14, self._vdir: 9, self._enable: 3, self._active: 2.5, self._priority: 2,
            self._config: 1, self._target: 2, self._pmr: 1.2, self._bpr: 1, self._mode: 0.8,
            self._hcr: 2.5, self._vmcr: 2, self._vpmr: 0.6, self._apr: 0.3, self._clear_lr: 1,
        }  # fmt: skip
        makers |= {self._vbpr: 1.2, self._icfgr: 0.5, self._sgi_many: 1.5}
        if self.gic == 3:
            makers |= {
                self._group_enable: 0.5, self._group: 1, self._lpi: 4, self._lpi_property: 1.5,
            }  # fmt: skip
        else:
            makers[self._sgi_pending] = 2
        return makers

    def next(self, view: View) -> Operation:
        """Return the next operation, given what the model shows now."""
        if self.queue:
            return self.queue.pop()
        self.view = view
        while True:
            cpu = self.rng.randrange(self.cpus)
            made = self.rng.choices(self._kinds, cum_weights=self._weights)[0](cpu)
            if made is not None:
                return made

    def opening(self, view: View) -> list[Operation]:
        """Return what a hypervisor does first: everything enabled, interfaces on."""
        self.view = view
        operations: list[Operation] = []
        for cpu in range(self.cpus):
            operations += [
                ("enable", cpu, intid, 1)
                for intid in (*SGIS, *PPIS)
                if self.gic == 3 or intid >= 16
            ]
            operations += [
                ("priority", cpu, intid, self.rng.choice(PRIORITIES)) for intid in (*SGIS, *PPIS)
            ]
            operations += [("hcr", cpu, 1), self._vmcr_operation(cpu)]
            if self.gic == 3:
                operations += [
                    ("group", cpu, 0, self._groups() | 0xFFFF),
                    ("group_enable", cpu, 0, int(self._chance(0.95))),
                ]
        for intid in SPIS:
            operations += [
                ("enable", 0, intid, 1), ("priority", 0, intid, self.rng.choice(PRIORITIES))
            ]  # fmt: skip
        if self.gic == 3:
            operations.append(("group", 0, 32, self._groups()))
        return operations

    def observe(self, operation: Operation, value: int | None) -> None:
        """Learn what an operation returned: None if it is not one that reads."""
        name, cpu = operation[0], int(operation[1])
        if name == "iar" and value is not None and self._taken(value):
            self.running[cpu].append((1, value))
        elif name == "iar0" and value is not None and self._taken(value):
            self.running[cpu].append((0, value))
        elif name == "viar" and value is not None and self._taken(value):
            self.guest[cpu].append((1, value))
        elif name == "viar0" and value is not None and self._taken(value):
            self.guest[cpu].append((0, value))

    @staticmethod
    def _taken(value: int) -> bool:
        """Tell whether an acknowledge got something (GICv2: with the requesting CPU)."""
        return value >= FIRST_LPI or value & 0x3FF < SPURIOUS
