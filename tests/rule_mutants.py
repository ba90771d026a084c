"""Which mutants break a rule: ``python -m tests.rule_mutants`` writes it for the program.

That is ``harness/catalogue/mutants.py``, which goes with the program; a test holds it against the
mutants themselves.
"""

import sys
from pathlib import Path

from tests.race.mutants import MUTANTS

__all__ = ["TARGET", "text"]

TARGET = Path(__file__).resolve().parents[1] / "harness" / "catalogue" / "mutants.py"
HEAD = '''"""The variants of the tests that break each rule: by ``python -m tests.rule_mutants``.

Of each rule the names, in ``tests/race``, each with the scenario in which it shows.
"""

__all__ = ["MUTANTS"]

MUTANTS: dict[str, tuple[tuple[str, str], ...]] = {
'''


def text() -> str:
    """What the file should be."""
    rows: dict[str, dict[tuple[str, str], None]] = {}
    for mutant in MUTANTS:
        scenario = mutant.scenario.rpartition("/")[2]
        rows.setdefault(mutant.rule, {})[mutant.broken.__name__, scenario] = None
    lines = []
    for rule in sorted(rows):
        lines.append(f'    "{rule}": (\n')
        lines += [f'        ("{name}", "{scenario}"),\n' for name, scenario in rows[rule]]
        lines.append("    ),\n")
    return HEAD + "".join(lines) + "}  # fmt: skip\n"


def main() -> int:
    """Write it."""
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
