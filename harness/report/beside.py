"""A failing and a passing execution beside each other on a terminal, from where they part."""

from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from harness.report.align import align
from harness.report.clean import cleaned
from harness.report.course import Course, Turn

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ROWS_MAX", "show_beside"]

ROWS_MAX = 14
"""So many blocks are shown from where the executions part."""


class Block(NamedTuple):
    """What one task does in a row: its first turn and how many steps there are."""

    first: Turn
    steps: int

    def text(self) -> Text:
        """Return the block in a few words."""
        more = f" and {self.steps - 1} more" if self.steps > 1 else ""
        return Text.assemble(
            f"{cleaned(self.first.who.task)} ", (cleaned(self.first.op), "bold"), (more, "dim")
        )


def show_beside(console: "Console", fails: Course, passes: Course) -> None:
    """Print the blocks of two executions from the last that they have in common."""
    pairs = align(fails.turns, passes.turns)
    part = next((n for n, (i, j) in enumerate(pairs) if i < 0 or j < 0), len(pairs))
    if part == len(pairs):
        return
    begin = max(part - 1, 0)
    left = blocks([fails.turns[i] for i, _ in pairs[begin:] if 0 <= i <= fails.end])
    right = blocks([passes.turns[j] for _, j in pairs[begin:] if j >= 0])
    edge = box.SIMPLE_HEAD if console.encoding.lower().startswith("utf") else None
    table = Table(box=edge, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
    for name in ("fails", "passes"):
        table.add_column("step", justify="right", no_wrap=True)
        table.add_column(name, ratio=1, overflow="fold")
    for n in range(min(max(len(left), len(right)), ROWS_MAX)):
        table.add_row(*cells(left, n), *cells(right, n))
    console.print(Text("  The nearest execution that passes, from where the two part:"))
    console.print(table)


def blocks(turns: list[Turn]) -> list[Block]:
    """Return the blocks of some turns."""
    found: list[Block] = []
    for turn in turns:
        if found and found[-1].first.who == turn.who:
            found[-1] = found[-1]._replace(steps=found[-1].steps + 1)
        else:
            found.append(Block(turn, 1))
    return found


def cells(side: list[Block], n: int) -> tuple[Text, Text]:
    """Return the cells of a block, empty where there is none any more."""
    if n >= len(side):
        return Text(""), Text("")
    return Text(str(side[n].first.number), "dim"), side[n].text()
