"""The search by departures finds the fewest, and a proof looks at every schedule and draw."""

import pytest

from harness.engine.execution import Slot
from harness.search.bounded import find, prove
from harness.search.hunt import Budget, Hunt, Spent
from harness.search.order import CALM, STAY
from tests.unit.search.tiny import State, breaks_if, hunt, put

LOTS = 10**6


def closed_by(*others: str) -> Hunt:
    """Task a opens and closes; each of ``others`` must have made a step in between, in order."""
    needed = len(others)

    def step_of(n: int) -> object:
        def act(_task: Slot, state: State) -> None:
            if state.get("open") and state.get("met", 0) == n:
                state["met"] = n + 1
            state["broken"] = int(state.get("met", 0) == needed)

        return act

    tasks = [[step_of(n), None] for n in range(needed)]
    return hunt([put("open"), None, put("open", 0)], *tasks)  # type: ignore[arg-type]


@pytest.mark.parametrize("then", [CALM, STAY])
@pytest.mark.parametrize("by_state", [False, True])
def test_fewest_departures(then: str, by_state: bool) -> None:
    for others in (("b",), ("b", "c")):
        of = closed_by(*others)
        found = find(of, (), then, LOTS)
        assert found is not None
        assert found.departed == len(others)
        proof = prove(of, then, len(others), LOTS, by_state=by_state)
        assert (proof.passed, proof.found) == (len(others) - 1, None)


def test_a_proof_meets_what_does_with_fewer() -> None:
    proof = prove(closed_by("b"), CALM, 3, LOTS)
    assert proof.passed == 0
    assert proof.found is not None
    assert proof.found.departed == 1


def test_a_proof_is_not_claimed_where_the_budget_ends() -> None:
    of = closed_by("b", "c")
    assert prove(of, CALM, 2, 0).passed == -1
    assert prove(of, CALM, 2, 20).passed == 0


def test_what_remembers_more_than_a_state_holds_is_not_proved_by_states() -> None:
    of = closed_by("b")
    acts = {"not": "declared"}
    task = of.stage.slots[1]
    main = task.main

    async def holding(slot: Slot) -> None:
        await main(slot)
        assert acts

    task.main = holding
    assert prove(of, CALM, 1, LOTS, by_state=True).passed == -1
    assert prove(of, CALM, 1, LOTS).passed == 0


def test_an_optional_stimulus_is_a_departure() -> None:
    of = hunt([put("open"), None, put("open", 0)], [breaks_if("open")], optional="b")
    assert prove(of, CALM, 1, LOTS).passed == 0
    found = find(of, (), CALM, LOTS)
    assert found is not None
    assert found.departures == (2,)


def drawing(k: int) -> Hunt:
    """It breaks by itself if the last number is drawn."""

    def start(task: Slot, state: State) -> None:
        state["open"] = int(task.choose("number", k) == k - 1)

    return hunt([None, breaks_if("open")], [None], start=start)


def test_a_proof_tries_every_draw() -> None:
    assert find(drawing(4), (), CALM, LOTS) is None
    found = prove(drawing(4), CALM, 1, LOTS).found
    assert found is not None
    assert str(found.choices[0]) == "number:3/4"


def test_a_search_that_is_stopped_says_so() -> None:
    of = closed_by("b", "c")
    of.budget = Budget(LOTS, stop=lambda: of.stage.cost.runs >= 3)
    of.stage.cost = of.budget.cost
    with pytest.raises(Spent, match="interrupted"):
        find(of, (), CALM, LOTS)
    assert of.stage.cost.runs == 3


def test_parts_of_a_budget() -> None:
    with pytest.raises(Spent, match="seconds"):
        Budget(10, deadline=0.0).check()
    budget = Budget(10)
    part = budget.part(3)
    part.cost.steps += 4
    assert part.is_spent()
    assert not budget.is_spent()
    part.cost.steps += 6
    with pytest.raises(Spent, match="steps"):
        budget.check()
