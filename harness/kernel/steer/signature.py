"""Orders of known findings in failures: whose window has what a finding's script brings about.

A script that shows a finding in its own guest need not fit another scenario. But what it brings
about can be looked for in a failing window: F2, a List Register filled between a trapped DIR's look
and its fold; F3, an active state written while another VCPU has still to fold; and F8, a VCPU that
sleeps with an SPI pending that another one deactivated last. And one of QEMU's own faults.

``python -m harness.kernel.steer.signature FILE...`` names them for failures that ``kernel stress``
has left.
"""

import itertools
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["signatures"]

FLUSHES = (
    "return kvm_vgic_flush_hwstate",
    "return vgic_v3_populate_lr",
    "enter vgic_v3_populate_lr",
)
FOLDED = "return kvm_vgic_sync_hwstate"
HALT, WRITE = "enter kvm_arm_halt_guest", "enter vgic_mmio_change_active"
LOOK, FOLD = "enter vgic_v3_deactivate", "return vgic_v3_fold_lr in vgic_v3_deactivate"
SPIS = re.compile(r"SPIs pending (?:0x)?([0-9a-f]+) active (?:0x)?([0-9a-f]+)")
FIRST_SPI, SPIS_MAX = 32, 64
QEMUS = "QEMU's EOIcount"
"""Its GIC counts an EOIR of what is in no List Register with EOImode 1 as well (icv_eoir_write),
and KVM takes that for a deactivation."""


def signatures(failure: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the findings whose order is in a failure, as ``kernel stress`` writes one."""
    decisions = failure["decisions"]
    looks = {
        "F2": has_f2(decisions), "F3": has_f3(decisions), "F8": has_f8(failure),
        QEMUS: has_eoicount(failure),
    }  # fmt: skip
    found = [id_ for id_, has in looks.items() if has]
    return tuple(found)


def has_f2(decisions: Sequence[Sequence[Any]]) -> bool:
    """Tell whether a VCPU fills its List Registers while another deactivates by a DIR."""
    looking: dict[int, bool] = {}
    for cpu, place, _ in decisions:
        if place == LOOK:
            looking[cpu] = False
        elif place == FOLD and looking.pop(cpu, False):
            return True
        elif place.startswith(FLUSHES):
            looking |= dict.fromkeys((other for other in looking if other != cpu), True)
        elif place.startswith("enter kvm_vgic_flush_hwstate"):
            looking.pop(cpu, None)
    return False


def has_f3(decisions: Sequence[Sequence[Any]]) -> bool:
    """Tell whether an active state is written that a VCPU has in a List Register all the same."""
    holding: dict[int, bool] = {}
    halted: set[int] = set()
    for cpu, place, _ in decisions:
        if place.startswith(FLUSHES):
            holding[cpu] = True
        elif place.startswith(FOLDED):
            holding[cpu] = False
        elif place == HALT:
            halted.add(cpu)
        elif place == WRITE and cpu in halted:
            halted.discard(cpu)
            if any(held for other, held in holding.items() if other != cpu):
                return True
    return False


def has_f8(failure: Mapping[str, Any]) -> bool:
    """Tell whether an SPI is to come, is not active, and another VCPU's DIR was the last of it."""
    if not any(each["alarm"] == "late" for each in failure["violations"]):
        return False
    history = before_silence(failure["history"])
    waiting = {line.split()[4] for line in history if is_raised(line, history)}
    for said in failure["said"]:
        if found := SPIS.search(said):
            bits = int(found[1], 16) & ~int(found[2], 16)
            waiting |= {str(FIRST_SPI + n) for n in range(SPIS_MAX) if bits >> n & 1}
    return any(ends_in_a_dir(history, intid) for intid in waiting)


def is_raised(line: str, history: Sequence[str]) -> bool:
    """Tell whether a line tells of a device that had an event and was not served since."""
    _, _, who, what = line.split(None, 3)
    if who != "--" or not what.endswith(" raised"):
        return False
    after = history[history.index(line) + 1 :]
    return not any(each.endswith(f" served {what.split()[1]}") for each in after)


def has_eoicount(failure: Mapping[str, Any]) -> bool:
    """Tell whether a guest has an interrupt again that it has completed and nobody deactivated."""
    if not any(each["rule"] == "G4" for each in failure["violations"]):
        return False
    completed: set[str] = set()
    with_dir = any(" dir " in line for line in failure["history"])
    for line in failure["history"]:
        what, _, intid = line.split(None, 3)[3].rpartition(" ")
        if what == "IAR =" and intid in completed:
            return with_dir
        if what == "eoi":
            completed.add(intid)
        elif what == "dir":
            completed.discard(intid)
    return False


def before_silence(history: Sequence[str]) -> Sequence[str]:
    """Return what there was before nothing happened for longest."""
    times = [int(line.split(None, 1)[0]) for line in history]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return history[: gaps.index(max(gaps)) + 1] if gaps else history


def ends_in_a_dir(history: Sequence[str], intid: str) -> bool:
    """Tell whether a VCPU deactivated an interrupt that another one had acknowledged last."""
    who = ""
    for line in reversed(history):
        _, _, vcpu, what = line.split(None, 3)
        if what == f"dir {intid}" and not who:
            who = vcpu
        elif what == f"IAR = {intid}":
            return bool(who) and vcpu != who
    return False


if __name__ == "__main__":
    for name in sys.argv[1:]:
        text = json.loads(Path(name).read_text(encoding="utf-8"))
        if text["type"] != "failure":
            continue
        kinds = ", ".join(f"{each['rule']} {each['alarm']}" for each in text["violations"])
        print(f"{name}: {kinds}: {' '.join(signatures(text)) or '-'}")
