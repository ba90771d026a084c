"""What the guests of generated scenarios do to LPIs: GICR_CTLR, and commands of the ITS."""

from model.gic.registers import FIRST_LPI
from tests.generate.programs import Cpu, Writer

__all__ = ["its", "lpis"]


def lpis(w: Writer, cpu: Cpu) -> None:
    """Disable this VCPU's LPIs, until it waits next: finding F30, where it has any."""
    if not w.machine.wild or w.machine.gic_version == 2:
        return
    if "lpis" in cpu.undo:
        cpu.give_back("lpis")
    else:
        cpu.lines.append("lpis off")
        cpu.undo["lpis"] = "lpis on"


def its(w: Writer, cpu: Cpu) -> None:
    """Give the ITS a command for an LPI, and take it back before this VCPU waits next."""
    some = [f for f in w.machine.forward if f.vintid >= FIRST_LPI]
    if not some or w.bare:
        return
    f = w.choose.one_of(some)
    which = w.choose.one_of(("inv", "movi", "clear"))
    if which == "inv":
        cpu.lines.append(f"inv off {f.vintid}")
        cpu.undo[f"inv on {f.vintid}"] = f"inv on {f.vintid}"
    elif which == "movi":
        cpu.lines.append(f"movi {f.vintid} {w.choose.below(w.machine.vcpus)}")
        cpu.undo[f"movi {f.vintid}"] = f"movi {f.vintid} {f.vcpu}"
        w.moves = True
    else:
        cpu.lines.append(f"clear {f.vintid}")
