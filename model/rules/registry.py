"""All rules, by id, in the order of the document."""

from collections.abc import Callable

from model.check import rule as check
from model.machine import Config
from model.rules import (
    acknowledge,
    ap_list,
    conservation,
    edges,
    entered_active,
    forwarded,
    host_handler,
    hw_bit,
    invariants,
    level_edge,
    lr_use,
    pending_state,
    polled,
    timer,
)
from model.rules.derived import (
    delivery,
    halts,
    kicks,
    locks,
    maintenance,
    progress,
    save_restore,
    signals,
    sleep,
)
from model.rules.rule import Rule
from model.rules.scene import Scene

__all__ = ["RULES", "make_rules"]

ORDER: tuple[type[Rule] | type[check.Rule], ...] = (
    host_handler.R0,
    lr_use.R1,
    lr_use.R2,
    forwarded.R2b,
    hw_bit.R3,
    forwarded.R4,
    hw_bit.R5,
    hw_bit.R6,
    acknowledge.R7a,
    acknowledge.R7b,
    pending_state.R8,
    acknowledge.R9,
    polled.R10,
    polled.R11,
    entered_active.R12,
    forwarded.R13,
    host_handler.R14,
    entered_active.R15,
    level_edge.R16,
    level_edge.R17,
    level_edge.R18,
    level_edge.R19,
    forwarded.R20,
    forwarded.R21,
    level_edge.R22,
    entered_active.R23,
    forwarded.R24,
    forwarded.R25,
    forwarded.R26,
    forwarded.R27,
    timer.R28,
    timer.R28b,
    timer.R29,
    timer.R30,
    timer.R31,
    invariants.I1,
    invariants.I2,
    invariants.I3,
    ap_list.I4,
    ap_list.I5,
    edges.I6,
    timer.I7,
    conservation.I8,
    locks.I9,
    invariants.I10,
    sleep.I11,
    kicks.I12,
    signals.I13,
    maintenance.I14,
    timer.I15,
    signals.I16,
    delivery.L1,
    progress.L2,
    progress.L3,
    halts.L4,
    delivery.L5,
    save_restore.L6,
    delivery.Deadlock,
    locks.LockOrder,
)
RULES: dict[str, type[Rule] | type[check.Rule]] = {cls.id: cls for cls in ORDER}


def make_rules(
    era: str,
    config: Config,
    scene: Scene,
    fail: Callable[[str, str], None],
    only: frozenset[str] | None,
) -> list[Rule]:
    """Make the rules that hold in ``era`` under ``config``; ``only`` keeps the named ones."""
    return [
        cls(era, config, scene, fail)
        for cls in RULES.values()
        if issubclass(cls, Rule)
        and era in cls.eras
        and cls.applies(config)
        and (only is None or cls.id in only)
    ]
