"""The plugin that pytest loads: ``@pytest.mark.race`` and the fixture ``race``.

Every test run in the environment loads this, so it imports nothing of vgic-race before a test asks
for the fixture. What a test is given is in ``race.py`` beside this, what a failure prints in
``story.py``.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.race import Race, RaceFailed

__all__ = ["race"]

MARK = "race"
HELP = (
    "race(scenario, variant, schedules=100, strategy='mix', seed=0, depth=3, knobs={}, rules=None, "
    "pcpus=None, vcpus=None, lrs=None, expect='clean', shrink=True): the test's fixture `race` "
    "runs that scenario under many schedules (vgic-race help extending)"
)
NEVER_RAN = "the test ended without having run its schedules; expected race.run() or run_async()"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that count for all marked tests."""
    group = parser.getgroup("vgic-race", "vgic-race: tests marked race")
    group.addoption(
        "--race-schedules", type=at_least(1), metavar="N",
        help="How many schedules each entry of a test runs, whatever its mark says.",
    )  # fmt: skip
    group.addoption(
        "--race-seed", type=at_least(0), metavar="N",
        help="The seed of all schedules, whatever the marks say.",
    )  # fmt: skip


def at_least(least: int) -> Any:
    """Return what reads a number from ``least`` up, for an option."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 18 or int(text) < least:
            raise ArgumentTypeError(f"{text!r}: expected a number, {least} or more")
        return int(text)

    return read


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark is, for ``--markers`` and ``--strict-markers``."""
    config.addinivalue_line("markers", HELP)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a mark that would do nothing."""
    if item.get_closest_marker(MARK) is not None and MARK not in getattr(item, "fixturenames", ()):
        pytest.fail("marked race, but the test has no argument `race`", pytrace=False)


@pytest.fixture
def race(request: pytest.FixtureRequest) -> Race:
    """Return what runs the scenario that the test's mark names (``harness.pytest_plugin.race``)."""
    node, config = request.node, request.config
    marks = list(node.iter_markers(MARK))
    if not marks:
        pytest.fail("the fixture race needs @pytest.mark.race(scenario=...)", pytrace=False)
    if hidden := hidden_package():
        pytest.fail(hidden, pytrace=False)
    from harness.errors import UsageError
    from harness.pytest_plugin.race import make_race

    wanted: dict[str, Any] = {}
    for mark in reversed(marks):  # the closest one last, so that it counts
        if mark.args:
            pytest.fail(f"race{mark.args!r}: expected arguments by name", pytrace=False)
        wanted |= mark.kwargs
    for option in ("schedules", "seed"):
        if (value := config.getoption(f"race_{option}")) is not None:
            wanted[option] = value
    try:
        return make_race(wanted, name=node.name, folders=(node.path.parent, config.rootpath))
    except UsageError as error:
        wrong = str(error)
    pytest.fail(f"race: {wrong}", pytrace=False)


def hidden_package() -> str:
    """Say what hides one of our packages; "" if nothing does."""
    import importlib

    ours = Path(__file__).resolve().parents[2]
    for name in ("harness", "model"):
        module = importlib.import_module(name)
        where = [Path(path).resolve() for path in getattr(module, "__path__", [])]
        if ours / name not in where:
            found = str(where[0]) if where else getattr(module, "__file__", "?")
            return (
                f"vgic-race cannot run here: its package {name!r} is hidden by {found}, which has "
                "the same name; rename that, or run the tests of vgic-race apart from it"
            )
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a failing schedule as its story, not as a traceback; fail what never ran any."""
    report = yield
    if call.excinfo is not None:
        failed, others = told_apart(call.excinfo.value)
        if failed is not None and not others:
            report.longrepr = failed.story()
        elif failed is not None:
            report.sections.append(("race", failed.story()))
    elif call.when == "call" and report.passed and item.get_closest_marker(MARK) is not None:
        given = getattr(item, "funcargs", {}).get(MARK)
        if given is not None and not given.has_run:
            report.outcome = "failed"
            report.longrepr = NEVER_RAN
    return report


def told_apart(error: BaseException) -> tuple[RaceFailed | None, bool]:
    """Return the failing schedule that an exception is, or is a group of; and whether more is."""
    failed: RaceFailed | None = None
    others = False
    for each in leaves(error):
        if failed is None and hasattr(each, "race_story"):
            failed = each  # type: ignore[assignment]  # nothing else has that
        elif type(each).__name__ != "Cancelled":
            others = True
    return failed, others


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Name the exceptions of a group, however deep; of any other itself."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error
