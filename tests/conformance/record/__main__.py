"""``python -m tests.conformance.record FOLDER [SERIES GIC]``: record the scenes.

The files are named ``SERIES-SCENE.txt.gz``.
"""

import sys
from pathlib import Path

from harness.kernel.debian import SERIES
from tests.conformance.record.scenes import SCENES, record


def main() -> None:
    """Record on one machine, or on all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    machines = [(series, gic) for series in SERIES for gic in (3, 2)]
    if len(sys.argv) > 2:
        machines = [(sys.argv[2], int(sys.argv[3]))]
    for series, gic in machines:
        outcome = record(series, gic, [scene for scene in SCENES if scene.gic == gic])
        print("\n".join(outcome.console))
        for name, content in outcome.files.items():
            (folder / f"{series}-{name}").write_bytes(content)


if __name__ == "__main__":
    main()
