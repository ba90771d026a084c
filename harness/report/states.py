"""What an interrupt is to each who keeps it, step by step: distributor, LR, KVM and guest.

Told from facts alone, so of a run, of a stored log and of a trace alike. The letters are those of
KVM's own vgic-state in debugfs: P pending latch, L line, A active, H HW bit.
"""

from typing import NamedTuple

from model import facts
from model.check.checker import Checker
from model.check.listener import on
from model.check.setting import Setting
from model.check.state import State
from model.check.view import View
from model.check.views.active_states import ActiveStates
from model.check.views.guests import Guests
from model.check.views.latches import Latches
from model.check.views.lines import Lines
from model.check.views.list_registers import ListRegisters
from model.check.views.loaded_vcpus import LoadedVcpus
from model.facts import Fact
from model.gic.lr import ACTIVE, PENDING
from model.gic.registers import FIRST_LPI, FIRST_SPI, SGIS
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = [
    "COLUMNS",
    "LEGENDS",
    "NOTHING",
    "Four",
    "Interrupt",
    "States",
    "named",
    "software_letters",
]

COLUMNS = ("dist", "LR", "KVM", "guest")
"""Who keeps the state of an interrupt, in the order of :class:`Four`."""
LEGENDS = (
    "dist: P pending latch, L line high, A active",
    "LR: P pending, A active, H HW bit",
    "KVM: P pending latch, L line, A active, q on an ap_list, d disabled",
    "guest: ack acknowledged, eoi completed but not deactivated",
)
"""What the letters of each column mean. "@1" is on CPU 1."""
ACKNOWLEDGED, COMPLETED = 1, 2
GUEST = ("-", "ack", "eoi")


class Interrupt(NamedTuple):
    """An interrupt: ``vintid`` of ``vcpu``; of -1 the host's own, and a physical INTID then."""

    vcpu: int
    vintid: int


class Four(NamedTuple):
    """The state of an interrupt in a few letters each; "-" is nothing at all."""

    dist: str = "-"
    lr: str = "-"
    kvm: str = "-"
    guest: str = "-"


NOTHING = Four()


def named(which: Interrupt) -> str:
    """Return what an interrupt is called."""
    if which.vcpu < 0:
        return f"host INTID {which.vintid}"
    words = {VTIMER_PPI: ", virtual timer", PTIMER_PPI: ", physical timer"}
    what = "SGI" if which.vintid < SGIS else "vINTID"
    return f"{what} {which.vintid} of VCPU {which.vcpu}{words.get(which.vintid, '')}"


def software_letters(latch: bool, line: bool, active: bool, queued: str, disabled: bool) -> str:
    """Return the letters of KVM's state of an interrupt; ``queued`` are those of its ap_list."""
    return "P" * latch + "L" * line + "A" * active + queued + "d" * disabled or "-"


class Software(State):
    """KVM's state of an interrupt (struct vgic_irq), and the VCPU on whose ap_list it is."""

    latch: bool = False
    line: bool = False
    active: bool = False
    disabled: bool = False
    queued: int = -1


class Handled(State):
    """How far the guest is with an interrupt: not at it, acknowledged, or completed."""

    stage: int = 0


class SoftwareOfAll(View):
    """``of[v, vintid]``: KVM's state of every interrupt; ``v`` is -1 for an SPI.

    It is what KVM of the era makes of the facts; of a variant, the machine itself knows better.
    """

    loaded: LoadedVcpus

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Software)
        self.levels = {VTIMER_PPI, PTIMER_PPI}
        self.levels |= {f.vintid for f in self.setting.drivers if f.level}

    def at(self, vcpu: int, vintid: int) -> Software:
        """Return the state of an interrupt as a VCPU sees it."""
        return self.of[-1 if vintid >= FIRST_SPI else vcpu, vintid]

    @on(facts.Injected)
    def on_inject(self, f: facts.Injected) -> None:
        """A level or an edge was given to it."""
        if f.accepted and f.vintid in self.levels:
            self.at(f.vcpu, f.vintid).line = f.level
        elif f.accepted:
            self.at(f.vcpu, f.vintid).latch = True

    @on(facts.Resampled)
    def on_resample(self, f: facts.Resampled) -> None:
        """KVM read the line again."""
        self.at(f.vcpu, f.vintid).line = f.level

    @on(facts.LrWritten)
    def on_written(self, f: facts.LrWritten) -> None:
        """A List Register tells what was consumed for it: the latch of an edge.

        Of a mapped level interrupt the line is, since 4.16; of a forwarded SPI in both eras.
        """
        v, lr = self.loaded.on[f.pcpu].vcpu, f.after
        if not lr.state & PENDING or v < 0:
            return
        irq = self.at(v, lr.vintid)
        if lr.vintid not in self.levels:
            irq.latch = False
        elif lr.hw and (lr.vintid >= FIRST_SPI or self.era != "v4.14"):
            irq.line = False

    @on(facts.Folded)
    def on_fold(self, f: facts.Folded) -> None:
        """A List Register was folded back."""
        irq = self.at(f.vcpu, f.vintid)
        irq.active, irq.line, irq.latch = f.active, f.line_level, f.pending_latch

    @on(facts.SoftwareChanged)
    def on_change(self, f: facts.SoftwareChanged) -> None:
        """It became so under its lock."""
        irq = self.at(f.vcpu, f.vintid)
        irq.active, irq.line, irq.latch = f.active, f.line_level, f.pending_latch
        irq.disabled = not f.enabled

    @on(facts.RegisterWritten)
    def on_register(self, f: facts.RegisterWritten) -> None:
        """A register of the emulated distributor was written."""
        irq = self.at(f.owner, f.vintid)
        match f.register:
            case "isenabler" | "icenabler":
                irq.disabled = f.register == "icenabler"
            case "ispendr" | "icpendr":
                irq.latch = f.register == "ispendr"
            case "isactiver" | "icactiver":
                irq.active = f.register == "isactiver"
            case "reset":
                irq.active = irq.latch = irq.line = False
                irq.disabled = True

    @on(facts.Queued)
    def on_queue(self, f: facts.Queued) -> None:
        """It was put on an ap_list."""
        self.at(f.vcpu, f.vintid).queued = f.vcpu

    @on(facts.Unqueued)
    def on_unqueue(self, f: facts.Unqueued) -> None:
        """It was taken off."""
        self.at(f.vcpu, f.vintid).queued = -1


