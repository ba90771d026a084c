"""``log``: look at a stored log."""

from pathlib import Path

import click

from harness.cli.options import EPILOG

__all__ = ["group"]


@click.group("log")
def group() -> None:
    """Look at stored logs."""


@group.command("show", epilog=EPILOG)
@click.argument("log")
@click.option(
    "--life", "how", flag_value="life", default="life", help="The life of each interrupt (default)."
)
@click.option("--columns", "how", flag_value="columns", help="Every line, in columns.")
@click.option(
    "--json", "how", flag_value="json", help="JSON lines on stdout, the last one a summary."
)
def show(log: str, how: str) -> int:
    """Print the log file LOG; one that ends early is shown as far as it goes."""
    from harness.cli.show import emit, print_log, summary_of
    from harness.log.reader import read_log
    from harness.verdict import EXIT_CODES

    path = Path(log)
    content = read_log(path, partial=True)
    print_log(content, how=how)
    summary = summary_of(content, path)
    if how == "json":
        emit(summary)
    elif content.footer is None:
        click.echo("\ninconclusive: the log ends early, it has no footer")
    else:
        footer = content.footer
        bound = f", the bound on {footer.bound!r} was reached" if footer.bound else ""
        click.echo(f"\n{footer.verdict} after {footer.steps} steps{bound}")
    return EXIT_CODES[summary["verdict"]]
