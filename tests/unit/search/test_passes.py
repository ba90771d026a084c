"""Each pass makes a schedule shorter in its own way, and none makes it longer."""

from collections.abc import Callable

from harness.engine.choice import StepOf
from harness.search.follow import DRAIN
from harness.search.hunt import Hunt
from harness.search.passes import PASSES, Shortener, is_shorter, shorten
from harness.search.plan import Plan
from harness.search.trial import Trial
from tests.unit.engine.tiny import made
from tests.unit.search.tiny import breaks_if, hunt, put


def torn() -> Hunt:
    """Task a is open between its second and fourth step; b breaks it there; c and d only step."""
    a = [None, put("open"), None, put("open", 0), None]
    return hunt(a, [None, breaks_if("open")], [None] * 3, [None] * 3)


def failing(of: Hunt, steps: str, then: str = "calm") -> Trial:
    trial = of.attempt(Plan.of([StepOf(task) for task in steps]), then)
    assert trial is not None
    return trial


def after(of: Hunt, steps: str, *passes: Callable[[Shortener], None]) -> str:
    shortener = Shortener(of, failing(of, steps), bool)
    for each in passes:
        each(shortener)
    return "".join(made(shortener.best.outcome))


def test_all_passes_come_to_the_shortest() -> None:
    of = torn()
    for steps in ("cabdacbdcab", "dcbaab", "bdcacadb", "aacdcdcdbb"):
        assert "".join(made(shorten(of, failing(of, steps)).outcome)) == "aabb"


def test_the_tail_is_cut() -> None:
    late = hunt([put("open")], [None], [breaks_if("open")])
    assert after(late, "bac", Shortener.cut_tail) == "abc"


def test_blocks_are_left_out() -> None:
    assert after(torn(), "cacdadbdcb", Shortener.leave_out) == "aabb"


def test_a_block_ends_earlier() -> None:
    of = hunt([None, put("open"), *[None] * 14], [None, breaks_if("open")])
    assert after(of, "a" * 16 + "bb", Shortener.cut_short) == "aabb"


def test_a_block_is_pulled_to_the_one_before() -> None:
    assert after(torn(), "acabcb", Shortener.pull) in (
        "aacbb",
        "aabccb",
        "aacbcb",
        "aabbcb",
        "aabb",
    )


def test_a_block_is_pushed_to_the_next() -> None:
    assert len(after(torn(), "cbcaab", Shortener.push)) <= len("cbcaab")
    assert after(torn(), "baab", Shortener.push) == "aabb"


def test_neighbours_change_places() -> None:
    assert after(torn(), "abab", Shortener.swap) == "aabb"


def test_departures_are_dropped() -> None:
    assert after(torn(), "caab" + "b", Shortener.drop_departures) == "aabb"


def test_draws_become_simple() -> None:
    of = hunt(
        [None, put("open")], [breaks_if("open")],
        start=lambda task, state: state.__setitem__("n", task.choose("number", 5)),
    )  # fmt: skip
    trial = of.attempt(Plan((), (("a", "number", (3,)),)))
    assert trial is not None
    shortener = Shortener(of, trial, bool)
    shortener.plain_draws()
    assert str(shortener.best.choices[0]) == "number:0/5"


def test_no_pass_makes_it_longer_and_each_step_is_told() -> None:
    of = torn()
    for each in PASSES:
        kept: list[Trial] = []
        first = failing(of, "cabdacbdcab")
        shortener = Shortener(of, first, kept.append)
        each(shortener)
        assert not is_shorter(first, shortener.best)
        assert all(is_shorter(b, a) for a, b in zip([first, *kept], kept, strict=False))
        assert not kept or kept[-1] is shortener.best


def test_what_is_owed_in_the_drain_stays_so() -> None:
    of = hunt([None], [put("open"), breaks_if("open")])
    assert "".join(made(shorten(of, failing(of, "ab", DRAIN)).outcome)) == ""
