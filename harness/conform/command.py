"""The commands ``conform ...``: the model held against other implementations."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.conform.qemu.run import Report

__all__ = ["conform"]

_PROGRESS_SECONDS = 5.0


@click.group()
def conform() -> None:
    """Hold the model against implementations no one here wrote."""


@conform.command()
@click.option("--gic", type=int, default=3, show_default=True, help="GIC version, 2 or 3.")
@click.option(
    "--cpus", type=int, default=None, help="CPUs, 1 to 8.  [default: 4 with GICv3, 1 with GICv2]"
)
@click.option(
    "--operations",
    type=int,
    default=100_000,
    show_default=True,
    help="How many operations to compare.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the operations.")
@click.option(
    "--fault",
    metavar="NAME",
    default=None,
    help="Break the model on purpose; `list faults` names the ways.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines on standard output.")
@click.pass_context
def qemu(
    ctx: click.Context,
    gic: int,
    cpus: int | None,
    operations: int,
    seed: int,
    fault: str | None,
    as_json: bool,
) -> None:
    """Run generated operations on the model and on QEMU's GIC, and compare after each.

    With GICv2 and several CPUs an SPI has one target, and a new one only at rest: QEMU's SPIs are
    wrong there. Needs qemu-system-aarch64 and the binutils for aarch64-linux-gnu. Exit codes: 0 no
    unexplained difference, 1 a difference, 2 usage or a missing program, 70 QEMU failed, 130
    interrupted.
    """
    from harness.conform.qemu.mailbox import MailboxError
    from harness.conform.qemu.process import OracleFailedError
    from harness.conform.qemu.run import run_conformance

    if cpus is None:
        cpus = 4 if gic == 3 else 1
    progress = _Progress(operations)
    click.echo(
        f"conform qemu: GICv{gic}, {cpus} CPUs, {operations} operations, seed {seed}", err=True
    )
    try:
        report = run_conformance(
            gic=gic, cpus=cpus, operations=operations, seed=seed, fault=fault, progress=progress
        )
    except UsageError as error:
        _fail(ctx, 2, str(error))
    except KeyboardInterrupt:
        _fail(ctx, 130, f"interrupted after {progress.done} operations; QEMU has been ended")
    except (OracleFailedError, MailboxError) as error:
        _fail(ctx, 70, str(error))
    if as_json:
        _print_json(report, fault)
    else:
        _print_text(report)
    ctx.exit(0 if report.verdict == "clean" else 1)


def _fail(ctx: click.Context, code: int, text: str) -> None:
    click.echo(f"error: {text}" if code != 130 else text, err=True)
    ctx.exit(code)


class _Progress:
    """Says now and then on standard error how far the run is."""

    def __init__(self, operations: int) -> None:
        self.operations = operations
        self.done = 0
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def __call__(self, done: int, seconds: float) -> None:
        self.done = done
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_SECONDS
            rate = done / seconds if seconds else 0
            click.echo(f"  {done} of {self.operations} operations, {rate:.0f}/s", err=True)


def _print_json(report: "Report", fault: str | None) -> None:
    lines: list[dict[str, object]] = []
    if report.divergence is not None:
        lines.append({"type": "divergence", "operations": report.shrunk, "text": report.divergence})
    lines += [{"type": "not-needed", "excuse": name} for name in report.not_needed]
    violations = (
        []
        if report.divergence is None
        else [
            {
                "type": "divergence",
                "rule": "conformance",
                "text": report.divergence,
                "operations": report.shrunk,
            }
        ]
    )
    lines.append(
        {
            "type": "summary",
            "verdict": report.verdict,
            "violations": violations,
            "operations": report.operations,
            "comparisons": report.comparisons,
            "excuses": report.excuses,
            "excuses_not_needed": report.not_needed,
            "seconds": round(report.seconds, 3),
            "operations_per_second": round(report.operations_per_second),
            "qemu": report.qemu,
            "gic": report.gic,
            "cpus": report.cpus,
            "seed": report.seed,
            "fault": fault,
        }
    )
    for line in lines:
        sys.stdout.write(json.dumps(line) + "\n")


def _print_text(report: "Report") -> None:
    out = click.echo
    if report.divergence is not None:
        out(report.divergence)
        out()
    out(
        f"{report.verdict.upper()}: {report.operations} operations against QEMU {report.qemu},"
        f" GICv{report.gic}, {report.cpus} CPUs, seed {report.seed};"
        f" {report.seconds:.1f} s, {report.operations_per_second:.0f} operations/s"
    )
    out("compared (register: times, over all CPUs):")
    cells = [f"{name} {count}" for name, count in report.comparisons.items()]
    for start in range(0, len(cells), 4):
        out("  " + "".join(f"{cell:26}" for cell in cells[start : start + 4]).rstrip())
    out("excuses (times met):")
    for name, count in report.excuses.items():
        out(f"  {name} {count}")
    for name in report.not_needed:
        out(f"  {name}: not needed by this QEMU")
