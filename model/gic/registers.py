"""Numbers the GIC's pieces share: special INTIDs, ICH_HCR bits, priority grouping, the VMCR.

A *candidate* is one integer that says which pending interrupt comes first: its priority, then its
group, then its INTID, from the most significant bit down, so that the least candidate is the one
the architecture presents first (lower values are higher priorities, IHI0048 section 3.3; among
equal priorities the choice is IMPLEMENTATION DEFINED, here the lowest INTID).
"""

from typing import NamedTuple

__all__ = [
    "FIRST_LPI",
    "FIRST_SPI",
    "GROUP_BIT",
    "HCR_CAUSES",
    "HCR_EN",
    "HCR_EOICOUNT",
    "HCR_EOICOUNT_ONE",
    "HCR_EOICOUNT_SHIFT",
    "HCR_GROUP_CAUSES",
    "HCR_LRENPIE",
    "HCR_NPIE",
    "HCR_TC",
    "HCR_TDIR",
    "HCR_UIE",
    "HCR_V2",
    "HCR_VGRP0DIE",
    "HCR_VGRP0EIE",
    "HCR_VGRP1DIE",
    "HCR_VGRP1EIE",
    "IDLE",
    "INTID_MASK",
    "MIN_BPR0",
    "MIN_BPR1",
    "MISR_EOI",
    "MISR_LRENP",
    "MISR_NP",
    "MISR_U",
    "MISR_VGRP0D",
    "MISR_VGRP0E",
    "MISR_VGRP1D",
    "MISR_VGRP1E",
    "NONE",
    "PRIORITY_MASK",
    "PRIORITY_SHIFT",
    "SGIS",
    "SPECIAL",
    "SPURIOUS",
    "TRAP",
    "Vmcr",
    "group_mask",
]

SGIS, FIRST_SPI, FIRST_LPI = 16, 32, 8192
"""INTIDs below ``SGIS`` are SGIs, those from there to ``FIRST_SPI`` PPIs."""
SPECIAL, SPURIOUS = 1020, 1023
"""From the first to the second INTIDs are special: the acknowledge got nothing."""
IDLE = 0xFF
TRAP = -2
"""What a guest's access returns when ICH_HCR_EL2.TDIR or TC sends it to the hypervisor."""

# Candidates.
INTID_MASK = 0xFF_FFFF
GROUP_BIT = 1 << 24
PRIORITY_SHIFT = 25
NONE = 0x100 << PRIORITY_SHIFT | GROUP_BIT | SPURIOUS

# Five bits of priority are implemented, physical and virtual, all of them usable for preemption.
PRIORITY_MASK = 0xF8
MIN_BPR0 = 2
MIN_BPR1 = 3

# GICH_HCR and ICH_HCR_EL2 agree in these bits (IHI0048 section 5.3, IHI0069 chapter 12).
HCR_EN = 1 << 0
HCR_UIE = 1 << 1
HCR_LRENPIE = 1 << 2
HCR_NPIE = 1 << 3
HCR_VGRP0EIE = 1 << 4
HCR_VGRP0DIE = 1 << 5
HCR_VGRP1EIE = 1 << 6
HCR_VGRP1DIE = 1 << 7
HCR_GROUP_CAUSES = HCR_VGRP0EIE | HCR_VGRP0DIE | HCR_VGRP1EIE | HCR_VGRP1DIE
HCR_CAUSES = HCR_UIE | HCR_LRENPIE | HCR_NPIE | HCR_GROUP_CAUSES
"""What enables causes of a maintenance interrupt, besides the EOI bits of List Registers."""
HCR_TC = 1 << 10
HCR_TDIR = 1 << 14
HCR_EOICOUNT_SHIFT = 27
HCR_EOICOUNT_ONE = 1 << HCR_EOICOUNT_SHIFT
HCR_EOICOUNT = 0x1F << HCR_EOICOUNT_SHIFT
HCR_V2 = HCR_EN | HCR_CAUSES | HCR_EOICOUNT
"""All that GICH_HCR has; TDIR and the other traps are GICv3's."""

MISR_EOI = 1 << 0
MISR_U = 1 << 1
MISR_LRENP = 1 << 2
MISR_NP = 1 << 3
MISR_VGRP0E = 1 << 4
MISR_VGRP0D = 1 << 5
MISR_VGRP1E = 1 << 6
MISR_VGRP1D = 1 << 7


class Vmcr(NamedTuple):
    """What the guest wrote to its CPU interface: GICH_VMCR, ICH_VMCR_EL2. VCPU context.

    ``pmr`` is the priority mask (0 to 0xF8), ``bpr0`` and ``bpr1`` the binary points of the groups,
    ``cbpr`` that group 1 uses that of group 0, ``eoim`` the EOImode (0: EOIR deactivates too),
    ``enable0`` and ``enable1`` the enables of the groups.
    """

    pmr: int = 0xF0
    bpr0: int = MIN_BPR0
    bpr1: int = MIN_BPR1
    cbpr: bool = False
    eoim: int = 0
    enable0: bool = False
    enable1: bool = True

    def implemented(self) -> "Vmcr":
        """Return what the register holds once this is written to it.

        Five bits of the priority mask are implemented, and a binary point that is less than the
        minimum becomes the minimum (IHI0069 ICH_VMCR_EL2).
        """
        return self._replace(
            pmr=self.pmr & PRIORITY_MASK,
            bpr0=max(self.bpr0, MIN_BPR0),
            bpr1=max(self.bpr1, MIN_BPR1),
        )


def group_mask(group: int, bpr0: int, bpr1: int, cbpr: bool = False) -> int:
    """Return the bits of a priority, as a mask, that take part in preemption (IHI0069 section 4.8).

    BPR0 = n leaves bits [7:n+1], BPR1 = n leaves [7:n]; with CBPR group 1 uses BPR0 as well.
    """
    if group and not cbpr:
        return 0xFF << bpr1 & 0xFF
    return 0xFF << (bpr0 + 1) & 0xFF
