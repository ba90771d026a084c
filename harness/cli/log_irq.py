"""``log irq``: the life of one interrupt, with how long it took from one event to the next."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import EPILOG, json_option

if TYPE_CHECKING:
    from harness.log.latency import LifeRow
    from harness.log.source import Source, Told

__all__ = ["irq"]


@click.command("irq", epilog=EPILOG)
@click.argument("number", metavar="N", type=click.IntRange(min=0))
@click.argument("log")
@click.option("--vcpu", type=click.IntRange(min=0), help="Only this VCPU's.")
@click.option("--life", type=click.IntRange(min=0), help="Only this life, counted from 1.")
@click.option("--steps", metavar="A:B", help="Only these steps (of a trace: lines).")
@click.option("--time", metavar="A:B", help="Only these nanoseconds, both ends included.")
@json_option
def irq(
    number: int,
    log: str,
    *,
    vcpu: int | None,
    life: int | None,
    steps: str | None,
    time: str | None,
    as_json: bool,
) -> int:
    """Tell the lives of interrupt N (its vINTID, or its INTID) in LOG, a log or a kernel trace.

    Each event has its step and time, and how many steps and ns it came after the one before; below
    a life is how long it took to be injected, to reach a List Register, to be acknowledged, and to
    be deactivated.
    """
    from harness.cli.output import print_json
    from harness.cli.show import plain_summary
    from harness.errors import UsageError
    from harness.log.latency import life_rows
    from harness.log.select import Selection, parse_range
    from harness.log.source import open_source

    keep = Selection(
        irq=number,
        vcpu=vcpu,
        steps=parse_range(steps, "--steps"),
        time=parse_range(time, "--time"),
    )
    source = open_source(log)
    lines, others = lines_about(source, keep, life)
    if not lines:
        known = ", ".join(str(n) for n in sorted(others)) or "none at all"
        raise UsageError(f"{log!r} says nothing of interrupt {number} there; it has: {known}")
    rows = {row.life: row for row in life_rows(lines)}
    if as_json:
        for row in rows.values():
            print_json({"type": "life", **row.flat()})
        print_json({**plain_summary(source), "lives": len(rows)})
        return 0
    for row in rows.values():
        print_life(row, [line for line in lines if named(line) == row.life])
    return 0


def lines_about(source: "Source", keep: Any, life: int | None) -> tuple[list["Told"], set[int]]:
    """Return the lines of an interrupt's lives, and the numbers of all that there are."""
    from harness.log.source import told

    lines: list[Told] = []
    others: set[int] = set()
    for line in told(source):
        if not line.is_about or line.life is None:
            continue
        others.add(line.life.intid)
        if keep.keeps(line) and life in (None, line.life.number):
            lines.append(line)
    return lines, others


def named(line: "Told") -> str:
    """Return the id of a line's life."""
    from harness.log.source import name_life

    assert line.life is not None
    return name_life(line.life)


def print_life(row: "LifeRow", lines: list["Told"]) -> None:
    """Print one life."""
    from harness.cli.output import table
    from harness.log.latency import LATENCIES
    from harness.log.registry import describe
    from harness.log.stages import milestone_of

    whose = "the host" if row.vcpu < 0 else f"VCPU {row.vcpu}"
    which = f"life {row.number}" if row.number else "before the first"
    click.echo(f"\n{row.life}: INTID {row.intid} of {whose}, {which}")
    cells = []
    before = lines[0].entry.meta
    for line in lines:
        meta, record = line.entry
        note = ", ".join(milestone_of(record))  # type: ignore[arg-type]  # only facts are about one
        text = describe(record) + (f" ({line.message})" if line.message else "")
        cells.append(
            [
                str(meta.t), f"+{meta.t - before.t}", str(meta.step), f"+{meta.step - before.step}",
                meta.task, text, note,
            ]
        )  # fmt: skip
        before = meta
    head = ("time/ns", "", "step", "", "task", "what", "")
    text = table(head, cells, right=(0, 1, 2, 3))
    click.echo("\n".join(f"  {line}" for line in text.splitlines()))
    took = [
        f"{name.replace('_', ' ')} {row.latency(name, row.steps)} steps, "
        f"{row.latency(name, row.ns)} ns"
        for name in LATENCIES
        if row.latency(name, row.steps) is not None
    ]
    click.echo("  took: " + ("; ".join(took) or "it did not come to an end of anything"))
