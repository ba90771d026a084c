"""The guests' programs of a generated scenario.

They are written in one order, one line of one VCPU after the other, such that they could be
executed in this order: who waits waits for what stands before it. So every wait ends, however the
scheduler has it, as no line but a wait can hold a VCPU up. What a guest takes away for a while
(masks, enable bits, routes) it gives back before it waits next.
"""

from collections.abc import Callable

from harness.scenarios.schema import VcpuSpec
from model.timer import PTIMER_PPI, VTIMER_PPI
from tests.generate.choosing import Chooser
from tests.generate.machines import Machine

__all__ = ["MAKERS", "Cpu", "Writer"]

VIRTUAL, PHYSICAL = "idle", "pidle"
"""The two timers, by the word that waits for them."""
PHYSICAL_LINE = "ptimer "
PPI = {VIRTUAL: VTIMER_PPI, PHYSICAL: PTIMER_PPI}
DELTAS = (20, 60, 100, 0, 200)
LAST_SGI = 12
"""SGIs above are for the meeting at the end, one from each VCPU."""


class Cpu:
    """The program of VCPU ``v`` as far as it is written.

    ``armed`` are the timers that are programmed and may not have fired, ``certain`` is how many
    interrupts of each its guest has waited for; ``undo`` are the lines that give back what it has
    taken away, by what that is.
    """

    def __init__(self, v: int) -> None:
        self.v = v
        self.lines: list[str] = []
        self.armed = {VIRTUAL: False, PHYSICAL: False}
        self.certain = {VIRTUAL: 0, PHYSICAL: 0}
        self.undo: dict[str, str] = {}
        self.timer: int | None = None
        self.ptimer: int | None = None

    def settle(self, *, careless: bool = False) -> None:
        """Give everything back, unless its guest is ``careless``."""
        if careless:
            return
        self.lines += self.undo.values()
        self.undo.clear()

    def give_back(self, what: str) -> None:
        """Give one thing back, if it is taken away."""
        if what in self.undo:
            self.lines.append(self.undo.pop(what))


