"""What mutants are run under: the built-in scenarios in both eras, and some that add a stimulus.

Schedule ``i`` of an entry is the same for all mutants: even ones random, odd ones pct.
"""

from pathlib import Path
from typing import NamedTuple

from harness.contract import Strategy
from harness.engine.audit import AuditedExecution
from harness.engine.direct_engine import DirectEngine, DirectTask, execute
from harness.engine.execution import Outcome
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec
from harness.strategies.pct import Pct
from harness.strategies.random_walk import RandomWalk

__all__ = ["Entry", "World", "all_entries"]

ERAS = ("v4.14", "v7.2")
RACE = Path("tests/race/scenarios")
OWN = Path("tests/mutation/scenarios")
ADDED: tuple[tuple[Path, tuple[tuple[str, str], ...]], ...] = (
    *((OWN / f"{name}.toml", ()) for name in (
        "both-spilled", "clears-often", "contended", "dir-by-turns", "dir-elsewhere",
        "early-after-reset",
        "enables-served", "ends-and-moves", "first-spi", "idles-while-active", "lpis-of-another",
        "many-move", "masked-level", "messages-over-reset", "more-than-registers", "off-at-reset",
        "parked-above", "parked-over-save", "pend-level", "pended-ptimer", "phys-preempted",
        "powers-off",
        "preempted-in-handler", "queued-while-routed", "reads-active", "reset-disabled",
        "reset-twice", "resets-devices", "resets-soft", "routed-while-active",
        "routed-while-injected", "saves-registers", "second-moves", "served-in-turns",
        "soft-devices", "timers-due", "two-timers", "two-writers", "unpend-mapped", "waits-long",
    )),
    *((RACE / f"{name}.toml", ()) for name in (
        "activated-again", "active-outside", "deactivate-twice", "device-registers",
        "dist-switched", "distributor", "far-active", "far-registers", "goes-offline",
        "group-saved", "groups", "handles-over-exit", "its-commands", "its-moved", "line-falls",
        "lpis-virtual", "masked-over-exits", "off-for-another", "pend-own-timer", "phys-reset",
        "phys-save", "reset-edges", "silenced-early", "timers-set",
    )),
    (Path("timer-busy"), (("lr_on_guest_deactivate", "polled"),)),
    (Path("timer-phys"), (("lr_on_guest_deactivate", "polled"),)),
    (Path("reset"), (("gic_version", "2"),)),
    (OWN / "reset-sgis.toml", (("gic_version", "2"),)),
    (OWN / "sgis-over-stop.toml", (("gic_version", "2"),)),
    (Path("save"), (("gic_version", "2"),)),
    (RACE / "sets-sgi-pending.toml", (("gic_version", "2"),)),
    (RACE / "senders-busy.toml", (("gic_version", "2"),)),
    (RACE / "two-senders.toml", (("gic_version", "2"),)),
    (RACE / "deactivate-twice.toml", (("gic_version", "2"),)),
    (OWN / "both-spilled.toml", (("gic_version", "2"),)),
    (OWN / "several-above.toml", (("gic_version", "2"),)),
    (OWN / "sgis-over-save.toml", (("gic_version", "2"),)),
    (RACE / "several-first.toml", (("gic_version", "2"),)),
    (Path("migrate"), (("ipis", "queued"),)),
    (Path("save"), (("counter", "stops"),)),
    (Path("timer-busy"), (("masks", "1"),)),
    (OWN / "two-timers.toml", (("masks", "1"),)),
    (Path("smp-mix"), (("eoimode", "1"), ("tdir", "0"))),
    (RACE / "soft-devices.toml", (("preemptions", "8"),)),
    (Path("spi-resample"), (("eoimode", "1"),)),
    (Path("spi-soft-level"), (("eoimode", "1"),)),
)  # fmt: skip
"""Scenarios for what no built-in one brings about, with knobs: both eras are clean in them."""
BEFORE: tuple[tuple[Path, tuple[tuple[str, str], ...]], ...] = ((Path("save"), (("masks", "1"),)),)
"""Those for v4.14 alone: with a host that masks, v7.2 shows F33 there."""
TODAY: tuple[tuple[Path, tuple[tuple[str, str], ...]], ...] = (
    (OWN / "bypassed.toml", ()),
    (OWN / "lpis-sent-while-off.toml", ()),
    (OWN / "lpis-switched.toml", ()),
    (OWN / "masked-just-so.toml", ()),
    (OWN / "pended-active-ptimer.toml", ()),
    (OWN / "two-lpis.toml", ()),
    (Path("migrate"), (("posted_writes", "1"),)),
    (Path("overflow-dir"), (("tdir", "0"),)),
    (Path("retarget"), (("posted_writes", "1"),)),
    (Path("spi-level"), (("posted_writes", "1"),)),
    (OWN / "unpend-mapped.toml", (("posted_writes", "1"),)),
    *((path, (("host", "vhe"),)) for path in (
        Path("registers"), Path("timer-busy"), Path("timer-phys"), OWN / "phys-preempted.toml",
        OWN / "soft-devices.toml", RACE / "phys-reset.toml", RACE / "phys-save.toml",
        RACE / "timers-set.toml",
    )),
)  # fmt: skip
"""Those for v7.2 alone.

In 4.14 a guest idles without sleep that has masked what is pending (F32), what it makes pending of
its timer while it is active is lost at the fold, no write is read back, there is no irq bypass,
and disabling LPIs takes nothing back (F30).
"""

