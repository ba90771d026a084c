"""What a generator of operations knows: the state in view, earlier acknowledges, pools."""

import random
from collections.abc import Sequence

from harness.conform.qemu.emit import Operation
from harness.conform.qemu.layout import CPU_FIELDS, SHARED_FIELDS
from harness.conform.qemu.lines import MAINTENANCE, SPIS, TIMER

__all__ = ["MASKS", "PPIS", "PRIORITIES", "SGIS", "SPURIOUS", "VINTIDS", "Choices", "View"]

#: The words of a snapshot: one tuple for each CPU, and the shared one last.
View = Sequence[Sequence[int]]

SGIS = (0, 1, 5, 15)
PPIS = (16, 23, MAINTENANCE, 26, TIMER, 30)
PRIORITIES = (0x00, 0x20, 0x40, 0x60, 0x80, 0x88, 0x90, 0xA0, 0xA8, 0xC0, 0xE0, 0xF8)
MASKS = (0xF0, 0xF0, 0xF0, 0xF0, 0xF0, 0xF8, 0xF8, 0xC0, 0xA0, 0x80, 0x40, 0x00)
VINTIDS = {2: (2, 7, 27, 30, 33, 40, 77, 500), 3: (2, 7, 27, 30, 33, 40, 77, 500, 8195)}
SPURIOUS = 1020


class Choices:
    """A stream of operations for one GIC version (2 or 3) and a number of CPUs (1 to 8).

    All its choices come from ``rng``: the same seed and the same views make the same operations.
    """

    def __init__(self, rng: random.Random, gic: int, cpus: int) -> None:
        self.rng = rng
        self.gic = gic
        self.view: View = ()
        self.cpus = cpus
        #: QEMU's GICv2 has one ICFGR1 and one ICPENDR0 for all CPUs, and ISPENDR0 for one alone.
        self._shared_ppis = gic == 2 and cpus > 1
        self.field = {name: index for index, name in enumerate(CPU_FIELDS[gic])}
        self.shared = {name: index for index, name in enumerate(SHARED_FIELDS)}
        self.lines: dict[tuple[int, int], int] = {}
        self.timer_state: dict[int, tuple[int, int, int]] = {}
        self.running: list[list[tuple[int, int]]] = [[] for _ in range(cpus)]
        self.dropped: list[tuple[int, int]] = []
        self.guest: list[list[tuple[int, int]]] = [[] for _ in range(cpus)]
        self.guest_dropped: list[list[int]] = [[] for _ in range(cpus)]
        self.queue: list[Operation] = []
        self._vintid_mask = 0xFFFF if gic == 3 else 0x3FF
        self.eoimode = [0] * cpus

    # -- parts ---------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _some_intid(self) -> int:
        pool = self.rng.choice((SGIS, PPIS, SPIS, SPIS))
        return self.rng.choice(pool)

    def _active_word(self, cpu: int) -> int:
        private = self.view[cpu][self.field["ACTIVE"]]
        return private | self.view[-1][self.shared["SPI_ACTIVE"]] << 32

    def _some_active(self, cpu: int) -> int | None:
        word = self._active_word(cpu)
        active = [intid for intid in range(64) if word >> intid & 1]
        return self.rng.choice(active) if active else None

    def _mask(self) -> int:
        """Return a priority mask, now and then with bits that no priority has."""
        mask = self.rng.choice(MASKS)
        return mask | self.rng.getrandbits(3) if self._chance(0.3) else mask