class Writer:
    """Writes the programs for a machine.

    ``sent`` are the SGIs that were sent and may be waited for, as number and VCPU; ``dropped`` those
    that their VCPU may have thrown away. ``moves`` says that an SPI was routed to another VCPU.
    """

    def __init__(self, choose: Chooser, machine: Machine) -> None:
        self.choose = choose
        self.machine = machine
        self.cpus = [Cpu(v) for v in range(machine.vcpus)]
        self.sent: list[tuple[int, int]] = []
        self.dropped: set[tuple[int, int]] = set()
        self.awaited: set[tuple[int, int]] = set()
        self.pended: set[int] = set()
        self.moves = False
        self.careless = machine.wild and choose.chance(15)
        self.uses_ptimer = choose.chance(25)

    def write(self) -> tuple[VcpuSpec, ...]:
        """Return the programs."""
        choose = self.choose
        self.begin()
        verbs = [(verb, weight) for verb, (weight, _) in MAKERS.items()]
        for _ in range(choose.number(1, 5 + 4 * len(self.cpus))):
            cpu = choose.one_of(self.cpus)
            MAKERS[choose.weighted(verbs)][1](self, cpu)
        self.end()
        return tuple(
            VcpuSpec(tuple(cpu.lines), timer=cpu.timer, ptimer=cpu.ptimer) for cpu in self.cpus
        )

    # -- begin and end -------------------------------------------------------------------------

    def begin(self) -> None:
        """Let user space have programmed timers, of a VM that is not reset."""
        choose = self.choose
        for cpu in self.cpus:
            if not self.machine.resets and choose.chance(10):
                cpu.timer = choose.one_of(DELTAS)
                cpu.armed[VIRTUAL] = True
            if not self.machine.resets and self.uses_ptimer and choose.chance(10):
                cpu.ptimer = choose.one_of(DELTAS)
                cpu.armed[PHYSICAL] = True

    def end(self) -> None:
        """Let the guests wait for their devices and timers, and, where they must, for each other.

        A VCPU to which an SPI may go, or that deactivates for another, stays until that is over.
        """
        choose, machine = self.choose, self.machine
        meet = machine.vcpus > 1 and (
            self.moves or machine.others_deactivate or choose.chance(20)
        )
        for cpu in self.cpus:
            cpu.settle(careless=self.careless)
            for word in (VIRTUAL, PHYSICAL):
                if cpu.armed[word] and choose.chance(60):
                    self.wait_for_timer(cpu, word)
            owns = any(f.vcpu == cpu.v for f in machine.forward)
            # Else who waits for a device that follows another's may wait in vain.
            chained = any(f.after is not None for f in machine.forward)
            if owns and (meet or chained or choose.chance(80)):
                cpu.lines.append("wait")
        if meet:
            for cpu in self.cpus:
                others = [other for other in self.cpus if other is not cpu]
                cpu.lines += [f"sgi {15 - cpu.v} {other.v}" for other in others]
            for cpu in self.cpus:
                others = [other for other in self.cpus if other is not cpu]
                cpu.lines += [f"await {15 - other.v}" for other in others]
        for cpu in self.cpus:
            cpu.lines = cpu.lines or ["work 1"]

    # -- the timers ------------------------------------------------------------------------------

    def arm(self, cpu: Cpu, verb: str, word: str) -> None:
        """Program a timer."""
        if not self.machine.wild:
            # Else its guest enables it when it is due, perhaps: finding F1.
            cpu.give_back(f"enable {PPI[word]}")
        cpu.lines.append(f"{verb} {self.choose.one_of(DELTAS)}")
        cpu.armed[word] = True

    def disarm(self, cpu: Cpu, verb: str, word: str) -> None:
        """Turn a timer off."""
        cpu.lines.append(f"{verb} off")
        cpu.armed[word] = False

    def wait_for_timer(self, cpu: Cpu, word: str) -> None:
        """Wait for one more interrupt of a timer, if one must come."""
        if not cpu.armed[word]:
            return
        cpu.settle(careless=self.careless)
        cpu.certain[word] += 1
        cpu.lines.append(f"{word} {cpu.certain[word]}")
        cpu.armed[word] = False


def timer(w: Writer, cpu: Cpu) -> None:
    """Program the virtual timer by CVAL, or turn it off."""
    if w.choose.chance(15):
        w.disarm(cpu, "timer", VIRTUAL)
    else:
        w.arm(cpu, "timer", VIRTUAL)


def tval(w: Writer, cpu: Cpu) -> None:
    """Program the virtual timer by TVAL."""
    w.arm(cpu, "tval", VIRTUAL)


def ptimer(w: Writer, cpu: Cpu) -> None:
    """Program the physical timer, or turn it off."""
    if not w.uses_ptimer:
        return
    if w.choose.chance(15):
        w.disarm(cpu, "ptimer", PHYSICAL)
    else:
        w.arm(cpu, "ptimer", PHYSICAL)


def idle(w: Writer, cpu: Cpu) -> None:
    """Wait for the virtual timer."""
    w.wait_for_timer(cpu, VIRTUAL)


def pidle(w: Writer, cpu: Cpu) -> None:
    """Wait for the physical timer."""
    w.wait_for_timer(cpu, PHYSICAL)


def spin(w: Writer, cpu: Cpu) -> None:
    """Be busy until the timer comes, or for so long."""
    cpu.lines.append(f"spin {cpu.certain[VIRTUAL] + 1} {w.choose.number(1, 10)}")


def work(w: Writer, cpu: Cpu) -> None:
    """Be busy for so long."""
    cpu.lines.append(f"work {w.choose.number(1, 6)}")


def irqs(w: Writer, cpu: Cpu) -> None:
    """Mask interrupts, or let them in again."""
    if "irqs" in cpu.undo:
        cpu.give_back("irqs")
    else:
        cpu.lines.append("irqs off")
        cpu.undo["irqs"] = "irqs on"


