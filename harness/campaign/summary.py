"""What the entries of a campaign came to: sums, findings, and the verdict with its reasons."""

from typing import Any

import msgspec

from harness.campaign.buckets import Groups
from harness.campaign.confidence import Confidence
from harness.campaign.crash import Crash
from harness.campaign.plan import MIX, Plan, far_k
from harness.campaign.workers import BatchResult, Finding
from harness.spec import RunSpec
from harness.variants import resolve_variant
from harness.verdict import CLEAN, INCONCLUSIVE, VIOLATED, worst
from model.rules.sometimes import NAMES

__all__ = ["KEPT_MAX", "Campaign", "Tally"]

KEPT_MAX = 100
"""How many failing schedules are kept per rule and entry; more are only counted."""


class Tally(msgspec.Struct):
    """The sums of one entry, in the order of its schedules.

    ``wanted`` are the "sometimes" states that the scenario names for the variant's ``era``;
    ``reached`` counts executions by the states they reached, as bits in the order of NAMES.
    ``seconds`` is the time that workers spent, ``tasks`` and ``k`` are the n and k of pct,
    ``broken`` counts failing executions by the first rule they broke, and ``groups`` has all of
    them, sorted. The rest is as in
    :class:`~harness.campaign.workers.BatchResult`.
    """

    spec: RunSpec
    era: str
    wanted: tuple[str, ...]
    depth: int
    strategy: str = MIX
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
    def make(cls, spec: RunSpec, depth: int, strategy: str = MIX) -> "Tally":
        """Begin an entry's sums at nothing.

        Raises:
            UsageError: the variant or the scenario that ``spec`` names cannot be had.
        """
        era = resolve_variant(spec.variant).era
        wanted = spec.loaded().sometimes.get(era, ())
        return cls(spec=spec, era=era, wanted=wanted, depth=depth, strategy=strategy)

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
        bit = 1 << NAMES.index(name)
        return sum(count for bits, count in self.reached.items() if bits & bit)

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
        """Say why nothing can be concluded, if so, and what might help."""
        if not self.schedules:
            return ["nothing was run"]
        out = []
        for bound, count in self.bounds.items():
            what = f"bound on {'drain ' if bound == 'drain' else ''}steps reached in {count} of "
            help_ = "" if bound == "drain" else "; raise it with --knob steps_max=N"
            out.append(what + f"{self.schedules} schedules{help_}")
        if self.unmet:
            out.append(f"never reached: {', '.join(self.unmet)}; {self.advice()}")
        return out

    def advice(self) -> str:
        """Say what might reach what was not reached."""
        n = self.schedules
        changed = self.changed()
        unless = f"out of reach with {', '.join(changed)} (not the scenario's)" if changed else ""
        if self.strategy == "round-robin":
            text = "round-robin is one schedule only: another --strategy may reach it"
            return f"{text}, or it is {unless}" if unless else text
        seen = [c for c in map(self.times_reached, self.wanted) if c]
        more = max(3 * n, 100)
        text = f"in {n} schedules its share is below {min(1.0, 3 / n):.2g} (95 %)"
        if seen:
            text += f", the rarest state that was reached came in {min(seen)}"
        text += f": {more} more schedules of this entry might do"
        return f"{text}, unless it is {unless}" if unless else text

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
            "bounds": self.bounds,
            "broken": self.broken,
            "reasons": self.reasons(),
            "confidence": self.confidence.as_dict() if self.verdict == CLEAN else None,
            "steps_per_second": round(self.rate),
            "seconds": round(self.seconds, 3),
        }
        if self.bounded is not None:
            figures["bounded"] = self.bounded.schedule
        return figures


class Campaign(msgspec.Struct):
    """A campaign that has run, whole or in part; ``seconds`` is its wall time.

    ``interrupted`` says that a Ctrl-C cut it short, ``crash`` which exception did.
    """

    plan: Plan
    tallies: list[Tally]
    seconds: float = 0.0
    interrupted: bool = False
    crash: Crash | None = None

    @property
    def schedules(self) -> int:
        """All schedules that were run and count."""
        return sum(t.schedules for t in self.tallies)

    @property
    def steps(self) -> int:
        """All their steps."""
        return sum(t.steps for t in self.tallies)

    @property
    def verdict(self) -> str:
        """The worst of the entries' verdicts; one that was cut short is not clean."""
        verdicts = [t.verdict for t in self.tallies]
        if self.interrupted or self.crash is not None:
            verdicts.append(INCONCLUSIVE)
        return worst(verdicts)
