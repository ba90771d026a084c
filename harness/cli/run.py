"""``run``: one execution, printed as the life of each interrupt."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    EPILOG,
    engine_option,
    json_option,
    knob_option,
    rules_option,
    size_options,
)

if TYPE_CHECKING:
    from harness.engine.engines import Engine
    from harness.log.specimen import Specimen
    from harness.spec import RunSpec

__all__ = ["command"]


@click.command("run", epilog=EPILOG)
@click.argument("scenario", required=False)
@click.option("--scenario-file", metavar="FILE", help="A scenario of your own (TOML).")
@click.option("--variant", default="v7.2", show_default=True, help="The hypervisor under test.")
@click.option(
    "--strategy",
    metavar="random|pct|round-robin|FILE.py:CLASS",
    help="What makes the choices [the first execution that tells the scenario's story].",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the strategy [0].")
@click.option(
    "--depth", type=click.IntRange(min=1), default=3, show_default=True, help="Depth of pct."
)
@click.option("--log", "log_path", metavar="PATH", help="Write the log to this new file.")
@size_options
@knob_option
@rules_option
@engine_option
@json_option
def command(
    scenario: str | None,
    scenario_file: str | None,
    variant: str,
    strategy: str | None,
    seed: int | None,
    depth: int,
    log_path: str | None,
    lrs: int | None,
    vcpus: int | None,
    pcpus: int | None,
    knobs: tuple[str, ...],
    rules: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """Run SCENARIO once and print the life of each interrupt.

    Without --strategy and --seed: round-robin if it tells the scenario's story (in era v4.14, every
    numbered step of the document's list; else every state the scenario exists to reach), else
    the first of the random seeds 0, 1, 2, ... that does, or that breaks a rule. The log is written
    under logs/ (see VGIC_RACE_LOGS).
    """
    from harness.campaign.crash import naming_variant
    from harness.cli.show import report_execution, take
    from harness.engine.engines import make_engine
    from harness.places import default_log_root, new_folder, slug
    from harness.rule_choice import choose_rules
    from harness.spec import RunSpec, parse_knobs

    spec = RunSpec.make(
        scenario_name(scenario, scenario_file),
        variant_name(variant),
        pcpus=pcpus,
        vcpus=vcpus,
        lrs=lrs,
        knobs=parse_knobs(knobs),
        rules=choose_rules(rules),
    )
    with naming_variant(spec):
        found = choose(make_engine(engine), spec, strategy, seed, depth)
    what = "" if found.seed is None else f", random seed {found.seed}"
    click.echo(
        f"{spec.scenario}, variant {spec.variant}: strategy {found.strategy}{what}", err=True
    )

    def place() -> Path:
        if log_path is not None:
            return Path(log_path)
        stem = slug(Path(spec.scenario).stem) + "-" + slug(spec.variant)
        return new_folder(default_log_root(), f"run-{stem}") / "execution.jsonl"

    taken = take(
        spec, found.schedule, place, engine=engine, seed=found.seed, exact=log_path is not None
    )
    return report_execution(taken, found.schedule, as_json=as_json)


def variant_name(name: str) -> str:
    """Return the one variant that a name stands for: a museum id must exist in one era only.

    Raises:
        UsageError: it stands for none, or for several, which are named.
    """
    from harness.errors import UsageError
    from harness.variants import expand_variant

    expanded = expand_variant(name)
    if not expanded:
        raise UsageError(f"variant {name!r} cannot be expressed in any era (see list variants)")
    if len(expanded) > 1:
        raise UsageError(f"variant {name!r} stands for {' and '.join(expanded)}: say which")
    return expanded[0]


def scenario_name(scenario: str | None, scenario_file: str | None) -> str:
    """Return the scenario to run: a built-in one's name, or the path of a ``.toml`` file.

    Raises:
        UsageError: both are given, or neither, or the file's name would garble a schedule.
    """
    from harness.errors import UsageError

    if (scenario is None) == (scenario_file is None):
        raise UsageError("expected either a SCENARIO or --scenario-file FILE")
    if scenario_file is None:
        assert scenario is not None
        return scenario
    if not scenario_file.endswith(".toml") or ";" in scenario_file:
        raise UsageError(
            f"scenario file {scenario_file!r}: expected a name that ends in .toml, without ';'"
        )
    return scenario_file


def choose(
    engine: "Engine", spec: "RunSpec", strategy: str | None, seed: int | None, depth: int
) -> "Specimen":
    """Find the execution to show: the scenario's story, or what a strategy makes of a seed.

    Raises:
        UsageError: there is no such strategy.
    """
    from harness.contract import Strategy
    from harness.errors import unknown_name
    from harness.log.specimen import run_strategy, specimen
    from harness.strategies.pct import Pct
    from harness.strategies.random_walk import RandomWalk
    from harness.strategies.round_robin import RoundRobin
    from harness.user_code import is_reference
    from harness.user_strategy import make_strategy

    if strategy is None and seed is None:
        return specimen(engine, spec)
    name = strategy or "random"
    number = seed or 0
    made: Strategy
    if is_reference(name):
        made = make_strategy(name, number)
    elif name == "round-robin":
        return run_strategy(engine, spec, RoundRobin(), name, None)
    elif name not in ("random", "pct"):
        raise unknown_name("strategy", name, ("random", "pct", "round-robin"))
    else:
        made = Pct(number, depth) if name == "pct" else RandomWalk(number)
    return run_strategy(engine, spec, made, name, number)
