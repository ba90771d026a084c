"""Which finding was confirmed on which kernel: ``evidence.toml``, and the table that is made of it.

``python -m harness.kernel.steer.evidence`` prints the table; with files of what ``kernel confirm
--json`` printed, rows for ``evidence.toml``.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

import msgspec

__all__ = ["Evidence", "read_evidence", "rows_of", "table"]

HEAD = ("finding", "kernel", "said", "with the script", "without", "control", "why")


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A finding on a kernel: what was said, by which script, and k of n windows of each kind.

    ``why`` says why it is not confirmed, or not tried. ``kernel`` "" is any.
    """

    id: str
    said: str
    kernel: str = ""
    vhe: bool = False
    script: str = ""
    wrong: int = 0
    of: int = 0
    without: int = 0
    without_of: int = 0
    control: int = 0
    control_of: int = 0
    why: str = ""


class File(msgspec.Struct, frozen=True):
    """The file."""

    row: tuple[Evidence, ...]


def read_evidence() -> tuple[Evidence, ...]:
    """Return what is known."""
    text = (files("harness.kernel.steer") / "evidence.toml").read_bytes()
    return msgspec.toml.decode(text, type=File).row


def table(rows: Iterable[Evidence]) -> str:
    """Return it in Markdown."""
    lines = [line(HEAD), line(["---"] * len(HEAD))]
    for row in rows:
        name = f"{row.id} {row.script}".strip()
        counts = [of(row.wrong, row.of), of(row.without, row.without_of)]
        control = of(row.control, row.control_of)
        kernel = row.kernel + " (VHE)" * row.vhe or "any"
        lines.append(line([name, kernel, row.said, *counts, control, row.why]))
    return "\n".join(lines) + "\n"


def of(k: int, n: int) -> str:
    """Return k of n; "" if there was none."""
    return f"{k} of {n}" if n else ""


def line(cells: Iterable[str]) -> str:
    """Return a row."""
    return f"| {' | '.join(cells)} |"


def rows_of(lines: Iterable[str]) -> Iterator[Evidence]:
    """Yield the rows that lines of ``kernel confirm --json`` come to."""
    for text in lines:
        found = json.loads(text)
        if found["type"] != "confirmation":
            continue
        for each in found["scripts"]:
            plain = each["script"] is None
            yield Evidence(
                id=found["id"],
                said=each["said"],
                kernel=found["kernel"],
                vhe=found.get("vhe", False),
                script=each["script"] or "",
                wrong=0 if plain else each["wrong"],
                of=0 if plain else each["of"],
                without=found["without"]["wrong"],
                without_of=found["without"]["of"],
                control=each["control"]["wrong"],
                control_of=each["control"]["of"],
                why="" if each["said"] == "CONFIRMED" else each["why"],
            )


def toml_of(row: Evidence) -> str:
    """Return a row as the file has it."""
    fields = msgspec.to_builtins(row)
    return "[[row]]\n" + "".join(f"{name} = {json.dumps(x)}\n" for name, x in fields.items())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for path in sys.argv[1:]:
            for each in rows_of(Path(path).read_text(encoding="utf-8").splitlines()):
                print(toml_of(each))
    else:
        print(table(read_evidence()), end="")
