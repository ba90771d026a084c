"""Bugs that were looked at and are no patches, each with the mechanism that the model lacks.

``vgic-race list museum`` prints them behind the patches. A hash without a project is Linux's.
"""

from typing import Final, NamedTuple

__all__ = ["LEFT_OUT", "Missing"]


class Missing(NamedTuple):
    """A bug: how the museum would call it, what it was, its ``source``, and what is ``missing``."""

    id: str
    title: str
    source: str
    missing: str


ITS: Final = "no commands of the ITS: an LPI is mapped for good"
MEMORY: Final = "no memory that is freed, and no references"
ROUTE: Final = "a physical interrupt does not follow its VCPU, in KVM and here"

LEFT_OUT: Final = (
    Missing("2", "polling the physical active state", "9f958c11b780",
            "nothing: it is what variant 57 does, by the machine"),
    Missing("5", "a flag 'told already' that ICPENDR does not clear", "544c572e0317",
            "the flag went with 4.4; what a guest clears of a mapped interrupt is finding F15"),
    Missing("10", "writes to ISPENDR, ICPENDR, ISACTIVER, ICACTIVER that the GIC is not told",
            "df635c5b184d", "it is 4.14's own, and both eras break there: findings F4, F15, F17"),
    Missing("16", "a VM with its interrupt controller in user space disables the timer's PPI",
            "d60d8b64280c", "no VM without a vgic"),
    Missing("17", "the same, its condition inverted", "cd15d2050c04", "no VM without a vgic"),
    Missing("18", "a read of the timer before the acknowledge has taken effect", "39a06b67c2c1",
            "steps are sequentially consistent: no read floats above another access"),
    Missing("19", "an interrupt that is disabled while active is on no list", "Bao 520c806",
            "the oracle's first branch is what mends it; variant 50-end shows the symptom"),
    Missing("22", "interrupts that the boot loader left active", "Xen b4df73de49",
            "no boot: the machine starts idle"),
    Missing("24", "a soft timer that is armed at every exit", "d35268da6687",
            "nothing goes wrong: it costs time"),
    Missing("33", "an LPI that comes while its handler runs on another CPU is dropped",
            "8f4b589595d0", "the host's flow handlers (IRQD_INPROGRESS), and irq affinity"),
    Missing("34", "a sleeping lock taken in a hard IRQ handler", "9090825fa997",
            "locks have no type here: PREEMPT_RT's do"),
    Missing("37", "timers of Xen on the wrong CPU", "Xen 43e39ffc70", "Xen's timers"),
    Missing("39-source", "the sender of an active SGI is forgotten at the exit",
            "Fix source vcpu issues for GICv2 SGI (2018)",
            "a GICv2 here does not compare the sender that a guest writes to EOIR"),
    Missing("40", "the sort of a long ap_list locks an interrupt twice", "d4a8061a7c5f",
            "the sort is one step, and takes no locks"),
    Missing("43", "two VCPUs that halt each other", "abd7229626b9",
            "not shown: the lock that serializes them is older than both eras"),
    Missing("43-user", "a write of user space reaches the hardware", "41ee52ecbcdc",
            "a VM with mapped devices is not saved here"),
    Missing("47-route", "IROUTER written in two halves", "Bao issue 394",
            "IROUTER is written whole"),
    Missing("48-elrsr", "a List Register's write is not seen in ELRSR", "Jailhouse cf0d1566",
            "register accesses act at once, in order"),
    Missing("49-route", "migrations that overtake each other", "Xen 31bc6a93a0, 91ef736493", ROUTE),
    Missing("49-current", "a List Register is written for the wrong VCPU", "Xen 071c61e736",
            "KVM writes them for itself alone: mutants of rule R1 do so"),
    Missing("50-source", "the sender of an SGI is ignored", "hvisor issue 282",
            "as 39-source"),
    Missing("51", "an LPI stays active in its List Register", "QEMU 82a65e3188ab",
            "a fault of the emulated CPU interface: lock step with QEMU is for that"),
    Missing("51-banked", "the active state of an SPI is banked", "QEMU 7175a562f157",
            "as 51"),
    Missing("52-init", "an injection before the vgic is set up", "ca7d9c829d41, 71afaba4a2e9",
            "the machine is set up before it starts"),
    Missing("53", "LPIs stay pending when they are disabled", "96085b949672",
            "the eras of today break there as well: finding F30"),
    Missing("54", "a translation cache without references", "ad362fe07fec", MEMORY),
    Missing("55", "a list that grows between its count and its copy", "7d8b44c54e0c", MEMORY),
    Missing("56", "the wrong pending table is saved", "lore 20191029071919.177-4", ITS),
    Missing("59", "a soft timer is not armed when the output falls", "b450dcce93bc",
            "a guest writes TVAL, then CTL, and the second write arms it"),
)  # fmt: skip
