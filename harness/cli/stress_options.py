"""The options of ``stress``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from harness.campaign.plan import DEPTH, MIX, STRATEGIES
from harness.cli.options import (
    engine_option,
    json_option,
    knob_option,
    rules_option,
    size_options,
)
from harness.cli.profile import profile_option
from harness.cli.stress_plan import SECONDS, positive, shard

__all__ = ["stress_options"]

F = TypeVar("F", bound=Callable[..., Any])

WHAT = (
    click.argument("scenarios", nargs=-1, metavar="[SCENARIO]..."),
    click.option(
        "--scenario-file", "files", multiple=True, metavar="FILE", help="A .toml of yours."
    ),
    click.option(
        "--variant", "variants", multiple=True, metavar="V",
        help="v4.14, v7.2, a museum id, package.module:Class or path/file.py:Class "
        "[v4.14 and v7.2].",
    ),
    click.option(
        "--strategy", default=MIX, show_default=True,
        help=f"{', '.join(STRATEGIES)}, FILE.py:CLASS.",
    ),
    click.option(
        "--depth", type=click.IntRange(1, 20), default=DEPTH, show_default=True,
        help="Depth of pct.",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=None, help="Seed of everything [random]."
    ),
    click.option(
        "--schedules", type=click.IntRange(min=1), help="How many, shared over the entries."
    ),
    click.option(
        "--seconds", type=float, callback=positive,
        help=f"Wall time of the whole command, shared over the entries [{SECONDS:g}].",
    ),
)  # fmt: skip
WHERE = (
    click.option("--jobs", type=click.IntRange(min=1), help="Processes [one per CPU]."),
    click.option(
        "--shard", callback=shard, metavar="I/N",
        help="Run part I of N only: every N-th schedule. 'merge' makes one campaign of the parts.",
    ),
    click.option(
        "--dask", default="", metavar="ADDRESS",
        help="Run on the workers of the Dask scheduler there (vgic-race[dask]).",
    ),
    click.option(
        "--resume", metavar="DIR",
        help="Go on with the campaign in DIR: with its plan, or more --schedules or --seconds.",
    ),
)  # fmt: skip
HOW = (
    click.option("--keep-going", is_flag=True, help="Do not stop an entry at its first violation."),
    click.option(
        "--last-failed", is_flag=True, help="Run only what failed before and was kept."
    ),
    click.option(
        "--no-kept", is_flag=True,
        help="Do not run failures of before first, and keep none (.vgic-race/ of the project).",
    ),
    click.option(
        "--no-shrink", is_flag=True,
        help="Do not look for the shortest story of what is found (half a minute at most).",
    ),
    profile_option,
)  # fmt: skip
SAYS = (
    click.option(
        "-v", "--verbose", is_flag=True,
        help="Rates, the bounds of a clean run, and on stderr what the campaign does.",
    ),
    click.option(
        "--log-json", is_flag=True, help="What it does, and progress, as JSON on stderr."
    ),
    click.option("-q", "--quiet", is_flag=True, help="One line with the verdict, for CI."),
    click.option("--junit", metavar="FILE", help="Write the entries as JUnit XML, too."),
    click.option(
        "--ci", type=click.Choice(["auto", "github", "none"]), default="auto", show_default=True,
        help="Annotations and a step summary for GitHub; auto: where GITHUB_ACTIONS says so.",
    ),
    engine_option, knob_option, rules_option, size_options, json_option,
)  # fmt: skip


def stress_options(command: F) -> F:
    """Add all options of ``stress``."""
    for option in reversed((*WHAT, *WHERE, *HOW, *SAYS)):
        command = option(command)
    return command
