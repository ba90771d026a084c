"""Operations on the virtual side: a hypervisor's List Registers and context, and its guest."""

from collections.abc import Sequence

from harness.conform.qemu.choices import MASKS, PRIORITIES, SGIS, VINTIDS, Choices
from harness.conform.qemu.emit import Operation

__all__ = ["Virtual"]


class Virtual(Choices):
    """What a hypervisor and its guest do."""

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
        taken = {self.view[cpu][other] & self._vintid_mask for other in range(4) if other != index}
        free = [vintid for vintid in VINTIDS[self.gic] if vintid not in taken]
        vintid = rng.choice(free if self.gic == 2 or self._chance(0.97) else VINTIDS[self.gic])
        pintid = None
        # An SGI is never a hardware interrupt (IHI0048 section 5.3.9).
        if vintid >= 16 and self._chance(0.7):
            pintid = self._forwarded(cpu)
        state = rng.choices((1, 2, 3, 0), (80, 8, 10, 2))[0]
        # Pending and active together with HW is CONSTRAINED UNPREDICTABLE: now and then only.
        if state == 3 and pintid is not None and self._chance(0.7):
            state = 1
        priority = rng.choice(PRIORITIES)
        group = int(self._chance(0.8 if self.gic == 3 else 0.3))
        eoi = pintid is None and self._chance(0.3)
        return ("lr", cpu, index, self._encode(vintid, state, pintid, priority, group, eoi))

    def _forwarded(self, cpu: int) -> int | None:
        """Return a physical interrupt for a List Register: best one whose priority is dropped."""
        if self._chance(0.08):
            # No interrupt that a List Register can deactivate.
            return self.rng.choice((*SGIS, 1000))
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
        if self.gic == 3 and self._chance(0.1):
            value |= 1 << 14
        if self.gic == 3 and self._chance(0.05):
            value |= 1 << 10
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
        # While HCR asks for VGrp0D maintenance, another excuse may be in force.
        plain = self.gic == 2 or self.view[cpu][self.field["HCR"]] >> 5 & 1
        value = (rng.choice(MASKS) if plain else self._mask()) << 24
        value |= (1 << 9 if self._chance(0.45) else 0) | (1 << 4 if self._chance(0.2) else 0)
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
            stack.append((1, self.rng.choice(VINTIDS[self.gic])))
        group, value = stack.pop()
        if self._chance(0.04):
            value = self.rng.choice((*VINTIDS[self.gic], 1023))
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
            return ("vdir", cpu, self.rng.choice((*VINTIDS[self.gic], 1023)))
        return None

    def _vpmr(self, cpu: int) -> Operation | None:
        return ("vpmr", cpu, self._mask())

    def _vbpr(self, cpu: int) -> Operation | None:
        """GICv2: both at once, for see excuse `preemption-without-group-mask`."""
        if self.gic == 3:
            return ("vbpr", cpu, self.rng.randrange(2), self.rng.randrange(8))
        if self.view[cpu][self.field["APR"]]:
            return None
        point = self.rng.randrange(2, 7)
        self.queue = [("vbpr", cpu, 1, point + 1)]
        return ("vbpr", cpu, 0, point)
