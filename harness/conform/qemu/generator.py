"""Seeded operations, weighted towards what a hypervisor and its guests legally do.

The generator looks at the model's visible state (the words of a snapshot) and at what earlier
acknowledges returned, so that most operations are the sensible next one: the priority drop of what
runs, the deactivation of what was dropped, a List Register for what is active. A share of each is
deliberately off: the wrong INTID, the wrong CPU, an occupied List Register.
"""

import random
from collections.abc import Callable, Sequence

from harness.conform.qemu.emit import LINE_PPIS, LINE_SPIS, MAINTENANCE, SPIS, TIMER, Operation
from harness.conform.qemu.layout import CPU_FIELDS, SHARED_FIELDS

__all__ = ["Generator", "View"]

#: The words of a snapshot: one tuple for each CPU, and the shared one last.
View = Sequence[Sequence[int]]

_SGIS = (0, 1, 5, 15)
_PPIS = (16, 23, MAINTENANCE, 26, TIMER, 30)
_PRIORITIES = (0x00, 0x20, 0x40, 0x60, 0x80, 0x88, 0x90, 0xA0, 0xA8, 0xC0, 0xE0, 0xF8)
_MASKS = (0xF0, 0xF0, 0xF0, 0xF0, 0xF0, 0xF8, 0xF8, 0xC0, 0xA0, 0x80, 0x40, 0x00)
_VINTIDS = (2, 7, 27, 30, 33, 40, 77, 500)
_SPURIOUS = 1020


