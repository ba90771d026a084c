"""What the options of ``stress`` come to: a plan that has been checked."""

import math
import os
from typing import Any

import click
from click.core import ParameterSource

from harness.campaign.plan import STRATEGIES, Plan, Shard
from harness.campaign.seeds import fresh_seed
from harness.errors import UsageError, unknown_name
from harness.guard.watch import watch
from harness.rule_choice import choose_rules
from harness.scenarios.schema import builtin_names
from harness.spec import RunSpec, parse_knobs
from harness.user_code import is_reference
from harness.user_rules import spelt
from harness.user_strategy import make_strategy
from harness.variants import ERAS, expand_variant, resolve_variant

__all__ = [
    "SECONDS", "arguments_of", "cpus", "deadline_of", "given_first", "make_plan", "parameters",
    "positive", "shard",
]  # fmt: skip

SECONDS = 10.0
REPORT_SECONDS = 0.7
"""What is kept back of the wall time, to write and print what was found."""


def positive(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    """Accept a number of seconds (click's callback of --seconds).

    Raises:
        UsageError: it is not finite, or not above 0.
    """
    if value is not None and not (math.isfinite(value) and value > 0):
        raise UsageError(f"--seconds {value:g}: expected a number of seconds above 0")
    return value


def shard(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Shard | None:
    """Read ``I/N`` (click's callback of --shard).

    Raises:
        UsageError: it is not two numbers, or there is no such part.
    """
    if value is None:
        return None
    number, _, of = value.partition("/")
    good = all(part.isascii() and part.isdigit() and len(part) < 6 for part in (number, of))
    if not good or not 1 <= int(number) <= int(of):
        raise UsageError(f"--shard {value!r}: expected I/N, part I of N, as in 2/3")
    return Shard(int(number), int(of))


def given_first(options: dict[str, Any]) -> None:
    """Let what was given on the command line replace the project's defaults that it excludes."""
    ctx = click.get_current_context()
    defaults = ctx.default_map or {}

    def is_given(name: str) -> bool:
        return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE

    for one, other in (("seconds", "schedules"), ("schedules", "seconds")):
        if is_given(one) and not is_given(other):
            options[other] = None
    if options["scenarios"] and not is_given("files"):
        options["files"] = ()
    elif not options["scenarios"] and not is_given("files"):
        options["scenarios"] = tuple(defaults.get("scenarios", ()))


def make_plan(
    *,
    began: float,
    scenarios: tuple[str, ...],
    files: tuple[str, ...],
    variants: tuple[str, ...],
    strategy: str,
    schedules: int | None,
    seconds: float | None,
    seed: int | None,
    jobs: int | None,
    knobs: tuple[str, ...],
    pcpus: int | None,
    vcpus: int | None,
    lrs: int | None,
    rules: str | None,
    **others: Any,
) -> tuple[Plan, float | None]:
    """Check all options; ``began`` is when the command did (monotonic clock, in seconds).

    Returns:
        The plan, and its wall time in seconds if that is what limits it, else None.

    Raises:
        UsageError: an option that is wrong, and what was expected.
    """
    if schedules is not None and seconds is not None:
        raise UsageError("--schedules and --seconds exclude each other: give one of them")
    if is_reference(strategy):
        make_strategy(strategy, 0)
    elif strategy not in STRATEGIES:
        raise unknown_name("strategy", strategy, STRATEGIES)
    if schedules is None and seconds is None:
        seconds = SECONDS
    watch.deadline = None if seconds is None else began + seconds
    checked = parse_knobs(knobs)
    only = choose_rules(rules)
    specs = tuple(
        RunSpec.make(
            scenario, variant, pcpus=pcpus, vcpus=vcpus, lrs=lrs, knobs=checked, rules=only
        )
        for scenario in choose_scenarios(scenarios, files)
        for variant in choose_variants(variants)
    )
    specs = without_unclean(specs, named=bool(scenarios))
    plan = Plan(
        specs=specs,
        seed=fresh_seed() if seed is None else seed,
        schedules=schedules,
        deadline=deadline_of(began, seconds),
        strategy=strategy,
        depth=others["depth"],
        engine=others["engine"],
        jobs=jobs or cpus(),
        keep_going=others["keep_going"],
        shard=others["shard"],
        dask=others["dask"],
    )
    return plan, seconds


def without_unclean(given: tuple[RunSpec, ...], *, named: bool) -> tuple[RunSpec, ...]:
    """Leave out eras, and what is built on them, on scenarios where the era is not clean.

    A variant of the user's own is run there all the same where the scenarios were ``named``.

    Raises:
        UsageError: nothing is left; why, and what runs it all the same.
    """
    left = tuple(x for x in given if (named and ":" in x.variant) or not x.unclean)
    if given and not left:
        first = given[0]
        raise UsageError(
            f"scenario {first.scenario!r}: era {first.variant.split('+')[0]} is not clean on it: "
            f"{first.unclean}; expected another variant, as {first.variant}+shipped, which is run "
            "all the same"
        )
    return left


def deadline_of(began: float, seconds: float | None) -> float | None:
    """Return when schedules must end so that the command does in ``seconds``; None: never."""
    return None if seconds is None else began + seconds - min(REPORT_SECONDS, seconds / 10)


def cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_scenarios(names: tuple[str, ...], files: tuple[str, ...]) -> list[str]:
    """Return the scenarios to run, each once: names of built-in ones, paths of files.

    Raises:
        UsageError: a name that no schedule could carry, or a file that is no ``.toml``.
    """
    for file in files:
        if not file.endswith(".toml"):
            raise UsageError(f"scenario file {file!r}: expected a .toml file")
    chosen = [*names, *files] or builtin_names()
    for name in chosen:
        if ";" in name or "\n" in name:
            raise UsageError(f"scenario {name!r}: a ';' in its path would garble schedules")
    return list(dict.fromkeys(chosen))


def choose_variants(names: tuple[str, ...]) -> list[str]:
    """Return the variants to run, each once; none given means the eras.

    Raises:
        UsageError: there is no such variant, or no era can express it.
    """
    chosen: dict[str, None] = {}
    for name in names or tuple(ERAS):
        if ";" in name or "\n" in name:
            raise UsageError(f"variant {name!r}: a ';' in its name would garble schedules")
        expanded = expand_variant(name)
        if not expanded:
            raise UsageError(f"variant {name!r} cannot be expressed in any era (see list variants)")
        for variant in expanded:
            resolve_variant(variant)
            chosen[variant] = None
    return list(chosen)


def arguments_of(plan: Plan) -> list[str]:
    """Return the arguments of the command that has a campaign again, on however many machines."""
    files = dict.fromkeys(s.scenario for s in plan.specs if s.scenario.endswith(".toml"))
    words = ["stress", *dict.fromkeys(s.scenario for s in plan.specs if s.scenario not in files)]
    words += [word for file in files for word in ("--scenario-file", file)]
    words += [w for v in dict.fromkeys(s.variant for s in plan.specs) for w in ("--variant", v)]
    words += ["--seed", str(plan.seed), "--strategy", plan.strategy, "--depth", str(plan.depth)]
    if plan.schedules is not None:
        words += ["--schedules", str(plan.schedules)]
    words += [word for name, value in plan.specs[0].knobs for word in ("--knob", f"{name}={value}")]
    for size in ("pcpus", "vcpus", "lrs"):
        sizes = {getattr(spec, size) for spec in plan.specs}
        own = {spec: size_of(spec, size) for spec in plan.specs}
        if any(getattr(spec, size) != own[spec] for spec in plan.specs):
            words += [f"--{size}", str(sizes.pop())]
    if only := spelt(plan.specs[0].rules):
        words += ["--rules", only]
    return [*words, *(["--keep-going"] if plan.keep_going else [])]


def size_of(spec: RunSpec, size: str) -> int:
    """Return a size as the scenario itself has it."""
    loaded = spec.loaded()
    return int(loaded.vcpus or len(loaded.vcpu)) if size == "vcpus" else int(getattr(loaded, size))


def parameters(plan: Plan, seconds: float | None) -> str:
    """Return the line that says how this campaign can be had again."""
    scenarios = ",".join(dict.fromkeys(spec.scenario for spec in plan.specs))
    variants = ",".join(dict.fromkeys(spec.variant for spec in plan.specs))
    limit = f"seconds={seconds:g}" if seconds is not None else f"schedules={plan.schedules}"
    limit = "last-failed" if plan.only_kept else limit
    knobs = "".join(f" {name}={value}" for name, value in plan.specs[0].knobs)
    only = spelt(plan.specs[0].rules)
    knobs += f" rules={only}" if only else ""
    return (
        f"stress: seed={plan.seed} scenarios={scenarios} variants={variants} {limit} "
        f"strategy={plan.strategy} depth={plan.depth} engine={plan.engine} jobs={plan.jobs}{knobs}"
        + ("" if plan.shard is None else f" shard={plan.shard}")
    )
