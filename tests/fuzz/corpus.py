"""Real files to begin with: scenarios, schedules, logs, traces and variants of this repository."""

import gzip
from functools import cache
from pathlib import Path

from harness.engine.schedule import Schedule
from harness.log.record import remember
from harness.spec import RunSpec
from harness.strategies.random_walk import RandomWalk

ROOT = Path(__file__).resolve().parents[2]
RECORDED = (("timer-wfi", "v7.2", 1), ("spi-edge", "v4.14", 2), ("overflow", "v7.2+44", 3))


@cache
def scenarios() -> tuple[bytes, ...]:
    """The texts of the built-in scenarios, and of those that the tests have."""
    folders = (ROOT / "harness" / "scenarios", ROOT / "tests" / "race" / "scenarios")
    return tuple(path.read_bytes() for f in folders for path in sorted(f.glob("*.toml")))


@cache
def recorded() -> tuple[tuple[Schedule, bytes], ...]:
    """A few executions: their schedules and their logs."""
    from harness.engine.engines import make_engine
    from harness.log.specimen import run_strategy

    found = []
    for scenario, variant, seed in RECORDED:
        spec = RunSpec.make(scenario, variant)
        made = run_strategy(make_engine("direct"), spec, RandomWalk(seed), "random", seed)
        _, log = remember(spec, made.schedule, Path("x"), engine="direct", seed=seed)
        found.append((made.schedule, log))
    return tuple(found)


@cache
def schedules() -> tuple[bytes, ...]:
    """Schedules, as they are printed, in their compact form, and as a file carries them."""
    from harness.engine.compact import pack
    from harness.spec import portable

    stored = (ROOT / "tests" / "race" / "schedules").glob("*.schedule")
    texts = [path.read_bytes() for path in sorted(stored)]
    for schedule, _ in recorded():
        texts += [str(schedule).encode(), pack(schedule).encode(), str(portable(schedule)).encode()]
    return tuple(texts)


@cache
def logs() -> tuple[bytes, ...]:
    """Whole logs, and the first lines of them."""
    whole = [log for _, log in recorded()]
    return (*whole, *(b"".join(log.splitlines(keepends=True)[:12]) for log in whole))


@cache
def traces() -> tuple[bytes, ...]:
    """The beginnings of small traces of a real kernel."""
    folder = ROOT / "tests" / "conformance" / "data"
    found = sorted(folder.glob("*.txt.gz"))[:4]
    return tuple(b"\n".join(gzip.decompress(p.read_bytes()).split(b"\n")[:200]) for p in found)


@cache
def variants() -> tuple[bytes, ...]:
    """Variants of the tests' own."""
    return ((ROOT / "tests" / "unit" / "guard" / "own.py").read_bytes(),)
