"""What the entries of a campaign came to: sums, findings, and the verdict with its reasons."""

import shlex
from typing import Any

import msgspec

from harness.campaign.batches import BatchResult, Finding
from harness.campaign.buckets import Groups
from harness.campaign.confidence import Confidence
from harness.campaign.crash import Crash
from harness.campaign.plan import MIX, ROUND_ROBIN, Plan, far_k
from harness.campaign.reach import enough_for, out_of_reach
from harness.held_rules import nothing_to_check
from harness.spec import RunSpec
from harness.variants import resolve_variant
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED, worst
from model.rules.windows import EVERY, WINDOWS, name_of

__all__ = ["FEW", "KEPT_MAX", "Again", "Campaign", "Tally"]

FEW = 3
"""So few schedules say nothing: all others may fail, as far as the rule of three can tell."""
KEPT_MAX = 100
"""How many failing schedules are kept per rule and entry; more are only counted."""


class Tally(msgspec.Struct):
    """The sums of one entry, in the order of its schedules.

    ``counted`` says that the number of schedules was given, not the time for them. ``wanted`` are
    the "sometimes" states that the scenario names for the variant's ``era``;
    ``reached`` counts executions by the states they reached, as bits in the order of EVERY; those
    of windows are counted one by one.
    ``seconds`` is the time that workers spent, ``tasks`` and ``k`` are the n and k of pct,
    ``broken`` counts failing executions by the first rule they broke, and ``groups`` has all of
    them, sorted. The rest is as in
    :class:`~harness.campaign.batches.BatchResult`.
    """

    spec: RunSpec
    era: str
    wanted: tuple[str, ...]
    depth: int
    strategy: str = MIX
    counted: bool = True
    schedules: int = 0
    steps: int = 0
    seconds: float = 0.0
    tasks: int = 0
    k: int = 0
    pct_runs: int = 0
    far_runs: int = 0
    longest: int = 0
    reached: dict[int, int] = {}
    bounds: dict[str, int] = {}
    bounded: Finding | None = None
    broken: dict[str, int] = {}
    findings: list[Finding] = []
    groups: Groups = msgspec.field(default_factory=Groups)

    @classmethod
    def make(
        cls, spec: RunSpec, depth: int, strategy: str = MIX, *, counted: bool = True
    ) -> "Tally":
        """Begin an entry's sums at nothing.

        Raises:
            UsageError: the variant or the scenario that ``spec`` names cannot be had.
        """
        era = resolve_variant(spec.variant).era
        wanted = spec.loaded().sometimes.get(era, ())
        return cls(
            spec=spec, era=era, wanted=wanted, depth=depth, strategy=strategy, counted=counted
        )

    @classmethod
    def of(cls, plan: Plan, entry: int) -> "Tally":
        """Begin the sums of an entry of a plan.

        Raises:
            UsageError: the variant or the scenario cannot be had.
        """
        counted = plan.schedules is not None
        return cls.make(plan.specs[entry], plan.depth, plan.strategy, counted=counted)

    def add(self, result: BatchResult) -> None:
        """Add a batch. Memory stays bounded however many executions there are."""
        self.schedules += result.done
        self.steps += result.steps
        self.seconds += result.seconds
        self.tasks = result.tasks or self.tasks
        self.k = result.k or self.k
        self.pct_runs += result.pct_runs
        self.far_runs += result.far_runs
        self.longest = max(self.longest, result.longest)
        for bits, count in result.reached.items():
            self.reached[bits] = self.reached.get(bits, 0) + count
        for bound, count in result.bounds.items():
            self.bounds[bound] = self.bounds.get(bound, 0) + count
        self.bounded = self.bounded or result.bounded
        for finding in result.findings:
            rule = finding.violations[0].rule
            self.broken[rule] = self.broken.get(rule, 0) + 1
            if self.broken[rule] <= KEPT_MAX:
                self.findings.append(finding)
            self.groups.add(self.spec, finding)

    @property
    def rate(self) -> float:
        """Steps per second of one process."""
        return self.steps / self.seconds if self.seconds else 0.0

    def times_reached(self, name: str) -> int:
        """Return how many executions reached a "sometimes" state.

        Raises:
            ValueError: there is no state of that name.
        """
        bit = 1 << EVERY.index(name)
        return sum(count for bits, count in self.reached.items() if bits & bit)

    def windows(self) -> dict[str, int]:
        """Return in how many executions something happened in each window of the era's kernel."""
        here = [window for window in WINDOWS if self.era in window.eras]
        return {window.id: self.times_reached(name_of(window)) for window in here}

    @property
    def unmet(self) -> list[str]:
        """The states that the scenario exists to reach, and no execution did."""
        return [name for name in self.wanted if not self.times_reached(name)]

    @property
    def verdict(self) -> str:
        """Violated, inconclusive, or clean (which is not proved)."""
        if self.broken:
            return VIOLATED
        return INCONCLUSIVE if self.reasons() else CLEAN

    def reasons(self) -> list[str]:
        """Say why nothing can be concluded, if so, and what might help.

        A state that was not reached is a reason where the number of schedules was given, or where
        it is out of reach. In a given time, which a busy machine makes short, it is only noted
        (:meth:`notes`): whether something is concluded must not hang on the machine.
        """
        if not self.schedules:
            return ["nothing was run"]
        if unchecked := nothing_to_check(self.spec):
            return [unchecked]
        out = []
        for bound, count in self.bounds.items():
            what = f"bound on {'drain ' if bound == 'drain' else ''}steps reached in {count} of "
            help_ = "" if bound == "drain" else "; raise it with --knob steps_max=N"
            out.append(what + f"{self.schedules} schedules{help_}")
        barred = [name for name in self.unmet if out_of_reach(self.spec, name)]
        missed = self.unmet if self.counted or self.strategy == ROUND_ROBIN else barred
        if missed:
            out.append(f"never reached: {', '.join(missed)}; {self.advice(missed)}")
        elif self.counted and self.schedules == 1:
            out.append("one schedule says nothing")
        return out

    def notes(self) -> list[str]:
        """Say which states were not reached yet, where that is no reason (:meth:`reasons`)."""
        if self.counted or self.strategy == ROUND_ROBIN or not self.schedules:
            return []
        open_ = [name for name in self.unmet if not out_of_reach(self.spec, name)]
        return [f"not reached yet: {', '.join(open_)}; {self.advice(open_)}"] if open_ else []

    def advice(self, missed: list[str]) -> str:
        """Say what might reach the states that were not reached."""
        n = self.schedules
        changed = self.changed()
        unless = f"out of reach with {', '.join(changed)} (not the scenario's)" if changed else ""
        barred = dict.fromkeys(filter(None, (out_of_reach(self.spec, name) for name in missed)))
        if barred:
            return f"out of reach with {', '.join(barred)}"
        if self.strategy == ROUND_ROBIN:
            text = "round-robin is one schedule only: another --strategy may reach it"
            return f"{text}, or it is {unless}" if unless else text
        text = f"in {n} schedule{'' if n == 1 else 's'} " if n > FEW else f"{n} run, "
        if n > FEW:
            text += f"its share is below {3 / n:.2g} (95 %), "
        enough = self.enough(missed)
        if enough > n:
            text += f"{enough} schedules of this entry are known to reach it (95 %)"
        else:
            text += f"{max(3 * n, 100)} schedules of this entry might reach it"
        text += f": {self.command(max(enough, 3 * n, 100) if enough <= n else enough)}"
        return f"{text}; unless it is {unless}" if unless else text

    def enough(self, missed: list[str]) -> int:
        """Return how many schedules are known to reach these states (95 %)."""
        return max(enough_for(self.spec.scenario, self.era, name) for name in missed)

    def command(self, schedules: int) -> str:
        """Return the command that runs so many schedules of this entry."""
        spec = self.spec
        where = ["--scenario-file"] if spec.scenario.endswith(".toml") else []
        words = ["vgic-race", "stress", *where, spec.scenario, "--variant", spec.variant]
        words += [word for size in self.changed() for word in option_of(size)]
        return shlex.join([*words, "--schedules", str(schedules)])

    def changed(self) -> list[str]:
        """Return the sizes and knobs that are not the scenario's."""
        loaded = self.spec.loaded()
        own = (loaded.pcpus, loaded.vcpus or len(loaded.vcpu), loaded.lrs)
        sizes = zip(("pcpus", "vcpus", "lrs"), own, strict=True)
        out = [
            f"{name}={getattr(self.spec, name)}"
            for name, size in sizes
            if getattr(self.spec, name) != size
        ]
        return out + [f"{name}={value}" for name, value in self.spec.knobs]

    @property
    def confidence(self) -> Confidence:
        """The confidence that finding nothing gives here."""
        return Confidence(
            schedules=self.schedules,
            pct_runs=self.pct_runs,
            tasks=self.tasks,
            k=self.k,
            depth=self.depth,
            longest=self.longest,
            far_runs=self.far_runs,
            far_k=far_k(self.k),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the entry's figures for a summary; only ``rate`` and ``seconds`` are times."""
        figures: dict[str, Any] = {
            "scenario": self.spec.scenario,
            "variant": self.spec.variant,
            "era": self.era,
            "verdict": self.verdict,
            "schedules": self.schedules,
            "steps": self.steps,
            "sometimes": {name: self.times_reached(name) for name in self.wanted},
            "windows": {window: count for window, count in self.windows().items() if count},
            "bounds": dict(sorted(self.bounds.items())),
            "broken": self.broken,
            "reasons": self.reasons(),
            "notes": self.notes(),
            "confidence": self.confidence.as_dict() if self.verdict == CLEAN else None,
            "steps_per_second": round(self.rate),
            "seconds": round(self.seconds, 3),
        }
        if self.bounded is not None:
            figures["bounded"] = self.bounded.schedule
        return figures


class Again(msgspec.Struct, frozen=True):
    """A kept failure that was run again: of which entry, and what it came to (None: it passes).

    ``id`` is what it is kept under, ``ran`` whether it could be run.
    """

    entry: int
    id: str
    finding: Finding | None = None
    ran: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what a summary says of it."""
        return {"id": self.id, "entry": self.entry, "violated": self.finding is not None}


class Campaign(msgspec.Struct):
    """A campaign that has run, whole or in part; ``seconds`` is its wall time.

    ``interrupted`` says that a Ctrl-C cut it short, ``crash`` which exception did. ``again`` are
    the failures of before that were run once more, beside its schedules.
    """

    plan: Plan
    tallies: list[Tally]
    seconds: float = 0.0
    interrupted: bool = False
    crash: Crash | None = None
    again: list[Again] = []

    @property
    def schedules(self) -> int:
        """All schedules that were run and count."""
        return sum(t.schedules for t in self.tallies)

    @property
    def steps(self) -> int:
        """All their steps."""
        return sum(t.steps for t in self.tallies)

    def windows(self) -> dict[str, dict[str, int]]:
        """Return in how many executions something happened in each window, by the era it ran in."""
        found: dict[str, dict[str, int]] = {window.id: {} for window in WINDOWS}
        for tally in self.tallies:
            for window, count in tally.windows().items():
                of = found[window]
                of[tally.era] = of.get(tally.era, 0) + count
        return {window: of for window, of in found.items() if of}

    @property
    def verdict(self) -> str:
        """The worst of the entries' verdicts; one that was cut short is not clean."""
        verdicts = [] if self.plan.only_kept else [t.verdict for t in self.tallies]
        verdicts += [VIOLATED for again in self.again if again.finding is not None]
        if self.plan.only_kept:
            verdicts += [CLEAN for again in self.again if again.finding is None]
        if self.interrupted or self.crash is not None:
            verdicts.append(INCONCLUSIVE)
        return worst(verdicts)


def option_of(changed: str) -> list[str]:
    """Return the option that sets a size or a knob, as ``NAME=VALUE``."""
    name, _, value = changed.partition("=")
    return [f"--{name}", value] if name in ("pcpus", "vcpus", "lrs") else ["--knob", changed]