FOUND = frozenset({
    "active-outside", "both-spilled", "deactivate-twice", "dir-by-turns", "dir-elsewhere",
    "overflow", "overflow-dir", "pend-own-timer",
})  # fmt: skip
"""Where era v4.14 shows a finding as it is (F26, F23, F4): these run in v7.2 alone."""


class Entry(NamedTuple):
    """A scenario (or its file, from the project's root) in an era, with knobs."""

    scenario: str
    era: str
    knobs: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        knobs = "".join(f" {name}={value}" for name, value in self.knobs)
        return f"{Path(self.scenario).stem} {self.era}{knobs}"


def all_entries(*, builtin: bool = False) -> list[Entry]:
    """List the scenarios in both eras; ``builtin``: the built-in ones alone."""
    entries = [Entry(name, era) for name in sorted(builtin_names()) for era in ERAS]
    if not builtin:
        root = Path(__file__).parents[2]
        for path, knobs in ADDED:
            entries += [Entry(named(root, path), era, knobs) for era in ERAS]
        entries += [Entry(named(root, path), ERAS[0], knobs) for path, knobs in BEFORE]
        entries += [Entry(named(root, path), ERAS[-1], knobs) for path, knobs in TODAY]
    return [e for e in entries if e.era != ERAS[0] or Path(e.scenario).stem not in FOUND]


def named(root: Path, path: Path) -> str:
    """Return what a scenario is called by: its file, or the name of a built-in one."""
    return str(root / path) if path.suffix else path.name


def strategy_of(i: int) -> Strategy:
    """Make what chooses in schedule ``i``."""
    return RandomWalk(i) if i % 2 == 0 else Pct(i, 3, 200)


class World:
    """The world of an entry with ``rules`` (None: all), and how to run its schedules."""

    def __init__(self, entry: Entry, rules: frozenset[str] | None = None) -> None:
        self.entry = entry
        self.rules = rules
        spec = RunSpec.make(entry.scenario, entry.era, knobs=dict(entry.knobs))
        self.world = spec.build(DirectTask, rules=rules)

    def run(self, i: int) -> Outcome:
        """Run schedule ``i``."""
        return execute(self.world, strategy_of(i))

    def audit(self, i: int) -> None:
        """Run schedule ``i`` and audit each step.

        Raises:
            FootprintError: a step touches what it did not announce.

        """
        world = self.world
        DirectEngine().execute(AuditedExecution(world, strategy_of(i), world.resources))
