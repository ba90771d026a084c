"""Asks logs in SQL. DuckDB is an extra: it is imported when it is asked for.

The logs are read and checked by the ordinary reader, and laid before DuckDB as tables in memory.
Then its access to anything outside is shut off: a query can neither read nor write a file.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import UsageError
from harness.log.select import Selection
from harness.log.source import open_source
from harness.log.tables import EVERYTHING, TABLES, entries_of, rows_of

__all__ = ["Answer", "Database", "files_of"]

CAMPAIGN = "campaign.json"
INSTALL = "log sql needs DuckDB, an extra: pip install 'vgic-race[sql]'"
BLOCK = 2_000


class Answer(NamedTuple):
    """What a query gave: the columns' names, and rows of Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def files_of(names: Sequence[str]) -> Iterator[Path]:
    """Yield the files that are meant: of a folder all its logs, and its ``campaign.json``.

    Raises:
        UsageError: a folder has none.

    """
    for name in names:
        path = Path(name)
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.glob("*.jsonl"))
        found += [path / CAMPAIGN] if (path / CAMPAIGN).is_file() else []
        if not found:
            raise UsageError(f"{name!r}: there are no logs in this folder")
        yield from found


class Database:
    """Logs in DuckDB, in memory; ``out`` is the one file that may be written, by :meth:`export`.

    ``keep`` chooses the rows of ``steps`` and ``facts``.

    Raises:
        UsageError: DuckDB is not installed, a file is no log, or does not fit its columns.

    """

    def __init__(
        self, files: Sequence[Path], out: Path | None = None, keep: Selection = EVERYTHING
    ) -> None:
        self.keep = keep
        try:
            import duckdb
        except ModuleNotFoundError:
            raise UsageError(INSTALL) from None
        self.error = duckdb.Error
        self.allowed = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
        self.connection: duckdb.DuckDBPyConnection = duckdb.connect(":memory:")
        with tempfile.TemporaryDirectory(prefix="vgic-race-") as folder:
            self.load(files, Path(folder))
        if out is not None:
            self.connection.execute(f"SET allowed_paths = [{quoted(str(out.resolve()))}]")
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")

    def load(self, files: Sequence[Path], folder: Path) -> None:
        """Read the files, and fill the tables by way of one JSON file each.

        Raises:
            UsageError: a file is no log, or does not fit its columns.

        """
        encoder = msgspec.json.Encoder()
        waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

        def write(table: str) -> None:
            with (folder / f"{table}.jsonl").open("ab") as file:
                file.write(encoder.encode_lines(waiting[table]))
            waiting[table].clear()

        for path in files:
            for table, row in rows_in(path, self.keep):
                waiting[table].append(row)
                if len(waiting[table]) >= BLOCK:
                    write(table)
        for table, columns in TABLES.items():
            write(table)
            types = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
            source = quoted(str(folder / f"{table}.jsonl"))
            try:
                self.connection.execute(
                    f"CREATE TABLE {table} AS SELECT * FROM read_json({source}, "
                    f"format='newline_delimited', columns={{{types}}})"
                )
            except self.error as error:
                raise UsageError(f"the logs do not fit table {table!r}: {said(error)}") from None

    def relation(self, query: str) -> Any:
        """Return a query's relation.

        Raises:
            UsageError: it is none, or more than one, or does more than ask.

        """
        try:
            statements = self.connection.extract_statements(query)
        except (self.error, TypeError) as error:  # a TypeError: it is no UTF-8
            raise UsageError(f"SQL: {said(error)}") from None
        if len(statements) != 1:
            raise UsageError(f"SQL: expected one query, found {len(statements)}")
        if statements[0].type not in self.allowed:
            kind = statements[0].type.name
            raise UsageError(f"SQL: expected a SELECT, found {kind}: logs are only read")
        try:
            return self.connection.sql(query)
        except (self.error, UnicodeError) as error:
            raise UsageError(f"SQL: {said(error)}") from None

    def ask(self, query: str) -> Answer:
        """Return what a query gives.

        Raises:
            UsageError: it is wrong.

        """
        relation = self.relation(query)
        try:
            return Answer(list(relation.columns), relation.fetchall())
        except self.error as error:
            raise UsageError(f"SQL: {said(error)}") from None

    def export(self, query: str, path: Path) -> int:
        """Write what a query gives to a Parquet file, a new one; return the number of rows.

        Raises:
            UsageError: the query is wrong, or the file cannot be written.

        """
        if path.exists():
            raise UsageError(f"cannot write {str(path)!r}: it exists, and nothing is overwritten")
        relation = self.relation(query)
        try:
            count = relation.count("*").fetchall()[0][0]
            relation.write_parquet(str(path.resolve()))
        except self.error as error:
            raise UsageError(f"cannot write {str(path)!r}: {said(error)}") from None
        return int(count)


def rows_in(path: Path, keep: Selection) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a file that ``keep`` chooses."""
    if path.name == CAMPAIGN:
        return entries_of(path)
    return rows_of(open_source(str(path)), keep)


def quoted(text: str) -> str:
    """Return text as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def said(error: BaseException) -> str:
    """Return what DuckDB says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("LINE ", "^")))[:500]
