"""Where ``lr_on_guest_deactivate=polled`` is no different from ``arch``, and why not elsewhere.

The document ends a List Register by polling the physical active state. No guest can tell that
from what the architecture does as long as (a) the central invariant holds, (b) nothing but the
guest's deactivation changes the physical active bit before the fold that follows, (c) that
deactivation has arrived by then, (d) the guest deactivates once, and (e) no progress waits for a
List Register to become empty. The first is KVM's affair; the others can be told from a scenario.
"""

from harness.scenarios.schema import Scenario
from model.gic.registers import FIRST_LPI
from model.guest import TARGET, TIMER
from model.machine import Config

__all__ = ["why_polling_differs"]


def why_polling_differs(scenario: Scenario, config: Config, era: str) -> str:
    """Say which condition a scenario does not keep, or return "": then the guest cannot tell.

    ``scenario`` and ``config`` are those of the run, its sizes and knobs applied.
    """
    devices = [f for f in config.forwards if f.intid < FIRST_LPI]
    timers = any(i.code == TIMER for program in config.programs for i in program)
    if not devices and not timers:
        return ""
    if config.gic_messages == "lagging":
        return "(c) gic_messages=lagging: a deactivation may be in flight when an exit polls"
    if config.twice >= 0:
        return f"(d) the guest deactivates vINTID {config.twice} twice"
    if 1 + len(config.sgis()) + len(config.forwards) > config.lrs:
        return "(e) more interrupts than List Registers: the next may wait for one to be empty"
    # In EOImode 1 a device's DIR traps: KVM ends the interrupt itself and polls nothing.
    if not devices or config.eoimode:
        return ""
    if era == "v4.14":
        return (
            "(b) era v4.14 folds with interrupts on: the host may acknowledge a device again before"
        )
    if any(i.code == TARGET for program in config.programs for i in program):
        return "(b) a device's interrupt is routed to another VCPU meanwhile"
    if config.pcpus > 1 and scenario.preemptions:
        return "(b) a VCPU may be moved away from the CPU that acknowledges its device"
    for f in devices:
        if f.vcpu % config.pcpus != f.target:
            return (
                f"(b) the host acknowledges INTID {f.intid} on CPU {f.target}, not on that of "
                f"VCPU {f.vcpu}"
            )
    return ""
