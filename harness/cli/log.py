"""``log``: look at a stored log."""

from pathlib import Path

import click

from harness.cli.options import EPILOG, json_option

__all__ = ["group"]


@click.group("log")
def group() -> None:
    """Look at stored logs."""


@group.command("show", epilog=EPILOG)
@click.argument("log")
@click.option("--life", is_flag=True, help="The life of each interrupt (default).")
@click.option("--columns", is_flag=True, help="Every line, in columns.")
@json_option
def show(log: str, *, life: bool, columns: bool, as_json: bool) -> int:
    """Print the log file LOG; one that ends early is shown as far as it goes."""
    from harness.cli.output import print_json
    from harness.cli.show import print_log, summary_of
    from harness.errors import UsageError
    from harness.log.reader import read_log
    from harness.verdict import EXIT_CODES

    given = {"life": life, "columns": columns, "json": as_json}
    asked = [name for name, wanted in given.items() if wanted]
    if len(asked) > 1:
        raise UsageError(f"--{' and --'.join(asked)} exclude each other: give one of them")
    how = asked[0] if asked else "life"
    path = Path(log)
    content = read_log(path, partial=True)
    print_log(content, how=how)
    summary = summary_of(content, path)
    if how == "json":
        print_json(summary)
    elif content.footer is None:
        click.echo("\ninconclusive: the log ends early, it has no footer")
    else:
        footer = content.footer
        bound = f", the bound on {footer.bound!r} was reached" if footer.bound else ""
        click.echo(f"\n{footer.verdict} after {footer.steps} steps{bound}")
    return EXIT_CODES[summary["verdict"]]
