"""``python -m tests.conformance.record FOLDER [SERIES GIC [SCENE...]]``: record the scenes.

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
    names = sys.argv[4:] or [scene.name for scene in SCENES]
    for series, gic in machines:
        scenes = [scene for scene in SCENES if scene.gic == gic and scene.name in names]
        outcome = record(series, gic, scenes)
        print("\n".join(outcome.console))
        for name, content in outcome.files.items():
            (folder / f"{series}-{name}").write_bytes(content)


if __name__ == "__main__":
    main()