def pmr(w: Writer, cpu: Cpu) -> None:
    """Let only what is urgent through, or all again."""
    if "pmr" in cpu.undo and w.choose.chance(60):
        cpu.give_back("pmr")
    else:
        cpu.lines.append(f"pmr {w.choose.one_of(('0x90', '0x50', '0xB0', '0'))}")
        cpu.undo["pmr"] = "pmr 0xF0"


def ppi(w: Writer, cpu: Cpu) -> None:
    """Disable the timer's PPI, or enable it again."""
    what = f"enable {VTIMER_PPI}"
    if what in cpu.undo:
        cpu.give_back(what)
    elif w.machine.wild or not cpu.armed[VIRTUAL]:
        cpu.lines.append("ppi off")
        cpu.undo[what] = "ppi on"


def user(w: Writer, cpu: Cpu) -> None:
    """Leave for user space."""
    cpu.lines.append("user")


def wait(w: Writer, cpu: Cpu) -> None:
    """Wait for the devices of this VCPU."""
    if any(f.vcpu == cpu.v for f in w.machine.forward):
        cpu.settle(careless=w.careless)
        cpu.lines.append("wait")


def serve(w: Writer, cpu: Cpu) -> None:
    """Wait for all devices: where somebody wakes this VCPU when they have been served.

    Those are its own; or, where another VCPU deactivates, those of the one before it.
    """
    machine = w.machine
    if not machine.forward:
        return
    owner = (cpu.v - 1) % machine.vcpus if machine.others_deactivate else cpu.v
    if machine.vcpus == 1 or all(f.vcpu == owner for f in machine.forward):
        if machine.others_deactivate and machine.eoi_first and not machine.wild:
            return  # it is woken before they have been served: its own fault
        cpu.settle(careless=w.careless)
        cpu.lines.append("serve")


def await_sgi(w: Writer, cpu: Cpu) -> None:
    """Wait for an SGI that was sent to this VCPU, or for an SPI that it has made pending."""
    mine = [n for n, v in w.sent if v == cpu.v and (n, v) not in w.dropped]
    if mine:
        n = w.choose.one_of(mine)
        cpu.settle(careless=w.careless)
        w.awaited.add((n, cpu.v))
        cpu.lines.append(f"await {n}")


def sgi(w: Writer, cpu: Cpu) -> None:
    """Send an SGI, mostly to another."""
    n, v = w.choose.number(0, LAST_SGI), w.choose.below(w.machine.vcpus)
    cpu.lines.append(f"sgi {n} {v}")
    if n:
        w.sent.append((n, v))


def own(w: Writer, cpu: Cpu) -> int:
    """Choose an interrupt of this VCPU, or an SPI of any; -1: there is none."""
    sgis = sorted({n for n, v in w.sent if v == cpu.v})
    spis = [f.vintid for f in w.machine.forward]
    some = [*spis, *sgis]
    if w.machine.wild or not cpu.armed[VIRTUAL]:
        some.append(VTIMER_PPI)
    if any(PHYSICAL_LINE in line for c in w.cpus for line in c.lines):
        some.append(PTIMER_PPI)
    return w.choose.one_of(some) if some else -1


def linked(w: Writer, vintid: int) -> bool:
    """Tell whether a List Register links it to a physical interrupt that has an active state."""
    kinds = [f.kind for f in w.machine.forward if f.vintid == vintid]
    return vintid == VTIMER_PPI or any(kind != "lpi" for kind in kinds)


def is_level(w: Writer, vintid: int) -> bool:
    """Tell whether it is a device's level."""
    return any(f.vintid == vintid and f.kind == "level" for f in w.machine.forward)


