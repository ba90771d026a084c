"""What one ``explore`` is to do for one scenario and variant, and what is kept of it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.campaign.crash import naming_variant
from harness.errors import UsageError
from harness.places import default_log_root, new_folder, slug, write_whole
from harness.rule_choice import parse_rules
from harness.scenarios.schema import builtin_names
from harness.scenarios.writer import to_toml
from harness.search.case import Case
from harness.search.explore.explore import LEFT_OUT, Exploration
from harness.search.explore.explored import Explored, ExploreLimits, Failure, Reductions
from harness.search.explore.failure import with_steps_max
from harness.search.explore.reaching import Reached, limits_of, reaching
from harness.search.explore.session import resume, saved_of
from harness.search.explore.store import Saved, save
from harness.spec import RunSpec, load_scenario, parse_knobs
from harness.variants import ERAS, expand_variant, resolve_variant
from harness.verdict import EXIT_CODES, EXIT_INTERRUPTED, INCONCLUSIVE, PROVED, VIOLATED

__all__ = ["Entry", "Found", "conclude", "entries_of", "entry_of_saved", "explore_entry"]

LEAST = 2_000
"""A search of fewer states is made again sooner than it is read."""


class Entry(msgspec.Struct, frozen=True):
    """One search: its case, what is known of an earlier session, and where that lies.

    ``sometimes`` are the states that its scenario, at its own size, exists to reach.
    """

    case: Case
    saved: Saved | None = None
    path: Path | None = None
    sometimes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The scenario and the variant."""
        return f"{self.case.scenario.name}, {self.case.variant}"

    def bounds(self, limits: ExploreLimits) -> str:
        """Say in a line what is explored: the sizes, the stimuli, the bounds."""
        s, config = self.case.scenario, self.case.config()
        said = [f"{len(s.vcpu)} VCPUs on {s.pcpus} CPUs", f"{s.lrs} LRs"]
        said += [f"vcpu {n}: {'; '.join(vcpu.program)}" for n, vcpu in enumerate(s.vcpu)]
        said += [f"device {d.intid}: up to {d.edges} edges" for d in s.device]
        said += [f"{f.what} to vcpu {f.vcpu}: up to {f.events} events" for f in s.forward]
        counts = (("preemptions", s.preemptions), ("resets", s.resets), ("saves", s.saves))
        said += [f"up to {count} {what} of the host" for what, count in counts if count]
        said.append(f"gic_lag {config.gic_lag}, {config.gic_messages} messages")
        said += [f"{name}={value}" for name, value in self.case.knobs]
        if limits.switches is not None:
            said.append(f"at most {limits.switches} switches between tasks")
        if limits.preemptions is not None:
            said.append(f"at most {limits.preemptions} switches away from who could go on")
        if self.case.rules is not None:
            said.append(f"rules {', '.join(self.case.rules)}")
        return ", ".join(said)


class Found(msgspec.Struct, frozen=True):
    """What one search found, and where its schedule and what is to go on lie."""

    entry: Entry
    explored: Explored
    bounds: str
    schedule: Path | None
    store: Path | None
    reached: Reached | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        e, case = self.explored, self.entry.case
        plain = {
            name: getattr(e, name)
            for name in e.__struct_fields__
            if name not in ("failure", "left_out")
        }
        return {
            "type": "explored",
            "scenario": case.scenario.name,
            "variant": case.variant,
            **plain,
            "states_per_cpu_second": round(e.states / max(e.cpu_seconds, 1e-3)),
            "for": self.bounds,
            "rules_left_out": list(e.left_out),
            "store": None if self.store is None else str(self.store),
            "sometimes": None if self.reached is None else msgspec.to_builtins(self.reached),
            "violations": self.violations(),
        }

    def violations(self) -> list[dict[str, Any]]:
        """Return what was broken, the first one first."""
        failure = self.explored.failure
        if failure is None:
            return []
        case = self.entry.case
        common = {
            "scenario": case.scenario.name,
            "variant": case.variant,
            "schedule": schedule_of(case, failure),
            "steps": failure.steps,
            "shortest": failure.shortest,
            "log": None if self.schedule is None else str(self.schedule),
        }
        found = [
            {"type": x.type, "rule": x.rule, "text": x.text, **common} for x in failure.violations
        ]
        if failure.stem >= 0:
            text = f"after {failure.stem} steps a cycle of {failure.cycle} without progress"
            found.append({"type": "livelock", "rule": LEFT_OUT[0], "text": text, **common})
        return found


# -- what is to be done ----------------------------------------------------------------------------


