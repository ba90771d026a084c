"""``log timeline``: what each CPU, VCPU and interrupt is at, a row per step that changes it."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.log_options import filter_options, take_selection
from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.log.lanes import Change, Lane
    from harness.log.source import Told

__all__ = ["timeline"]

Row = tuple["Told", list["Change"]]
STANDING, NOTHING = "|", ""
DULL = ("idle", "off")


@click.command("timeline", epilog=EPILOG)
@click.argument("log")
@filter_options
@json_option
def timeline(log: str, *, as_json: bool, **filters: Any) -> int:
    """Show LOG, a log or a kernel trace, as lanes: CPUs, VCPUs and interrupts.

    A row for each step in which a lane changes; a cell says what the lane is at from then on.
    Interrupts are idle, armed (a timer), asserted, queued, in LR, active or completed.
    """
    from harness.cli.output import print_json
    from harness.cli.show import plain_summary
    from harness.log.lanes import Lanes, name_lane
    from harness.log.source import name_life, open_source, told

    keep = take_selection(filters)
    source = open_source(log)
    lanes = Lanes()
    rows: list[Row] = []
    for line in told(source):
        # All are heard, chosen or not, so that a cell is true.
        changes = lanes.hear(line)
        if changes and keep.keeps(line):
            rows.append((line, changes))
    if not as_json:
        print_rows(rows)
        return 0
    for line, changes in rows:
        meta = line.entry.meta
        for change in changes:
            print_json(
                {
                    "type": "change",
                    "seq": meta.seq,
                    "t": meta.t,
                    "step": meta.step,
                    "task": meta.task,
                    "lane": name_lane(change.lane),
                    "before": change.before,
                    "after": change.after,
                    "life_id": name_life(change.life) if change.life else None,
                }
            )
    print_json({**plain_summary(source), "rows": len(rows)})
    return 0


def print_rows(rows: list[Row]) -> None:
    """Print the rows, those of one step as one."""
    from harness.cli.output import table
    from harness.log.lanes import name_lane

    lanes = sorted({change.lane for _, changes in rows for change in changes}, key=order)
    at: dict[Lane, str] = {}
    cells: list[list[str]] = []
    for group in grouped(rows):
        meta = group[0][0].entry.meta
        changed = {change.lane: change.after for _, changes in group for change in changes}
        at |= changed
        row = [str(meta.t), str(meta.step), meta.task]
        for lane in lanes:
            standing = NOTHING if at.get(lane, "off") in DULL else STANDING
            row.append(changed.get(lane, standing))
        cells.append(row)
    head = ("time/ns", "step", "task", *map(name_lane, lanes))
    click.echo(table(head, cells, right=(0, 1)))


def order(lane: "Lane") -> tuple[int, int, int]:
    """Return where a lane stands: CPUs, then VCPUs, then interrupts by VCPU, the host's last."""
    return ("pcpu", "vcpu", "irq").index(lane.kind), lane.vcpu % 1024, lane.number


def grouped(rows: list[Row]) -> list[list[Row]]:
    """Return the rows of each step together."""
    groups: list[list[Row]] = []
    for row in rows:
        step = row[0].entry.meta.step
        if groups and groups[-1][0][0].entry.meta.step == step:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