def enable(w: Writer, cpu: Cpu) -> None:
    """Enable what this VCPU has disabled, or what is enabled anyway."""
    disabled = [what for what in cpu.undo if what.startswith("enable ")]
    if disabled:
        cpu.give_back(w.choose.one_of(disabled))
    elif (n := own(w, cpu)) >= 0 and (w.machine.wild or not is_level(w, n)):
        cpu.lines.append(f"enable {n}")


def disable(w: Writer, cpu: Cpu) -> None:
    """Disable an interrupt until this VCPU waits next."""
    n = own(w, cpu)
    # Enabling a device's level when its line may be high is finding F1.
    if n >= 0 and (w.machine.wild or not is_level(w, n)):
        cpu.lines.append(f"disable {n}")
        cpu.undo[f"enable {n}"] = f"enable {n}"


def pend(w: Writer, cpu: Cpu) -> None:
    """Make an interrupt pending. With a linked one it is finding F4."""
    n = own(w, cpu)
    if n >= 0 and n != PTIMER_PPI and (w.machine.wild or not linked(w, n)):
        cpu.lines.append(f"pend {n}")


def unpend(w: Writer, cpu: Cpu) -> None:
    """Throw away what is pending, unless somebody waits for it."""
    n = own(w, cpu)
    if n < 0 or (n, cpu.v) in w.awaited or (n >= 32 and not w.machine.wild):
        return
    if n in (VTIMER_PPI, PTIMER_PPI) and not w.machine.wild:
        return
    if n < 16:
        w.dropped.add((n, cpu.v))
    cpu.lines.append(f"unpend {n}")


def activate(w: Writer, cpu: Cpu) -> None:
    """Make an interrupt active until this VCPU waits next; taking that back is F15 with some."""
    n = own(w, cpu)
    if n >= 0 and (w.machine.wild or not linked(w, n)):
        cpu.lines.append(f"activate {n}")
        cpu.undo[f"deactivate {n}"] = f"deactivate {n}"


def deactivate(w: Writer, cpu: Cpu) -> None:
    """Take an active state back that this VCPU has given; wildly, any."""
    activated = [what for what in cpu.undo if what.startswith("deactivate ")]
    if activated:
        cpu.give_back(w.choose.one_of(activated))
    elif w.machine.wild and (n := own(w, cpu)) >= 0:
        cpu.lines.append(f"deactivate {n}")


def target(w: Writer, cpu: Cpu) -> None:
    """Route an SPI to another VCPU until this one waits next, or back."""
    moved = [what for what in cpu.undo if what.startswith("target ")]
    if moved and w.choose.chance(50):
        cpu.give_back(w.choose.one_of(moved))
    elif w.machine.forward:
        f = w.choose.one_of(w.machine.forward)
        cpu.lines.append(f"target {f.vintid} {w.choose.below(w.machine.vcpus)}")
        cpu.undo[f"target {f.vintid}"] = f"target {f.vintid} {f.vcpu}"
        w.moves = True


def read(w: Writer, cpu: Cpu) -> None:
    """Read a register of the distributor."""
    n = own(w, cpu)
    if n >= 0:
        cpu.lines.append(f"read {w.choose.one_of(('pending', 'active'))} {n}")


MAKERS: dict[str, tuple[int, Callable[[Writer, Cpu], None]]] = {
    "work": (6, work),
    "timer": (14, timer),
    "idle": (8, idle),
    "spin": (5, spin),
    "tval": (3, tval),
    "ptimer": (8, ptimer),
    "pidle": (5, pidle),
    "irqs": (6, irqs),
    "pmr": (4, pmr),
    "ppi": (3, ppi),
    "user": (5, user),
    "wait": (4, wait),
    "serve": (3, serve),
    "await": (5, await_sgi),
    "sgi": (8, sgi),
    "enable": (3, enable),
    "disable": (4, disable),
    "pend": (4, pend),
    "unpend": (2, unpend),
    "activate": (3, activate),
    "deactivate": (3, deactivate),
    "target": (5, target),
    "read": (6, read),
}
"""Every instruction that ``harness.scenarios.program`` knows: how often, and what writes it."""
