"""What the guests of generated scenarios do: every instruction of the registry, by its makers.

A new instruction of ``harness.scenarios.instructions`` needs one here: a test says so.
"""

from collections.abc import Callable

from model.gic.registers import FIRST_LPI
from model.timer import PTIMER_PPI, VTIMER_PPI
from tests.generate.machines import PRIORITIES
from tests.generate.messages import its, lpis
from tests.generate.programs import (
    LAST_SGI,
    PHYSICAL,
    VIRTUAL,
    Cpu,
    Maker,
    Writer,
)

__all__ = ["MAKERS"]


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


def uses_ptimer(w: Writer) -> bool:
    """Tell whether a guest has its physical timer: else its interrupt is none."""
    return any("ptimer" in line or "cntp" in line for cpu in w.cpus for line in cpu.lines)


def own(w: Writer, cpu: Cpu) -> int:
    """Choose an interrupt of this VCPU, or an SPI of any; -1: there is none."""
    sgis = sorted({n for n, v in w.sent if v == cpu.v})
    spis = [f.vintid for f in w.machine.forward if f.vintid < FIRST_LPI]
    some = [*spis, *sgis]
    if w.machine.wild or not cpu.armed[VIRTUAL]:
        some.append(VTIMER_PPI)
    if uses_ptimer(w):
        some.append(PTIMER_PPI)
    return w.choose.one_of(some) if some else -1


def linked(w: Writer, vintid: int) -> bool:
    """Tell whether a List Register links it to a physical interrupt that has an active state."""
    return vintid == VTIMER_PPI or any(f.is_mapped for f in w.machine.forward if f.vintid == vintid)


def is_level(w: Writer, vintid: int) -> bool:
    """Tell whether it is a device's level."""
    return any(f.vintid == vintid and f.level for f in w.machine.forward)


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
    elif (spis := [f for f in w.machine.forward if f.vintid < FIRST_LPI]) and not w.bare:
        f = w.choose.one_of(spis)
        cpu.lines.append(f"target {f.vintid} {w.choose.below(w.machine.vcpus)}")
        cpu.undo[f"target {f.vintid}"] = f"target {f.vintid} {f.vcpu}"
        w.moves = True


def read(w: Writer, cpu: Cpu) -> None:
    """Read a register of the distributor."""
    n = own(w, cpu)
    name = w.choose.one_of(("pending", "active", "enabled", "priority", "target"))
    if n >= (32 if name == "target" else 0):
        cpu.lines.append(f"read {name} {n}")


def read_cpu(w: Writer, cpu: Cpu) -> None:
    """Read a register of the CPU interface, or of a timer."""
    names: list[str] = ["rpr", "hppir", "cntv_ctl", "cntv_cval", "cntv_tval"]
    if w.uses_ptimer:
        names += ["cntp_ctl", "cntp_cval", "cntp_tval"]
    cpu.lines.append(f"read {w.choose.one_of(names)}")


def of_another(w: Writer, cpu: Cpu) -> None:
    """Access another VCPU's redistributor: of an SGI that is sent to it; wildly, its timer's."""
    if w.machine.gic_version == 2:
        return
    some = sorted({(n, v) for n, v in w.sent if v != cpu.v})
    if w.machine.wild:
        some += [(VTIMER_PPI, other.v) for other in w.cpus if other is not cpu]
    if not some:
        return
    which = "{} {}".format(*w.choose.one_of(some))
    verbs = ("read pending", "read active", "read enabled", "disable", "activate", "activate")
    verb: str = w.choose.one_of(verbs)
    cpu.lines.append(f"{verb} {which}")
    if verb in GIVEN_BACK:
        cpu.undo[f"{GIVEN_BACK[verb]} {which}"] = f"{GIVEN_BACK[verb]} {which}"


GIVEN_BACK = {"disable": "enable", "activate": "deactivate"}


def priority(w: Writer, cpu: Cpu) -> None:
    """Give an interrupt another priority, which its guest lets through."""
    n = own(w, cpu)
    if n >= 0:
        cpu.lines.append(f"priority {n} {w.choose.one_of(PRIORITIES):#x}")


def bpr(w: Writer, cpu: Cpu) -> None:
    """Let more or fewer bits of a priority take part in preemption."""
    cpu.lines.append(f"bpr {w.choose.below(8)}")