def entries_of(options: Mapping[str, Any]) -> list[Entry]:
    """Return the searches that the options of the command ask for.

    Raises:
        UsageError: one of them is wrong.

    """
    names = options["scenarios"] or ("all",)
    scenarios = [x for name in names for x in (builtin_names() if name == "all" else [name])]
    variants = [x for name in options["variants"] or tuple(ERAS) for x in expand_variant(name)]
    knobs = parse_knobs(options["knobs"])
    rules = None if options["rules"] is None else parse_rules(options["rules"])
    sizes = {name: options[name] for name in ("pcpus", "vcpus", "lrs")}
    entries = []
    for name in dict.fromkeys(scenarios):
        toml = "" if options["whole"] else smaller(name)
        for variant in dict.fromkeys(variants):
            era = resolve_variant(variant).era
            spec = RunSpec.make(name, variant, **sizes, knobs=knobs, toml=toml, rules=rules)
            wanted = load_scenario(name).sometimes.get(era, ())
            entries.append(Entry(Case.of(spec), sometimes=wanted))
    return entries


def smaller(name: str) -> str:
    """Return the text of the scenario at which exploring ends; "" if that is the scenario itself.

    Raises:
        UsageError: it cannot be had.

    """
    scenario = load_scenario(name)
    return "" if scenario.explore is None else to_toml(scenario.smaller())


def entry_of_saved(saved: Saved, path: Path) -> Entry:
    """Return what goes on with an earlier session.

    Raises:
        UsageError: it cannot be gone on with here.

    """
    return Entry(Case.of(saved.spec()), saved, path)


# -- doing it --------------------------------------------------------------------------------------


def explore_entry(
    entry: Entry,
    limits: ExploreLimits,
    *,
    shortest: bool,
    watch: Callable[[Exploration], bool],
    keep: bool,
) -> Found:
    """Search, and keep a schedule that breaks a rule, or a search that was stopped.

    Args:
        entry: what is searched.
        limits: when to give up.
        shortest: whether a violation is looked for again, for a shortest schedule.
        watch: is called now and then; returns whether to go on.
        keep: whether a search that is stopped is kept.

    Raises:
        UsageError: the variant is one that cannot be explored.
        WriteError: something cannot be written.

    """
    saved, case = entry.saved, entry.case
    reductions = None
    if saved is not None:
        reductions = Reductions(saved.dead, saved.held_back, saved.stubborn, saved.symmetric)
    with naming_variant(case.spec):
        exploration = Exploration(
            case, limits, reductions, shortest=shortest, watch=watch, saved=saved
        )
        if saved is not None:
            resume(exploration, saved)
        explored = exploration.run()
    schedule = store = None
    if explored.failure is not None:
        schedule = folder_of(case) / "failure.schedule"
        write_whole(schedule, f"{schedule_of(case, explored.failure)}\n".encode())
    elif explored.verdict == INCONCLUSIVE and keep and explored.states >= LEAST:
        store = entry.path or folder_of(case) / "search.store"
        save(saved_of(exploration), store)
    reached = None
    if explored.verdict == PROVED and entry.sometimes:
        left = limits_of(limits, explored.seconds)
        reached = reaching(case, entry.sometimes, left, lambda: watch(exploration))
    return Found(entry, explored, entry.bounds(limits), schedule, store, reached)


def schedule_of(case: Case, failure: Failure) -> str:
    """Return the schedule of a failure, as it is replayed."""
    return str(with_steps_max(case, failure.steps_max).spec.schedule_of(failure.choices))


def folder_of(case: Case) -> Path:
    """Make a folder for what is kept.

    Raises:
        WriteError: it cannot be made.

    """
    name = f"explore-{slug(case.scenario.name)}-{slug(case.variant)}"
    return new_folder(default_log_root(), name)


def conclude(found: Iterable[Found], *, interrupted: bool) -> tuple[dict[str, Any], int]:
    """Return the summary of all searches, and the exit code.

    Raises:
        UsageError: there was none.

    """
    all_found = list(found)
    seen = {each.explored.verdict for each in all_found}
    verdict = next((v for v in (VIOLATED, INCONCLUSIVE, PROVED) if v in seen), INCONCLUSIVE)
    if interrupted and verdict == PROVED:
        verdict = INCONCLUSIVE
    summary = {
        "type": "summary",
        "verdict": verdict,
        "interrupted": interrupted,
        "states": sum(each.explored.states for each in all_found),
        "violations": [x for each in all_found for x in each.violations()],
    }
    code = EXIT_INTERRUPTED if interrupted else EXIT_CODES[verdict]
    if not all_found and not interrupted:
        raise UsageError("nothing to explore")
    return summary, code
