"""``log sql``: ask logs in SQL."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.log_options import filter_options, take_selection
from harness.cli.options import EPILOG

if TYPE_CHECKING:
    from harness.log.sql import Answer

__all__ = ["sql"]


@click.command("sql", epilog=EPILOG)
@click.argument("words", metavar="LOG... QUERY", nargs=-1, required=True)
@filter_options
@click.option("--parquet", metavar="FILE", help="Write the answer to this new Parquet file.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the answer as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the last one a summary.")
def sql(
    words: tuple[str, ...], *, parquet: str | None, as_csv: bool, as_json: bool, **filters: Any
) -> int:
    r"""Ask logs (or folders of them, or kernel traces) a QUERY in SQL, by DuckDB.

    \b
    Tables, each row with log, campaign, execution, scenario, variant, verdict:
      steps       one row per step
      facts       one row per fact, its fields as typed columns
      lives       one row per life of an interrupt, latencies in steps and ns
      violations  one row per violation
      campaign    one row per log
      entries     one row per entry of a campaign.json
    DESCRIBE facts lists columns. A query can only read these tables. Filters choose the rows of
    steps and facts.
    """
    from harness.errors import UsageError
    from harness.log.sql import Database, files_of

    *names, query = words
    if not names:
        raise UsageError("log sql LOG... QUERY: expected a log and then a query")
    if as_csv + as_json + (parquet is not None) > 1:
        raise UsageError("--csv, --json and --parquet exclude each other: give one of them")
    out = None if parquet is None else Path(parquet)
    database = Database(list(files_of(names)), out, take_selection(filters))
    if out is not None:
        count = database.export(query, out)
        click.echo(f"{count} rows written to {parquet}", err=True)
        return 0
    answer = database.ask(query)
    if as_json:
        print_rows(answer)
    elif as_csv:
        print_csv(answer)
    else:
        print_table(answer)
    return 0


def print_rows(answer: "Answer") -> None:
    """Print JSON lines."""
    from harness.cli.output import print_json

    for row in answer.rows:
        values = dict(zip(answer.columns, map(plain, row), strict=True))
        print_json({"type": "row", "values": values})
    print_json(
        {
            "type": "summary",
            "verdict": "clean",
            "violations": [],
            "columns": answer.columns,
            "rows": len(answer.rows),
        }
    )


def print_csv(answer: "Answer") -> None:
    """Print CSV, with a head."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([cell(value) for value in row] for row in answer.rows)
    click.echo(text.getvalue(), nl=False)


def print_table(answer: "Answer") -> None:
    """Print columns; numbers are aligned to the right."""
    from harness.cli.output import table

    rows = [[cell(value).replace("\n", " ") for value in row] for row in answer.rows]
    numbers = [
        i
        for i in range(len(answer.columns))
        if answer.rows and all(type(row[i]) in (int, float, type(None)) for row in answer.rows)
    ]
    click.echo(table(answer.columns, rows, right=numbers))


def cell(value: Any) -> str:
    """Return a value as text."""
    return "" if value is None else str(value)


def plain(value: Any) -> Any:
    """Return a value that JSON has."""
    if isinstance(value, int | float | str | None):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)
