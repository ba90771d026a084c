"""``export``: logs in the forms of other programs."""

from pathlib import Path

import click

from harness.cli.options import EPILOG

__all__ = ["group"]


@click.group("export")
def group() -> None:
    """Write logs in the forms of other programs."""


@group.command("perfetto", epilog=EPILOG)
@click.argument("log")
@click.option("-o", "--output", metavar="FILE", required=True, help="The new file to write.")
@click.option(
    "--clock", type=click.Choice(["step", "ns"]), default="step", show_default=True,
    help="What the time axis is: steps, 1 us each, or virtual nanoseconds.",
)  # fmt: skip
def perfetto(log: str, output: str, clock: str) -> int:
    """Write LOG, a log or a kernel trace, as a Perfetto trace, for ui.perfetto.dev.

    Tracks are actors, CPUs, VCPUs and interrupts; flows are deactivations, IPIs and SGIs. Virtual
    time stands still between deadlines, so that steps are the better clock (of a kernel trace
    rather ns). Every event has both.
    """
    from harness.errors import UsageError
    from harness.log.perfetto import export
    from harness.log.source import open_source
    from harness.places import cannot, shown

    path = Path(output)
    if path.exists():
        raise UsageError(f"cannot write {output!r}: it exists, and nothing is overwritten")
    pieces = export(open_source(log), clock)
    first = next(pieces)  # what is wrong with the log, or not installed, comes before the file
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(first)
            for piece in pieces:
                file.write(piece)
        partial.rename(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise cannot("write", path, error.strerror) from None
    click.echo(f"written: {shown(path)} (open it in ui.perfetto.dev)", err=True)
    return 0
