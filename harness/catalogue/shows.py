"""Where each patch of the museum shows: the tests hold this against runs.

``vgic-race list VARIANT`` says it with the command, ``list RULE`` which variants break a rule.
"""

__all__ = ["SHOWS"]

SHOWS: dict[str, tuple[str, int, frozenset[str]]] = {
    # variant: the scenario, within how many schedules, and a rule that says it in its own words
    "v4.14+1": ("migrate", 2_000, frozenset({"I1", "R23"})),
    "v7.2+1": ("migrate", 2_000, frozenset({"R23"})),
    "v4.14+3": ("timer-busy", 1_000, frozenset({"R29"})),
    "v4.14+4": ("timer-busy", 100, frozenset({"R18", "L2"})),
    "v7.2+14": ("timer-wfi", 2_000, frozenset({"I11", "L1", "R28", "R28b"})),
    "v4.14+8": ("spi-level", 1_000, frozenset({"R5"})),
    "v7.2+8": ("migrate", 3_000, frozenset({"R5"})),
    "v4.14+30": ("spi-level", 1_000, frozenset({"I12"})),
    "v7.2+30": ("spi-level", 1_000, frozenset({"I12"})),
    "v4.14+31": ("lpi", 1_000, frozenset({"I12"})),
    "v7.2+31": ("lpi", 1_000, frozenset({"I12"})),
    "v4.14+23": ("timer-wfi", 100, frozenset({"I1", "I11", "R12"})),
    "v4.14+26": ("timer-phys", 200, frozenset({"I11", "L1", "R30"})),
    "v7.2+26": ("timer-phys", 200, frozenset({"I11", "L1", "R30"})),
    "v7.2+26-load": ("timer-phys", 200, frozenset({"I11", "L2"})),
    "v7.2+27": ("timer-phys", 200, frozenset({"I7"})),
    "v7.2+29": ("timer-wfi", 2_000, frozenset({"I11"})),
    "v7.2+44": ("overflow", 200, frozenset({"I8"})),
    "v7.2+45": ("overflow-dir", 200, frozenset({"I8"})),
    "v7.2+overflow-uie": ("overflow-dir", 200, frozenset({"I12", "L1", "L2"})),
    "v4.14+prune-recheck": ("retarget", 300, frozenset({"I5"})),
    "v7.2+prune-recheck": ("retarget", 300, frozenset({"I5"})),
    "v7.2+F2": ("overflow-dir", 1_000, frozenset({"I8", "R23"})),
    "v7.2+F3": ("overflow-dir", 1_000, frozenset({"I8"})),
    "v4.14+F10": ("timer-phys", 2_000, frozenset({"I11"})),
    "v7.2+F14": ("spi-resample", 100, frozenset({"G3"})),
    "v4.14+57": ("spi-level", 100, frozenset({"L2"})),
    "v7.2+57": ("spi-level", 100, frozenset({"L1"})),
    "v7.2+read-back": ("migrate", 500, frozenset({"I1", "R12", "R23"})),
    "v4.14+ipi-lost": ("smp-mix", 500, frozenset({"I6", "L1", "R27", "L4", "deadlock"})),
    "v7.2+ipi-lost": ("smp-mix", 500, frozenset({"I6", "L1", "R27", "L4", "deadlock"})),
    "v4.14+bound-1": ("migrate", 1_000, frozenset({"I1", "R12", "R23"})),
    "v7.2+bound-1": ("migrate", 1_000, frozenset({"I1", "R12", "R23"})),
    "v4.14+bound-2": ("timer-busy", 500, frozenset({"R31"})),
    "v7.2+bound-3": ("timer-busy", 500, frozenset({"R6"})),
}
"""The rates are 1 in 10 to 1 in 500; the figures leave room, and a hit ends the search."""
