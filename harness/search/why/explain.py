"""Why an execution fails, from the schedule with which it does."""

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from harness.engine.choice import Choice
from harness.errors import UsageError
from harness.search.case import Case
from harness.search.explanation import Explanation, Moment, Pair, Window
from harness.search.follow import DRAIN
from harness.search.order import CALM
from harness.search.same import kind_of
from harness.search.trial import Stage, Trial
from harness.search.why.cause import base_of, base_violation, first_difference
from harness.search.why.events import Event, Noting, Point
from harness.search.why.race import Edge, Race, Span, points
from harness.search.why.reduce import fewest
from harness.search.why.shares import inevitable_from, last_chance, shares
from harness.search.why.symptom import symptom

__all__ = ["NOTHING", "Inquiry", "explain"]

WIDTH, OPEN_WIDTH = 5, 4
"""As many steps away from the last chance count as much as one more place in a window."""
NOTHING = (
    "there is nothing to explain: the schedule breaks no rule, or only the drain behind it does"
)


def explain(
    case: Case,
    choices: Sequence[Choice],
    keep: Callable[[Explanation], object] = bool,
) -> Explanation:
    """Explain why a case fails under these choices.

    The same arguments give the same explanation.

    Args:
        case: what is run.
        choices: how it fails. The fewer steps and switches there are, the more is said.
        keep: is called with what is known so far, each time that there is more.

    Raises:
        UsageError: it does not fail under these choices, or a variant cannot be had.

    """
    inquiry = Inquiry.of(case, choices)
    if inquiry is None:
        raise UsageError(NOTHING)
    for explanation in inquiry.run():
        keep(explanation)
    return inquiry.explanation


