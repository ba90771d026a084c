"""What a campaign that found nothing is worth. Sampling never proves anything.

Two statements are made. The *rule of three*: when none of n independent schedules failed, then with
95 % confidence fewer than 3/n of all schedules drawn this way fail. And the *bound of pct*
(Burckhardt et al., ASPLOS 2010): one schedule finds a bug of depth d with probability at least
1/(n * k^(d-1)), for n tasks and k choice steps; from it, how many runs 99 % would take.
"""

import math

import msgspec

__all__ = ["Worth", "pct_bound", "rule_of_three", "runs_for"]

CONFIDENCE = 0.99


def rule_of_three(schedules: int) -> float:
    """Return the 95 % upper bound on the share of failing schedules when none of n failed."""
    return min(1.0, 3 / schedules) if schedules else 1.0


def pct_bound(tasks: int, k: int, depth: int) -> float:
    """Return the least probability that one pct schedule finds a bug of this depth."""
    return 1 / (max(tasks, 1) * float(max(k, 1)) ** (depth - 1))


def runs_for(probability: float, confidence: float = CONFIDENCE) -> int:
    """Return how many independent runs succeed at least once with this confidence."""
    if probability >= 1:
        return 1
    return math.ceil(math.log1p(-confidence) / math.log1p(-probability))


class Worth(msgspec.Struct, frozen=True):
    """The two bounds of an entry.

    ``k`` is what pct's change points were spread over, ``longest`` the most choice steps that one
    of its schedules had: the bound counts bugs within the first ``k``.
    """

    schedules: int
    pct_runs: int
    tasks: int
    k: int
    depth: int
    longest: int

    @property
    def failing_at_most(self) -> float:
        """The share of schedules that may fail nevertheless, at 95 %."""
        return rule_of_three(self.schedules)

    @property
    def pct_probability(self) -> float:
        """The least probability of one pct schedule."""
        return pct_bound(self.tasks, self.k, self.depth)

    @property
    def found_at_least(self) -> float:
        """The least probability that a bug of that depth would have been found here."""
        return -math.expm1(self.pct_runs * math.log1p(-min(self.pct_probability, 1 - 1e-12)))

    @property
    def runs_wanted(self) -> int:
        """How many pct schedules 99 % would take."""
        return runs_for(self.pct_probability)

    def short(self) -> str:
        """Say it in a table's cell."""
        if self.schedules < 2:
            return "nothing: one schedule"
        text = f"<{self.failing_at_most:.2g}"
        if self.pct_runs:
            text += f"; d={self.depth} >={self.found_at_least:.2g}"
        return text

    def long(self) -> str:
        """Say it in sentences."""
        text = (
            f"{self.schedules} schedules: at most {self.failing_at_most:.2g} of such schedules "
            "fail (95 %, rule of three)"
        )
        if not self.pct_runs:
            return text + "; no pct schedule, so no bound by depth"
        text += (
            f"; pct, n={self.tasks} tasks, k={self.k} choice steps, d={self.depth}: each finds a "
            f"bug of that depth with p >= 1/{round(1 / self.pct_probability)}; 99 % would take "
            f"{self.runs_wanted} pct schedules, {self.pct_runs} were run"
        )
        if self.longest > self.k:
            text += f" (holds for the first {self.k} choice steps; the longest had {self.longest})"
        return text

    def as_dict(self) -> dict[str, object]:
        """Return the figures for a summary."""
        figures: dict[str, object] = {"failing_at_most_95": self.failing_at_most}
        if self.pct_runs:
            figures["pct"] = {
                "tasks": self.tasks,
                "k": self.k,
                "longest": self.longest,
                "depth": self.depth,
                "probability": self.pct_probability,
                "runs": self.pct_runs,
                "runs_for_99": self.runs_wanted,
                "found_at_least": self.found_at_least,
            }
        return figures