class Generator:
    """A stream of operations for one GIC version (2 or 3) and a number of CPUs (1 to 8).

    All its choices come from ``rng``: the same seed and the same views make the same operations.
    """

    def __init__(self, rng: random.Random, gic: int, cpus: int) -> None:
        self.rng = rng
        self.gic = gic
        self.view: View = ()
        self.cpus = cpus
        self.spis = SPIS if gic == 3 or cpus == 1 else ()
        self.field = {name: index for index, name in enumerate(CPU_FIELDS[gic])}
        self.shared = {name: index for index, name in enumerate(SHARED_FIELDS)}
        self.lines: dict[tuple[int, int], int] = {}
        self.timer_state: dict[int, tuple[int, int, int]] = {}
        self.running: list[list[int]] = [[] for _ in range(cpus)]
        self.dropped: list[tuple[int, int]] = []
        self.guest: list[list[tuple[int, int]]] = [[] for _ in range(cpus)]
        self.guest_dropped: list[list[int]] = [[] for _ in range(cpus)]
        self.queue: list[Operation] = []
        self.eoimode = [0] * cpus
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
            self._config: 1, self._target: 2, self._pmr: 1.2, self._bpr: 0.6, self._mode: 0.8,
            self._hcr: 2.5, self._vmcr: 2, self._vpmr: 0.6, self._apr: 0.3, self._clear_lr: 1,
        }  # fmt: skip
        if self.gic == 3:
            makers[self._group_enable] = 0.3
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
                for intid in (*_SGIS, *_PPIS)
                if self.gic == 3 or intid >= 16
            ]
            operations += [
                ("priority", cpu, intid, self.rng.choice(_PRIORITIES)) for intid in (*_SGIS, *_PPIS)
            ]
            operations += [("hcr", cpu, 1), self._vmcr_operation(cpu)]
        operations += [("enable", 0, intid, 1) for intid in self.spis]
        return operations

    def observe(self, operation: Operation, value: int | None) -> None:
        """Learn what an operation returned: None if it is not one that reads."""
        name, cpu = operation[0], int(operation[1])
        if name == "iar" and value is not None and value & 0x3FF < _SPURIOUS:
            self.running[cpu].append(value)
        elif name == "viar" and value is not None and value & 0x3FF < _SPURIOUS:
            self.guest[cpu].append((1, value))
        elif name == "viar0" and value is not None and value & 0x3FF < _SPURIOUS:
            self.guest[cpu].append((0, value))

    # -- parts ---------------------------------------------------------------------------------

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _some_intid(self) -> int:
        pool = self.rng.choice((_SGIS, _PPIS, self.spis or _PPIS, self.spis or _PPIS))
        return self.rng.choice(pool)

    def _active_word(self, cpu: int) -> int:
        private = self.view[cpu][self.field["ACTIVE"]]
        return private | self.view[-1][self.shared["SPI_ACTIVE"]] << 32

    def _some_active(self, cpu: int) -> int | None:
        word = self._active_word(cpu)
        active = [intid for intid in range(64) if word >> intid & 1]
        return self.rng.choice(active) if active else None

    # -- the physical side ---------------------------------------------------------------------

    def _line(self, cpu: int) -> Operation | None:
        intid = self.rng.choice(LINE_PPIS if self._chance(0.5) or not self.spis else LINE_SPIS)
        if intid == TIMER:
            return self._timer(cpu)
        key = (cpu if intid < 32 else -1, intid)
        level = 1 - self.lines.get(key, 0)
        self.lines[key] = level
        return ("line", cpu, intid, level)

    def _timer(self, cpu: int) -> Operation | None:
        enable, imask, met = self.timer_state.get(cpu, (0, 0, 0))
        if self._chance(0.4):
            enable, imask, met = 1, 0, 1 - met
        else:
            enable, imask, met = (int(self._chance(p)) for p in (0.8, 0.2, 0.6))
        self.timer_state[cpu] = (enable, imask, met)
        self.lines[cpu, TIMER] = int(enable and not imask and met)
        return ("timer", cpu, enable, imask, met)

    def _edge(self, cpu: int) -> Operation | None:
        if not self.spis:
            return None
        word = self.view[-1][self.shared["SPI_CONFIGURATION"]]
        edges = [
            intid
            for intid in LINE_SPIS
            if word >> 2 * (intid - 32) + 1 & 1 and not self.lines.get((-1, intid), 0)
        ]
        return ("edge", cpu, self.rng.choice(edges)) if edges else None

    def _pending(self, cpu: int) -> Operation | None:
        if not self.spis:
            return None
        intid = self.rng.choice(self.spis if self.spis and self._chance(0.7) else _PPIS)
        return ("pending", cpu, intid, int(self._chance(0.65)))

    def _sgi(self, cpu: int) -> Operation | None:
        return ("sgi", cpu, self.rng.randrange(self.cpus), self.rng.choice(_SGIS))

    def _iar(self, cpu: int) -> Operation | None:
        irq = self.view[cpu][self.field["IRQ"]]
        return ("iar", cpu) if irq or self._chance(0.1) else None

    def _eoir(self, cpu: int) -> Operation | None:
        stack = self.running[cpu]
        if not stack:
            return ("eoir", cpu, self._some_intid()) if self._chance(0.04) else None
        value = stack.pop()
        if self._chance(0.03):
            return ("eoir", cpu, self.rng.choice((self._some_intid(), 1023)))
        if self.eoimode[cpu]:
            self.dropped.append((cpu, value))
            del self.dropped[:-40]
        return ("eoir", cpu, value)

    def _dir(self, cpu: int) -> Operation | None:
        if self.dropped and self._chance(0.6):
            owner, value = self.dropped.pop(self.rng.randrange(len(self.dropped)))
            if value & 0x3FF >= 32 and self._chance(0.4):
                owner = self.rng.randrange(self.cpus)
            return ("dir", owner, value)
        if self._chance(0.25):
            intid = self._some_active(cpu)
            return ("dir", cpu, intid if intid is not None else self._some_intid())
        return None

    def _enable(self, cpu: int) -> Operation | None:
        intid = self._some_intid()
        if self.gic == 2 and intid < 16:
            return None
        return ("enable", cpu, intid, int(self._chance(0.75)))

    def _active(self, cpu: int) -> Operation | None:
        intid = self._some_active(cpu) if self._chance(0.5) else None
        if intid is None:
            intid = self._some_intid()
        return ("active", cpu, intid, int(self._chance(0.4)))

    def _priority(self, cpu: int) -> Operation | None:
        return ("priority", cpu, self._some_intid(), self.rng.choice(_PRIORITIES))

    def _config(self, cpu: int) -> Operation | None:
        if not self.spis:
            return None
        if self.spis and self._chance(0.7):
            first, mask = 32, self.rng.getrandbits(8) & 0xFE
            enabled = self.view[-1][self.shared["SPI_ENABLE"]]
        else:
            # The maintenance interrupt stays a level, as it is one.
            first, mask = 16, self.rng.getrandbits(16) & ~(1 << MAINTENANCE - 16) & 0x4C81
            enabled = self.view[cpu][self.field["ENABLE"]] >> 16
        self.queue = [
            ("enable", cpu, first + bit, 1)
            for bit in range(16)
            if enabled >> bit & 1 and self._chance(0.95)
        ]
        return ("config", cpu, first, mask)

    def _target(self, cpu: int) -> Operation | None:
        if not self.spis or self.cpus == 1:
            return None
        return ("target", cpu, self.rng.choice(self.spis), self.rng.randrange(self.cpus))

    def _pmr(self, cpu: int) -> Operation | None:
        return ("pmr", cpu, self.rng.choice(_MASKS))

    def _bpr(self, cpu: int) -> Operation | None:
        if self.gic == 2 and self.view[cpu][self.field["RPR"]] != 0xFF:
            return None
        return ("bpr", cpu, self.rng.randrange(8))

    def _mode(self, cpu: int) -> Operation | None:
        self.eoimode[cpu] = int(self._chance(0.75))
        return ("eoimode", cpu, self.eoimode[cpu])

    def _group_enable(self, cpu: int) -> Operation | None:
        return ("group_enable", cpu, int(self._chance(0.8)))

    # -- the virtual side: the hypervisor ----------------------------------------------------

    def _encode(
        self, vintid: int, state: int, pintid: int | None, priority: int, group: int, eoi: bool
    ) -> int:
        if self.gic == 3:
            value = vintid | priority << 48 | group << 60 | state << 62
            return value | (eoi << 41 if pintid is None else pintid << 32 | 1 << 61)
        value = vintid | priority >> 3 << 23 | state << 28 | group << 30
        if vintid < 16:
            # The CPU that requested the SGI.
            value |= self.rng.randrange(8) << 10
        return value | (eoi << 19 if pintid is None else pintid << 10 | 1 << 31)

    def _write_lr(self, cpu: int) -> Operation | None:
        rng = self.rng
        elrsr = self.view[cpu][self.field["ELRSR"]]
        empty = [index for index in range(4) if elrsr >> index & 1]
        index = rng.choice(empty) if empty and self._chance(0.93) else rng.randrange(4)
        taken = {self.view[cpu][other] & 0x3FF for other in range(4) if other != index}
        free = [vintid for vintid in _VINTIDS if vintid not in taken]
        vintid = rng.choice(free if self.gic == 2 or self._chance(0.97) else _VINTIDS)
        pintid = None
        # An SGI is never a hardware interrupt (IHI0048 section 5.3.9).
        if vintid >= 16 and self._chance(0.7):
            pintid = self._forwarded(cpu)
            if pintid is not None and pintid < 16:
                pintid = None
        state = rng.choices((1, 2, 3, 0), (80, 8, 10, 2))[0]
        # Pending and active together with HW is CONSTRAINED UNPREDICTABLE: now and then only.
        if state == 3 and pintid is not None and self._chance(0.7):
            state = 1
        priority = rng.choice(_PRIORITIES)
        group = int(self._chance(0.8 if self.gic == 3 else 0.3))
        eoi = pintid is None and self._chance(0.3)
        return ("lr", cpu, index, self._encode(vintid, state, pintid, priority, group, eoi))

    def _forwarded(self, cpu: int) -> int | None:
        """Return a physical interrupt for a List Register: best one whose priority is dropped."""
        mine = [each for each in self.dropped if each[0] == cpu and each[1] & 0x3FF >= 16]
        if mine and self._chance(0.85):
            chosen = self.rng.choice(mine)
            if self._chance(0.9):
                # From now on the guest deactivates it.
                self.dropped.remove(chosen)
            return chosen[1] & 0x3FF
        return self._some_active(cpu) if self._chance(0.85) else self._some_intid()

    def _clear_lr(self, cpu: int) -> Operation | None:
        return ("lr", cpu, self.rng.randrange(4), 0)

    def _hcr(self, cpu: int) -> Operation | None:
        value = int(self._chance(0.97))
        for bit, probability in (
            (1, 0.3),
            (2, 0.3),
            (3, 0.3),
            (4, 0.1),
            (5, 0.1),
            (6, 0.1),
            (7, 0.1),
        ):
            value |= int(self._chance(probability)) << bit
        if self._chance(0.2):
            value |= self.rng.choice((1, 30, 31)) << 27
        return ("hcr", cpu, value)

    def _vmcr(self, cpu: int) -> Operation | None:
        return self._vmcr_operation(cpu)

    def _vmcr_operation(self, cpu: int) -> Operation:
        """Return a restored VMCR: mask, binary points, EOImode, groups (one layout for both).

        GICv2: see excuse `preemption-without-group-mask` for what is avoided.
        """
        rng = self.rng
        value = rng.choice(_MASKS) << 24
        value |= (1 << 9 if self._chance(0.45) else 0) | (1 << 4 if self._chance(0.1) else 0)
        if self.gic == 3:
            value |= rng.choice((2, 2, 3, 5, 7)) << 21 | rng.choice((3, 3, 4, 6)) << 18
            return ("vmcr", cpu, value | rng.choice((3, 3, 3, 3, 2, 1, 0)))
        if self.view[cpu][self.field["APR"]]:
            value |= self.view[cpu][self.field["VMCR"]] & 0x3F << 18
        else:
            point = rng.choice((2, 2, 3, 5, 6))
            value |= point << 21 | point + 1 << 18
        return ("vmcr", cpu, value & ~(1 << 4) | rng.choice((3, 3, 3, 3, 0)))

    def _apr(self, cpu: int) -> Operation | None:
        value = 0 if self._chance(0.6) else 1 << self.rng.randrange(32)
        if self.gic == 2 and value:
            point = self.view[cpu][self.field["VMCR"]] >> 21 & 7
            value = 1 << ((value.bit_length() - 1) & 0x1F << point - 2)
        if not value:
            self.guest[cpu].clear()
        return ("apr", cpu, self.rng.randrange(2) if self.gic == 3 else 0, value)

    # -- the virtual side: the guest -----------------------------------------------------------

    def _viar(self, cpu: int) -> Operation | None:
        signal = self.view[cpu][self.field["VIRQ"]]
        if signal & 0x40 or (self.gic == 3 and self._chance(0.02)):
            return ("viar0", cpu)
        return ("viar", cpu) if signal or self._chance(0.06) else None

    def _veoir(self, cpu: int) -> Operation | None:
        stack = self.guest[cpu]
        if not stack:
            if not self._chance(0.05):
                return None
            stack.append((1, self.rng.choice(_VINTIDS)))
        group, value = stack.pop()
        if self._chance(0.04):
            value = self.rng.choice((*_VINTIDS, 1023))
        elif self._chance(0.02) and self.gic == 3:
            group = 1 - group
        if self.gic == 2 and self._misplaced(self.view[cpu], value):
            return None
        self.guest_dropped[cpu].append(value)
        del self.guest_dropped[cpu][:-8]
        return ("veoir" if group else "veoir0", cpu, value)

    def _misplaced(self, words: Sequence[int], value: int) -> bool:
        """Say whether this EOIR ends something else than what runs (GICv2).

        See excuse `guest-eoir-other-priority-v2`: that is avoided.
        """
        apr, vmcr = words[self.field["APR"]], words[self.field["VMCR"]]
        if vmcr >> 9 & 1:
            return False
        running = ((apr & -apr).bit_length() - 1) << 3
        mask = 0xFF << (vmcr >> 21 & 7) + 1
        for lr in words[:4]:
            if lr >> 29 & 1 and lr & 0x3FF == value & 0x3FF:
                return lr >> 20 & 0xF8 & mask != running
        return False

    def _vdir(self, cpu: int) -> Operation | None:
        waiting = self.guest_dropped[cpu]
        if waiting and self._chance(0.8):
            return ("vdir", cpu, waiting.pop(self.rng.randrange(len(waiting))))
        if self._chance(0.15):
            return ("vdir", cpu, self.rng.choice((*_VINTIDS, 1023)))
        return None

    def _vpmr(self, cpu: int) -> Operation | None:
        return ("vpmr", cpu, self.rng.choice(_MASKS))
