"""Where traces are: small ones beside the tests, large ones where they were put."""

import gzip
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
LARGE = Path(os.environ.get("VGIC_RACE_TRACES") or ROOT.parent / "shared" / "traces")

CLEAN = (
    "gicv3", "gicv2", "vhe", "standard", "aborted-entry-gicv2", "pending-retired-by-resample",
    "put-window-vtimer-irq-vhe", "bg-timer-expiry-inside-load",
)  # fmt: skip
SEEDS = {
    "seed1": ("T3", "needed", 121),
    "seed2": ("T3", "left", 157),
    "seed3": ("T1", "dropped", 138),
    "seed4": ("T2", "asleep", 562),
}
"""Of each seed, which rule and alarm come first, and in which line."""


def small(name: str) -> Path:
    return DATA / f"{name}.txt.gz"


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).split(b"\n")[:-1]


def large(kind: str) -> list[Path]:
    """The large traces of a folder, with their names."""
    found = sorted((LARGE / kind).glob("*.txt.gz"))
    assert found, f"no traces in {LARGE / kind}: VGIC_RACE_TRACES names the folder"
    return found