class HandledByGuests(View):
    """``of[v, vintid].stage``: how far the guest of VCPU ``v`` is with an interrupt."""

    guests: Guests

    def setup(self) -> None:
        """Make the states."""
        self.of = self.members(Handled)

    def note(self, pcpu: int, vintid: int, stage: int) -> None:
        """Note what the guest on a CPU did."""
        if (v := self.guests.on[pcpu].vcpu) >= 0:
            self.of[v, vintid].stage = stage

    @on(facts.AckedByGuest)
    def on_ack(self, f: facts.AckedByGuest) -> None:
        """A guest read IAR."""
        self.note(f.pcpu, f.vintid, ACKNOWLEDGED)

    @on(facts.Completed)
    def on_eoi(self, f: facts.Completed) -> None:
        """A guest wrote EOIR."""
        self.note(f.pcpu, f.vintid, COMPLETED)

    @on(facts.DeactivatedByGuest)
    def on_deactivate(self, f: facts.DeactivatedByGuest) -> None:
        """A guest deactivated it: by EOIR, or by DIR."""
        self.note(f.pcpu, f.vintid, 0)

    @on(facts.Emulated)
    def on_emulated(self, f: facts.Emulated) -> None:
        """KVM did so for a DIR that trapped."""
        if f.cause == "dir":
            self.of[f.vcpu, f.vintid].stage = 0


class States:
    """Hears the facts of an execution; :meth:`of` says what an interrupt is by now."""

    def __init__(self, setting: Setting, era: str) -> None:
        self.setting = setting
        self.checker = Checker(setting, era, rules=(), states=())
        view = self.checker.view
        self.active, self.lines, self.latches = view(ActiveStates), view(Lines), view(Latches)
        self.lrs, self.loaded = view(ListRegisters), view(LoadedVcpus)
        self.software, self.handled = view(SoftwareOfAll), view(HandledByGuests)
        self.physical = {f.vintid: f.intid for f in setting.forwards}
        self.physical.update({n: n for n in setting.direct})

    def hear(self, fact: Fact) -> None:
        """Take notice of a fact."""
        self.checker.emit(fact)

    def of(self, which: Interrupt) -> Four:
        """Return the state of an interrupt as it is now."""
        v, n = which
        if v < 0:
            return Four(self.at_distributor(n))
        intid = self.physical.get(n, -1)
        return Four(
            self.at_distributor(intid) if intid >= 0 else "-",
            self.in_registers(v, n),
            self.in_software(v, n),
            self.in_guest(v, n),
        )

    def at_distributor(self, intid: int) -> str:
        """Return a physical interrupt's letters; of a banked one, on each CPU where it has any."""
        if FIRST_SPI <= intid < FIRST_LPI:
            return self.letters(0, intid, self.latches.spis.bits >> intid & 1)
        found = []
        for c in range(self.setting.pcpus):
            on_cpu = self.latches.on[c]
            lpi = intid >= FIRST_LPI
            latched = on_cpu.lpis >> intid - FIRST_LPI if lpi else on_cpu.bits >> intid
            found.append(self.letters(c, intid, latched & 1))
        return self.join(found)

    def letters(self, c: int, intid: int, latched: int) -> str:
        """Return the letters of an interrupt at the distributor, as CPU ``c`` sees it."""
        lpi = intid >= FIRST_LPI
        line = not lpi and self.lines.has(c, intid)
        active = not lpi and self.active.has(c, intid)
        return "P" * latched + "L" * line + "A" * active or "-"

    def in_registers(self, v: int, vintid: int) -> str:
        """Return what the hardware's List Registers hold of it."""
        found = []
        for c in range(self.setting.pcpus):
            text = "-"
            for _, lr in self.lrs.on[c].used:
                if lr.vintid == vintid and (vintid >= FIRST_SPI or self.loaded.on[c].vcpu == v):
                    text = "P" * bool(lr.state & PENDING) + "A" * bool(lr.state & ACTIVE)
                    text += "H" * lr.hw
            found.append(text)
        return self.join(found)

    def in_software(self, v: int, vintid: int) -> str:
        """Return KVM's letters of it."""
        irq = self.software.at(v, vintid)
        queued = "" if irq.queued < 0 else "q" if irq.queued == v else f"q{irq.queued}"
        return software_letters(irq.latch, irq.line, irq.active, queued, irq.disabled)

    def in_guest(self, v: int, vintid: int) -> str:
        """Return how far a guest is with it; an SPI may be with any."""
        whose = range(self.setting.vcpus) if vintid >= FIRST_SPI else (v,)
        return GUEST[max(self.handled.of[w, vintid].stage for w in whose)]

    def join(self, found: list[str]) -> str:
        """Return the letters of all CPUs as one text, each with its CPU where there are several."""
        if len(found) == 1:
            return found[0]
        return " ".join(f"{text}@{c}" for c, text in enumerate(found) if text != "-") or "-"
