"""Strategies of the user's own: made with a seed, and their answers looked at."""

from pathlib import Path

import pytest

from harness.campaign.batches import Batch
from harness.campaign.plan import Plan
from harness.campaign.workers import Worker
from harness.errors import UsageError
from harness.spec import RunSpec
from harness.user_strategy import make_strategy


class Never:
    def is_set(self) -> bool:
        return False

    def set(self) -> None:
        raise AssertionError


def run(name: str, seed: int = 1) -> tuple[int, int, str]:
    """Schedules done, their steps, and what was raised."""
    plan = Plan((RunSpec.make("timer-wfi", "v7.2"),), seed, 4, strategy=name, engine="direct")
    result = Worker(plan, Never()).run(Batch(0, 0, 4))
    if result.crash is not None:
        assert result.crash.usage, result.crash.text
    return result.done, result.steps, "" if result.crash is None else result.crash.text


def test_it_makes_the_choices_by_its_seed(folder: Path) -> None:
    done, steps, crash = run("strategy.py:Stays")
    assert (done, crash) == (4, "")
    assert run("strategy.py:Stays") == (4, steps, "")
    assert run("strategy.py:Stays", seed=2)[1] != steps
    assert run("random")[1] != steps


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        ("Unfair", "which cannot go; expected one of "),
        ("Silent", "choose() returned None; expected one of "),
        ("Wild", "returned 2, expected 0 to 1"),
        ("Done", "begin() says that nothing is left to try"),
        ("Raises", "raised KeyError: 'gone' in choose (strategy.py:"),
    ],
)
def test_an_answer_that_is_none_is_told_as_its_own(folder: Path, cls: str, words: str) -> None:
    _, _, crash = run(f"strategy.py:{cls}")
    assert crash.startswith(f"strategy 'strategy.py:{cls}'")
    assert words in crash


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        ("Half", "Half lacks the method 'choose'"),
        ("Seedless", "cannot be made with a seed, Seedless(0): TypeError"),
        ("Gone", "no class 'Gone'"),
    ],
)
def test_what_is_no_strategy_is_refused(folder: Path, cls: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        make_strategy(f"strategy.py:{cls}", 0)
    assert words in str(error.value)
