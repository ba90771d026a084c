"""Who is who in a trace: which thread runs which VCPU, and which host interrupt is which timer's.

Learned from the events themselves. A thread's name is a hint where nothing else tells: kvmtool
calls its threads ``kvm-vcpu-N``, QEMU ``CPU N/KVM``.
"""

import re

from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = ["MANY", "Irqs", "Threads"]

NAME = re.compile(r"kvm-vcpu-(\d{1,3})|CPU (\d{1,3})/KVM")
MANY = 4096
"""So many threads and host interrupts are remembered."""


class Threads:
    """The threads that run VCPUs, by pid, and back.

    ``several`` is set for good once two living threads run a VCPU of the same number.
    """

    def __init__(self) -> None:
        self.vcpu: dict[int, int] = {}
        self.pid: dict[int, int] = {}
        self.sure: set[int] = set()
        """The threads of which more than the name tells it."""
        self.several = False
        self.top = 0
        """More than the largest number of a VCPU."""

    def of(self, pid: int, comm: str) -> int:
        """Return the VCPU that a thread runs, or -1."""
        vcpu = self.vcpu.get(pid)
        if vcpu is not None:
            return vcpu
        named = NAME.fullmatch(comm)
        if named is None or pid <= 0:
            return -1
        number = int(named[1] or named[2])
        # Another thread of that VM monitor may have inherited the name.
        if number in self.pid or len(self.vcpu) >= MANY:
            return -1
        self.note(pid, number)
        return number

    def learn(self, pid: int, vcpu: int) -> None:
        """Take notice that thread ``pid`` runs ``vcpu``: it did what only such a thread does."""
        if self.vcpu.get(pid) == vcpu and pid in self.sure:
            return
        other = self.pid.get(vcpu)
        if other is not None and other != pid:
            if other in self.sure:
                self.several = True
                return
            del self.vcpu[other]
        if len(self.vcpu) >= MANY:
            self.several = True
            return
        self.sure.add(pid)
        self.note(pid, vcpu)

    def note(self, pid: int, vcpu: int) -> None:
        """Remember it."""
        old = self.vcpu.get(pid)
        if old is not None:
            self.pid.pop(old, None)
        self.vcpu[pid] = vcpu
        self.pid[vcpu] = pid
        self.top = max(self.top, vcpu + 1)

    def forget(self) -> None:
        """Events were lost: threads may have ended."""
        self.vcpu.clear()
        self.pid.clear()
        self.sure.clear()

    def died(self, pid: int) -> None:
        """A thread has ended: its number is free, and its pid."""
        self.sure.discard(pid)
        vcpu = self.vcpu.pop(pid, None)
        if vcpu is not None:
            self.pid.pop(vcpu, None)


NAMES = {"kvm guest vtimer": VTIMER_PPI, "kvm guest ptimer": PTIMER_PPI}


class Irqs:
    """The host's own numbers of the timers' interrupts, and the INTIDs of what is mapped.

    ``intid`` is by the host's number, ``mapped`` by vINTID.
    """

    def __init__(self) -> None:
        self.intid: dict[int, int] = {}
        self.mapped: dict[int, int] = {VTIMER_PPI: VTIMER_PPI}

    def of(self, irq: int, name: str = "") -> int:
        """Return the INTID of the host's interrupt ``irq``, or -1; its name may tell."""
        intid = self.intid.get(irq)
        if intid is not None:
            return intid
        if name in NAMES:
            self.intid[irq] = NAMES[name]
            return NAMES[name]
        return -1

    def learn(self, irq: int, vintid: int) -> None:
        """Take notice that ``irq`` is what ``vintid`` is mapped to."""
        if irq not in self.intid and len(self.intid) < MANY:
            self.intid[irq] = self.mapped.get(vintid, vintid)

    def map(self, vintid: int, intid: int) -> bool:
        """Take notice of a mapping; tell whether it is new."""
        if self.mapped.get(vintid) == intid or len(self.mapped) >= MANY:
            return False
        self.mapped[vintid] = intid
        return True
