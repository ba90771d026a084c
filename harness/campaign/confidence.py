"""The confidence that finding nothing gives. Sampling never proves anything.

Two statements are made. The *rule of three*: when none of n independent schedules failed, then with
95 % confidence fewer than 3/n of all schedules drawn this way fail. And the *bound of pct*
(Burckhardt et al., ASPLOS 2010): one schedule finds a bug of depth d with probability at least
1/(n * k^(d-1)), for n tasks and k choice steps; from it, how many runs 99 % would take. Half of the
pct schedules use the measured k, half a larger one; the bound is stated for each half by itself.
"""

import math

import msgspec

__all__ = ["Confidence", "pct_bound", "rule_of_three", "runs_for"]

CONFIDENCE = 0.99


def rule_of_three(schedules: int) -> float:
    """Return the 95 % upper bound on the share of failing schedules when none of these failed."""
    return min(1.0, 3 / schedules) if schedules else 1.0


def pct_bound(tasks: int, k: int, depth: int) -> float:
    """Return the least probability that one pct schedule finds a bug of this depth.

    It is 1 / (n * k**(depth - 1)) for n ``tasks`` and ``k`` choice steps (Burckhardt et al. 2010).
    """
    return 1 / (max(tasks, 1) * float(max(k, 1)) ** (depth - 1))


def runs_for(probability: float, confidence: float = CONFIDENCE) -> int:
    """Return how many independent runs succeed at least once with this confidence.

    Args:
        probability: that one of them succeeds, above 0.
        confidence: the probability wanted, 0 to below 1.

    Raises:
        ZeroDivisionError: ``probability`` is 0.
    """
    if probability >= 1:
        return 1
    return math.ceil(math.log1p(-confidence) / math.log1p(-probability))


class Half(msgspec.Struct, frozen=True):
    """The pct schedules of an entry that spread their change points over the same ``k``."""

    name: str
    k: int
    runs: int
    tasks: int
    depth: int

    @property
    def probability(self) -> float:
        """The least probability that one of them finds a bug within the first k choice steps."""
        return pct_bound(self.tasks, self.k, self.depth)

    @property
    def found_at_least(self) -> float:
        """The least probability that they would have found such a bug."""
        return -math.expm1(self.runs * math.log1p(-min(self.probability, 1 - 1e-12)))

    @property
    def runs_wanted(self) -> int:
        """How many of them 99 % would take."""
        return runs_for(self.probability)

    def text(self) -> str:
        """Say it in a sentence."""
        return (
            f"the {self.name} half, over the first k={self.k} choice steps: each schedule finds a "
            f"bug of that depth there with p >= 1/{round(1 / self.probability)}; 99 % would take "
            f"{self.runs_wanted} such schedules, {self.runs} were run"
        )

    def as_dict(self) -> dict[str, object]:
        """Return the figures for a summary."""
        return {
            "half": self.name,
            "k": self.k,
            "probability": self.probability,
            "runs": self.runs,
            "runs_for_99": self.runs_wanted,
            "found_at_least": self.found_at_least,
        }


class Confidence(msgspec.Struct, frozen=True):
    """The two bounds of an entry; that of pct for each half of its schedules.

    The near half spread its change points over ``k``, the choice steps that were measured, the
    ``far_runs`` others over ``far_k``. Each bound counts bugs within the first ``k`` choice steps
    of its half; ``longest`` is the most that one of the schedules had.
    """

    schedules: int
    pct_runs: int
    tasks: int
    k: int
    depth: int
    longest: int
    far_runs: int = 0
    far_k: int = 0

    @property
    def failing_at_most(self) -> float:
        """The share of schedules that may fail nevertheless, at 95 %."""
        return rule_of_three(self.schedules)

    @property
    def halves(self) -> list[Half]:
        """The halves of the pct schedules of which any was run, the near one first."""
        both = (
            Half("near", self.k, self.pct_runs - self.far_runs, self.tasks, self.depth),
            Half("far", self.far_k, self.far_runs, self.tasks, self.depth),
        )
        return [half for half in both if half.runs]

    @property
    def shown(self) -> Half:
        """The half whose bound stands in the table: the first that covers whole schedules."""
        return next((h for h in self.halves if h.k >= self.longest), self.halves[-1])

    def short(self) -> str:
        """Say it in a table's cell."""
        if self.schedules < 2:
            return "nothing: one schedule"
        text = f"<{self.failing_at_most:.2g}"
        if self.pct_runs:
            text += f"; d={self.depth} >={self.shown.found_at_least:.2g} (k={self.shown.k})"
        return text

    def long(self) -> str:
        """Say it in sentences."""
        text = (
            f"{self.schedules} schedules: at most {self.failing_at_most:.2g} of such schedules "
            "fail (95 %, rule of three)"
        )
        if not self.pct_runs:
            return text + "; no pct schedule with the k that was measured, so no bound by depth"
        text += f"; pct, n={self.tasks} tasks, d={self.depth}: "
        text += "; ".join(half.text() for half in self.halves)
        if self.longest > self.halves[-1].k:
            text += f" (nothing is said of later steps; the longest had {self.longest})"
        return text

    def as_dict(self) -> dict[str, object]:
        """Return the figures for a summary."""
        figures: dict[str, object] = {"failing_at_most_95": self.failing_at_most}
        if self.pct_runs:
            figures["pct"] = {
                "tasks": self.tasks,
                "depth": self.depth,
                "longest": self.longest,
                "runs": self.pct_runs,
                "halves": [half.as_dict() for half in self.halves],
            }
        return figures