class Inquiry:
    """An explanation on its way.

    Args:
        case: what is run.
        noting: how it fails, by the choices that were made.
        trial: what came of these.
        known: what is known already.

    """

    def __init__(
        self, case: Case, stage: Stage, noting: Noting, trial: Trial, known: Explanation | None
    ) -> None:
        assert trial.violation is not None  # it fails
        self.case = case
        self.base = base_of(case.variant)
        self.stage = stage
        self.violation = trial.violation
        self.race = Race(self.stage, trial.plan.draws, kind_of(self.violation))
        self.events = tuple(noting.events)
        self.choices = trial.choices
        self.chosen = len(trial.made)
        self.moments: dict[int, Moment] = {}
        self.numbers: dict[Point, int] = {}
        if known is None:
            known = Explanation(self.violation)
        self.explanation = replace(known, violation=self.violation, failing=self.choices)

    @classmethod
    def of(
        cls, case: Case, choices: Sequence[Choice], known: Explanation | None = None
    ) -> "Inquiry | None":
        """Begin with a failure; None if it is none, or only the engine's drain shows it.

        Args:
            case: what is run.
            choices: how it fails.
            known: what is known already.

        Raises:
            UsageError: the variant cannot be had.

        """
        stage = Stage.of(case)
        for then in (DRAIN, CALM):
            trial = stage.run(choices, then)
            if trial.violation is None:
                continue
            noting = Noting(stage, trial.plan)
            trial = stage.follow(noting)
            inquiry = trial.violation and cls(case, stage, noting, trial, known)
            if inquiry and inquiry.race.fails(inquiry.events):
                return inquiry
        return None

    def run(self) -> Iterator[Explanation]:
        """Find out one thing after the other; yield what is known by then.

        Raises:
            UsageError: the base era cannot be had.

        """
        if self.base:
            base = base_violation(self.case, self.base, self.choices)
            yield self.know(base=base)
        self.reduce()
        self.settle(self.events)
        yield self.know(calm=not self.events)
        yield self.decide()
        yield self.blame()
        yield self.know(symptom=symptom(self.case, self.choices, self.violation))
        measured = shares(self.stage, self.choices, self.chosen, self.race.is_failing)
        yield self.know(shares=measured, inevitable=inevitable_from(measured))

    def in_short(self) -> Explanation:
        """Find out only what tells one bug from another: the race, and the cause.

        Raises:
            UsageError: the base era cannot be had.

        """
        self.reduce()
        self.settle(self.events)
        self.know(calm=not self.events)
        self.decide()
        return self.blame()

    def blame(self) -> Explanation:
        """Find the first step that the base era does otherwise.

        Raises:
            UsageError: the base era cannot be had.

        """
        number = first_difference(self.case, self.base, self.choices) if self.base else 0
        return self.know(cause=self.moments.get(number))

    def know(self, **fields: object) -> Explanation:
        """Add to what is known."""
        self.explanation = replace(self.explanation, **fields)
        return self.explanation

    def settle(self, events: Sequence[Event]) -> None:
        """Take the execution with these departures for the one that is told of."""
        trial, _ = self.race.run(events, watched=True)
        assert trial.violation is not None  # it fails
        self.violation = trial.violation
        self.choices = trial.choices
        self.chosen = len(trial.made)
        self.moments = {
            ran.step: Moment(ran.step, ran.task, ran.actor, ran.op.name) for ran in trial.steps
        }
        self.numbers = {point: n for n, point in enumerate(points(trial), 1)}
        self.know(violation=self.violation, failing=self.choices)

    def reduce(self) -> None:
        """Leave out the departures that are not needed.

        What is left comes elsewhere then, and is named anew: that may make others needless.
        """
        while True:
            self.events = fewest(self.events, self.race.fails)
            trial, _ = self.race.run(self.events)
            noting = Noting(self.stage, trial.plan)
            self.stage.follow(noting)
            events = tuple(noting.events)
            if len(events) > len(self.events) or not self.race.fails(events):
                return
            fewer, self.events = len(events) < len(self.events), events
            if not fewer:
                return

    def decide(self) -> Explanation:
        """Find the windows and the pairs, and the nearest execution that passes.

        The first pair is that of a narrow window, whose first step is near to the moment from which
        on the failure cannot be averted: two witnesses that know nothing of each other.
        """
        spans = [self.race.span(self.events, at) for at in range(len(self.events))]
        last = last_chance(self.stage, self.choices, self.chosen, self.race.is_failing)
        spans.sort(key=lambda span: self.worth(span, last))
        edges = [span.edge for span in spans if span.edge is not None]
        passing: tuple[Choice, ...] = ()
        if edges:
            self.settle(edges[0].failing)
            passing = self.race.run(edges[0].passing)[0].choices
        windows = tuple(self.window(span) for span in spans)
        pairs = tuple(Pair(self.first(e), self.second(e)) for e in edges)
        return self.know(windows=windows, pairs=pairs, passing=passing)

    def worth(self, span: Span, last: int) -> tuple[bool, int]:
        """Return where a window stands: near to step number ``last`` and narrow ones first."""
        edge = span.edge
        if edge is None:
            return True, span.tries
        number = self.numbers.get(edge.first) or self.numbers.get(edge.second, 0)
        # How wide a window is that is open on one side says little.
        is_open = span.lower is None or span.upper is None
        width = min(span.tries, OPEN_WIDTH) if is_open else span.tries
        return False, abs(number - last) + WIDTH * width

    def window(self, span: Span) -> Window:
        """Return the window as it is told."""
        after = None if span.lower is None else self.first(span.lower)
        before = None if span.upper is None else self.second(span.upper)
        op = ""
        for edge in (span.lower, span.upper):
            if edge is not None and span.what in (edge.first, edge.second):
                op = edge.ops[edge.second == span.what]
        return Window(self.moment(span.what, op), after, before)

    def first(self, edge: Edge) -> Moment:
        """Return the step of an edge that comes first where it fails."""
        return self.moment(edge.first, edge.ops[0])

    def second(self, edge: Edge) -> Moment:
        """Return the step of an edge that comes second where it fails."""
        return self.moment(edge.second, edge.ops[1])

    def moment(self, point: Point, op: str) -> Moment:
        """Return a step as it is told; ``op`` is what it does, "" for what it does here."""
        here = self.moments.get(self.numbers.get(point, 0))
        if here is None:
            return Moment(0, point.task, self.stage.named[point.task].actor, op)
        if op in ("", here.op):
            return here
        return Moment(here.step, here.task, here.actor, op, instead=here.op)