def dist(w: Writer, cpu: Cpu) -> None:
    """Switch the distributor off, until this VCPU waits next: finding F29; or look at it."""
    if not w.machine.wild or w.choose.chance(40):
        cpu.lines.append("read dist")
    elif "dist" in cpu.undo:
        cpu.give_back("dist")
    else:
        cpu.lines.append("dist off")
        cpu.undo["dist"] = "dist on"


def group(w: Writer, cpu: Cpu) -> None:
    """Disable the group, or enable it again."""
    if "group" in cpu.undo:
        cpu.give_back("group")
    else:
        cpu.lines.append("group off")
        cpu.undo["group"] = "group on"


def igroup(w: Writer, cpu: Cpu) -> None:
    """Put an interrupt into the other group, until this VCPU waits next."""
    n = own(w, cpu)
    usual = 0 if w.machine.gic_version == 2 else 1
    if n >= 0 and (w.machine.wild or not is_level(w, n)):
        cpu.lines.append(f"igroup {n} {1 - usual}")
        cpu.undo[f"igroup {n}"] = f"igroup {n} {usual}"


def wfi(w: Writer, cpu: Cpu) -> None:
    """Wait once, for an interrupt that is there: an SGI of its own."""
    cpu.settle(careless=w.careless)
    cpu.lines += ["irqs off", f"sgi {w.choose.number(1, LAST_SGI)} {cpu.v}", "wfi", "irqs on"]


def poll(w: Writer, cpu: Cpu) -> None:
    """Handle by hand what comes first, with interrupts masked."""
    if not w.bare:
        return
    cpu.settle(careless=w.careless)
    n = w.choose.number(1, LAST_SGI)
    cpu.lines += ["irqs off", f"sgi {n} {cpu.v}", "wfi", "iar"]
    ends = ["silence", "eoi", "dir"] if w.machine.eoimode else ["silence", "eoi"]
    if w.choose.chance(40):
        # What was something else is ended in the same way; nothing is, where that was all.
        ends = [*ends, f"if-acked {n}", "work 1", "end"]
    cpu.lines += [*ends, "irqs on"]


def repeat(w: Writer, cpu: Cpu) -> None:
    """Do something simple again and again."""
    v = w.choose.below(w.machine.vcpus)
    simple: tuple[str, ...] = ("work 1", "user", f"sgi {LAST_SGI} {v}", "read rpr", "timer 60")
    if not w.machine.wild:
        simple = simple[:4]
    cpu.lines += [f"repeat {w.choose.number(1, 3)}", w.choose.one_of(simple), "end"]


def at_the_end(w: Writer, cpu: Cpu) -> None:
    """Write nothing here: it ends a program (``Writer.powered_off``)."""


def line(weight: int, names: str, write: Callable[[Writer, Cpu], None]) -> Maker:
    """Return a maker of instructions, whose names are divided by commas."""
    return Maker(weight, tuple(name.strip() for name in names.split(",")), write)


MAKERS: tuple[Maker, ...] = (
    line(6, "work", work),
    line(14, "timer, timer off", timer),
    line(8, "idle", idle),
    line(5, "spin", spin),
    line(3, "tval", tval),
    line(8, "ptimer, ptimer off", ptimer),
    line(5, "pidle", pidle),
    line(6, "irqs off, irqs on", irqs),
    line(4, "pmr", pmr),
    line(3, "ppi off, ppi on", ppi),
    line(5, "user", user),
    line(4, "wait", wait),
    line(3, "serve", serve),
    line(5, "await", await_sgi),
    line(8, "sgi", sgi),
    line(3, "enable", enable),
    line(4, "disable", disable),
    line(4, "pend", pend),
    line(2, "unpend", unpend),
    line(3, "activate", activate),
    line(3, "deactivate", deactivate),
    line(5, "target", target),
    line(3, "priority", priority),
    line(2, "igroup", igroup),
    line(14, "inv on, inv off, movi, clear", its),
    line(6, "read pending, read active, read enabled, read priority, read target", read),
    line(
        4,
        "read rpr, read hppir, read cntv_ctl, read cntv_cval, read cntv_tval, read cntp_ctl, "
        "read cntp_cval, read cntp_tval",
        read_cpu,
    ),
    line(8, "disable", of_another),
    line(2, "bpr", bpr),
    line(2, "group off, group on", group),
    line(1, "dist off, dist on, read dist", dist),
    line(1, "lpis off, lpis on", lpis),
    line(2, "wfi", wfi),
    line(4, "iar, eoi, dir, silence, if-acked", poll),
    line(2, "repeat, end", repeat),
    line(0, "cpu off", at_the_end),
)
"""What writes every instruction: how often, which, and how."""
