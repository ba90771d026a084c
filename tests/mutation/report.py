"""What is said of mutants: a line each, and the score."""

from typing import Any, NamedTuple

from tests.mutation.mutant import Mutant
from tests.mutation.trial import AUDIT, RULE, SURVIVED, Result

__all__ = ["EQUIVALENT", "INVALID", "STEP", "Judged", "Score", "line", "row"]

EQUIVALENT, INVALID, STEP = "equivalent", "invalid", "step"
UNBOUND = ("UnboundLocalError", "NameError")


class Judged(NamedTuple):
    """A mutant, what became of it, and why it is equivalent if it survived and is listed."""

    mutant: Mutant
    result: Result
    reason: str = ""

    @property
    def verdict(self) -> str:
        """What counts: a survivor with a reason is equivalent, or a mere step left out.

        What fails for a name that nothing has bound is invalid, for no compiler would take it, and
        so is what is stillborn (``tests.mutation.stillborn``).

        The audit sees that what was done in a step of its own is done in another: it may.
        """
        if self.result.what.startswith(UNBOUND) or self.result.stillborn:
            return INVALID
        if self.result.verdict in (SURVIVED, AUDIT) and self.reason:
            return STEP if self.mutant.step else EQUIVALENT
        return self.result.verdict


class Score:
    """Counts what became of mutants."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.guest = 0
        self.by_rule: dict[str, int] = {}
        self.by_guest_rule: dict[str, int] = {}

    def add(self, judged: Judged) -> None:
        """Count one more."""
        self.counts[judged.verdict] = self.counts.get(judged.verdict, 0) + 1
        if judged.verdict == RULE:
            what, guest = judged.result.what, judged.result.guest
            self.by_rule[what] = self.by_rule.get(what, 0) + 1
            if guest:
                self.guest += 1
                self.by_guest_rule[guest] = self.by_guest_rule.get(guest, 0) + 1

    @property
    def counted(self) -> int:
        """How many are valid, and neither equivalent nor a mere step left out."""
        return sum(n for v, n in self.counts.items() if v not in (EQUIVALENT, INVALID, STEP))

    def percent(self, n: int) -> float:
        """Return a share of those that count."""
        return round(100 * n / self.counted, 1) if self.counted else 0.0

    def data(self) -> dict[str, Any]:
        """Return the figures."""
        killed = self.counts.get(RULE, 0)
        return {
            "mutants": sum(self.counts.values()),
            "counted": self.counted,
            "score_percent": self.percent(killed),
            "guest_percent": self.percent(self.guest),
            "guest": self.guest,
            **dict(sorted(self.counts.items())),
            "rules": dict(sorted(self.by_rule.items(), key=lambda x: (-x[1], x[0]))),
            "guest_rules": dict(sorted(self.by_guest_rule.items(), key=lambda x: (-x[1], x[0]))),
        }

    def text(self) -> str:
        """Return the figures in words."""
        counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(self.counts.items()))
        return (
            f"{sum(self.counts.values())} mutants: {counts or 'none'}\n"
            f"of {self.counted} that are neither equivalent nor a mere step left out, and valid: "
            f"{self.percent(self.counts.get(RULE, 0))} % killed by a rule, "
            f"{self.percent(self.guest)} % by one of the guest's rules alone"
        )


def row(judged: Judged) -> dict[str, Any]:
    """Return all about a mutant."""
    mutant, result = judged.mutant, judged.result
    return {
        "type": "mutant",
        "file": mutant.path,
        "line": mutant.edit.line,
        "function": mutant.function,
        "operator": mutant.edit.operator,
        "verdict": judged.verdict,
        "what": result.what,
        "entry": result.entry,
        "schedule": result.at,
        "guest": result.guest,
        "guest_entry": result.guest_entry,
        "guest_schedule": result.guest_at,
        "schedules_run": result.ran,
        "reason": judged.reason if judged.verdict in (EQUIVALENT, STEP) else "",
        "diff": mutant.diff(),
    }


def line(judged: Judged) -> str:
    """Return a line for a reader; a survivor's has its diff below."""
    mutant, result = judged.mutant, judged.result
    if judged.verdict == SURVIVED:
        return f"SURVIVED {mutant}\n{mutant.diff()}"
    if judged.verdict in (EQUIVALENT, STEP):
        return f"{judged.verdict} {mutant}: {judged.reason}"
    guest = f"; a guest: {result.guest}" if result.guest else ""
    what = f"{result.what} in {result.entry}, schedule {result.at}" if result.entry else result.what
    return f"{result.verdict} {mutant}: {what}{guest}"
