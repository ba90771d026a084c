"""``trace follow``: the model in lock step with the trace of a real KVM."""

from typing import TYPE_CHECKING

import click

from harness.cli.options import json_option

if TYPE_CHECKING:
    from harness.trace.follow.run import Result

__all__ = ["follow"]

EPILOG = (
    "Exit codes: 0 no difference; 1 the kernel decided otherwise; 2 usage or bad input; "
    "3 nothing could be compared."
)
SHOWN = 10


@click.command("follow", epilog=EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option("--kernel", metavar="VERSION", help="The traced kernel, as 6.1 [learnt from it].")
@click.option("--plant", metavar="FAULT", help="Plant a fault in the model: it must be noticed.")
@click.option("--faults", is_flag=True, help="List the faults that can be planted.")
@json_option
def follow(
    files: tuple[str, ...], *, kernel: str | None, plant: str | None, faults: bool, as_json: bool
) -> int:
    """Hold the model's decisions against a real kernel's.

    FILE is what ftrace or trace-cmd report print of a KVM/arm64, plain or gzip ("-": standard
    input); it needs the kprobe events that show List Registers. The model's software state is
    driven by what came from outside; what it decides is compared with what the kernel did.
    """
    from harness.cli.output import print_json
    from harness.errors import UsageError
    from harness.trace.follow.faults import fault_of, planted
    from harness.trace.follow.kernels import Kernel, version_of
    from harness.trace.follow.run import as_dict, follow_trace, summary_of, verdict_of
    from harness.verdict import EXIT_CODES

    if faults:
        return print_faults(as_json=as_json)
    if not files:
        raise UsageError("no FILE given: expected the text of a trace (see trace follow --help)")
    chosen = None if kernel is None else Kernel(version_of(kernel))
    done: list[Result] = []
    failed: UsageError | None = None
    with planted(None if plant is None else fault_of(plant)) as over:
        for name in files:
            try:
                result = follow_trace(name, chosen, over)
            except UsageError as error:
                # The other traces are followed all the same.
                if failed is not None:
                    click.echo(f"error: {failed}", err=True)
                failed = error
                continue
            done.append(result)
            if as_json:
                print_json(as_dict(result))
            else:
                print_result(result)
    verdict = verdict_of(result.verdict for result in done)
    if as_json:
        print_json(summary_of(done, verdict))
    elif done:
        print_totals(done, verdict)
    if failed is not None:
        raise failed
    return EXIT_CODES[verdict]


def print_faults(*, as_json: bool) -> int:
    """Print the faults that can be planted."""
    from harness.cli.output import print_json, table
    from harness.trace.follow.faults import FAULTS

    rows = [
        (fault.id, fault.decision or "era", fault.title, "" if fault.shown else "no trace so far")
        for fault in FAULTS.values()
    ]
    if as_json:
        for fault in FAULTS.values():
            print_json({"type": "fault", "id": fault.id, "title": fault.title})
        print_json({"type": "summary", "verdict": "clean", "violations": [], "faults": len(rows)})
    else:
        click.echo(table(("fault", "in", "what is wrong then", "shown in"), rows))
    return 0


def print_result(result: "Result") -> None:
    """Print what following a trace came to: a line, the first difference in full, the next few."""
    tally, counts = result.tally, result.counts
    kernel = f"kernel {result.kernel.name}{' (learnt)' if result.learnt else ''}"
    vms = f", {result.vms} VMs" if result.vms > 1 else ""
    click.echo(
        f"{result.name}: {result.verdict}, {kernel}{vms}, {counts.lines} lines; "
        f"{tally.equal.total()} decisions equal, {tally.counts.total()} different, "
        f"{tally.excused.total()} excused, {tally.not_compared.total()} not compared"
    )
    if counts.lost or counts.loss_marks:
        click.echo(f"  events were lost ({counts.lost} counted): all was forgotten each time")
    if result.damage:
        click.echo(f"  {result.damage}: followed as far as it goes")
    for n, difference in enumerate(tally.differences[:SHOWN]):
        if n:
            click.echo(f"  DIFFERENT {difference.text()}")
            continue
        whose = f"VCPU {difference.vcpu}" if difference.vcpu >= 0 else "the VM"
        intid = f", vINTID {difference.intid}" if difference.intid >= 0 else ""
        click.echo(f"  first difference: {difference.kind}, {whose}{intid}")
        click.echo(
            f"    event        line {difference.line}, {difference.at()}, {difference.event}"
        )
        click.echo(f"    expected     {difference.expected}")
        click.echo(f"    seen         {difference.seen}")
        if difference.state:
            click.echo(f"    state before {difference.state}")
    more = tally.counts.total() - SHOWN
    if more > 0:
        kinds = ", ".join(f"{kind}: {n}" for kind, n in sorted(tally.counts.items()))
        click.echo(f"  ... {more} more ({kinds})")
    for difference in tally.pardoned[:SHOWN]:
        click.echo(f"  excused ({difference.excuse}) {difference.text()}")


def print_totals(done: list["Result"], verdict: str) -> None:
    """Print what was compared in all, by kind, and what was not, with the reason."""
    from harness.cli.output import table

    kinds = sorted({k for r in done for k in (*r.tally.equal, *r.tally.counts)})
    lacking: dict[str, dict[str, int]] = {}
    for result in done:
        for (kind, why), count in result.tally.not_compared.items():
            whys = lacking.setdefault(kind, {})
            whys[why] = whys.get(why, 0) + count
    rows = [
        (
            kind,
            str(sum(r.tally.equal[kind] for r in done)),
            str(sum(r.tally.counts[kind] for r in done)),
            str(sum(lacking.get(kind, {}).values())),
        )
        for kind in sorted({*kinds, *lacking})
    ]
    click.echo()
    click.echo(table(("decision", "equal", "different", "not compared"), rows, right=(1, 2, 3)))
    for kind, whys in sorted(lacking.items()):
        for why, count in sorted(whys.items()):
            click.echo(f"  not compared: {kind}, {count} times: {why}")
    total = sum(result.tally.compared for result in done)
    click.echo(f"{verdict}: {total} decisions compared in {len(done)} trace(s)")
