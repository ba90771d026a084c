"""Campaigns of ``stress`` that go on from others: one that was cut off, or kept failures."""

import re
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from harness.campaign.kept import Store
from harness.campaign.plan import Plan
from harness.campaign.record import NAME, Past, is_running, origins_of, read_record
from harness.cli.stress_plan import SECONDS, cpus, deadline_of, make_plan
from harness.errors import UsageError
from harness.places import shown
from harness.spec import RunSpec

__all__ = ["cut_off", "last_failed", "resumed"]

OF_THE_PLAN = {
    "scenarios": "SCENARIO", "files": "--scenario-file", "variants": "--variant",
    "strategy": "--strategy", "depth": "--depth", "seed": "--seed", "shard": "--shard",
    "keep_going": "--keep-going", "knobs": "--knob", "rules": "--rules", "pcpus": "--pcpus",
    "vcpus": "--vcpus", "lrs": "--lrs", "last_failed": "--last-failed",
}  # fmt: skip
"""Options that a campaign which goes on has settled."""


def given(name: str) -> bool:
    """Tell whether an option stands on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def resumed(
    *, began: float, resume: str, schedules: int | None, seconds: float | None, **options: Any
) -> tuple[Plan, float | None, Past]:
    """Return the plan of a campaign that goes on, its wall time if it has one, and its past.

    Raises:
        UsageError: there is none, it is still running, its code has changed, or an option is given
            that it has settled.
    """
    for name, option in OF_THE_PLAN.items():
        if given(name):
            raise UsageError(f"--resume and {option} exclude each other: the campaign has its own")
    folder = Path(resume)
    past = read_record(folder)
    if is_running(folder):
        raise UsageError(f"the campaign in {resume!r} is still running")
    if origins_of(past.plan) != past.begun.origins:
        raise UsageError(
            f"the campaign in {resume!r} cannot go on: the code of vgic-race, of a scenario or of "
            "a variant has changed since"
        )
    stride = 1 if past.plan.shard is None else past.plan.shard.of
    if any(r.stride not in (1, stride) for some in past.results for r in some):
        raise UsageError(f"{resume!r} was merged from shards: go on with one of these")
    if given("schedules") and given("seconds"):
        raise UsageError("--schedules and --seconds exclude each other: give one of them")
    if given("schedules"):
        seconds = None
    elif given("seconds"):
        schedules = None
    else:
        schedules = past.plan.schedules
        seconds = None if schedules is not None else past.begun.seconds or SECONDS
    plan = msgspec.structs.replace(
        past.plan, schedules=schedules, jobs=options["jobs"] or cpus(), dask=options["dask"],
        engine=options["engine"], deadline=deadline_of(began, seconds),
    )  # fmt: skip
    return plan, seconds, past


def last_failed(store: Store | None, *, began: float, **options: Any) -> tuple[Plan, float | None]:
    """Return a plan that runs nothing but kept failures: of what is given, or all there are.

    Raises:
        UsageError: there are none, or they are turned off.
    """
    if store is None:
        raise UsageError("--last-failed: failures are not kept here (--no-kept or VGIC_RACE_KEPT)")
    chosen = any(given(name) for name in ("scenarios", "files", "variants"))
    plan, seconds = make_plan(began=began, **options)
    specs = plan.specs
    if not chosen:
        found: dict[RunSpec, None] = {}
        for failed in store.all():
            try:
                found[store.spec_of(failed)] = None
            except UsageError as error:
                click.echo(f"note: kept failure {failed.id} is left out: {error}", err=True)
        specs = tuple(found)
    specs = tuple(spec for spec in specs if store.of(spec))
    if not specs:
        raise UsageError(f"--last-failed: nothing that failed is kept in {shown(store.folder)!r}")
    return msgspec.structs.replace(plan, specs=specs, only_kept=True), seconds


def cut_off(root: Path) -> str:
    """Say what became of the last campaign in a folder of logs, if it was cut off; else "".

    Nothing is said of one that ended by itself, or that still runs.
    """
    try:
        found = [(re.fullmatch(r"stress-(\d+)", path.name), path) for path in root.iterdir()]
    except OSError:
        return ""
    folders = {int(match[1]): path for match, path in found if match is not None}
    if not folders:
        return ""
    folder = folders[max(folders)]
    if (folder / "campaign.json").exists() or is_running(folder):
        return ""
    try:
        count = (folder / NAME).read_bytes().count(b'{"type":"finding"')
    except OSError:
        return ""
    what = f"{count} failing schedules" if count != 1 else "1 failing schedule"
    where = shown(folder)
    return (
        f"note: the last campaign was cut off; what it found ({what}) is in {where}: "
        f"vgic-race merge {where} reports it, vgic-race stress --resume {where} goes on"
    )
