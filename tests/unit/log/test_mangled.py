"""A mangled log gives an answer or one clear line, whoever reads it."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from harness.errors import UsageError
from harness.log.check import check_log
from harness.log.diff import compare
from harness.log.lanes import Lanes
from harness.log.latency import life_rows
from harness.log.perfetto import export
from harness.log.reader import parse_log, read_header
from harness.log.source import LOG, Source, open_source, told
from harness.log.summary import figures_of
from harness.log.tables import rows_of
from harness.log.views import columns, life_text, story_marks
from tests.unit.log.mangle import mangled
from tests.unit.log.recorded import recorded


def opened(path: Path) -> Source:
    source = open_source(str(path))
    assert source.log is not None
    return source


def checks(source: Source) -> object:
    assert source.log is not None
    return check_log(source.log)


def shows(source: Source) -> object:
    assert source.log is not None
    marks = story_marks(source.log)
    return [*columns(source.log, marks), *life_text(source.log, marks)]


def compares(source: Source) -> object:
    good = parse_log(recorded("timer-wfi", "v4.14").data, Path("good"))
    return compare(source, Source("good", LOG, good, good.entries))


READERS: tuple[Callable[[Source], object], ...] = (
    checks,
    shows,
    compares,
    figures_of,
    lambda source: life_rows(told(source)),
    lambda source: [Lanes().hear(line) for line in told(source)],
    lambda source: list(rows_of(source)),
    lambda source: list(export(source, "step")),
    lambda source: read_header(Path(source.name)),
)


def answers(path: Path, data: bytes, seed: int) -> bool:
    """Whether there is an answer; else there must be one line that names the file."""
    path.write_bytes(data)
    try:
        Random(seed).choice(READERS)(opened(path))
    except UsageError as error:
        text = str(error)
        assert "\n" not in text, text
        assert str(path) in text, text
        assert len(text) < 1_000, text
        return False
    return True


def sweep(folder: Path, seeds: range) -> tuple[int, int]:
    """How many of the logs had an answer, and how many an error."""
    logs = [recorded("timer-wfi", "v4.14"), recorded("spi-level", "v7.2+57", 40)]
    path = folder / "log.jsonl"
    good = sum(answers(path, mangled(logs[seed % 2].data, seed), seed) for seed in seeds)
    return good, len(seeds) - good


def test_a_sample_of_mangled_logs(tmp_path: Path) -> None:
    good, bad = sweep(tmp_path, range(60))
    assert good > 5
    assert bad > 20


@pytest.mark.long
def test_ten_thousand_mangled_logs(tmp_path: Path) -> None:
    good, bad = sweep(tmp_path, range(10_000))
    assert good > 1_000
    assert bad > 3_000
