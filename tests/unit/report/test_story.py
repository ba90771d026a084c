"""What is told of a failure: what must be there, what is left out, and loops."""

import msgspec
import pytest

from harness.report.course import Turn
from harness.report.followed import follow
from harness.report.loops import LENGTH_MIN, Loop, find_loops
from harness.report.states import Interrupt
from harness.report.story import (
    ALWAYS,
    BREAK,
    CAUSE,
    FIRST,
    LINES_MAX,
    SECOND,
    Line,
    Repeat,
    Story,
    tell,
)
from model.identity import Actor
from model.rules.registry import RULES
from tests.unit.report.runs import (
    STORM,
    course,
    explained,
    log_of,
    passing,
    story as story_of,
)


def lines(story: Story) -> list[Line]:
    return [line for line in story.lines if isinstance(line, Line)]


# -- the course ----------------------------------------------------------------------------------


def test_a_turn_is_a_step_and_knows_whose() -> None:
    run = course("v4.14+1")
    steps = [turn for turn in run.turns if turn.who.task != "engine"]
    assert [turn.number for turn in steps] == list(range(1, run.steps + 1))
    assert {turn.who.actor for turn in steps if turn.who.task == "v1"} == {Actor("vcpu", vcpu=1)}
    assert {turn.who.actor for turn in steps if turn.who.task == "d1"} == {
        Actor("deactivations", pcpu=1)
    }
    assert run.violation is not None
    assert run.turns[run.end].number == run.violation.step


def test_what_is_owed_breaks_at_rest() -> None:
    run = course("v7.2+57")
    assert run.violation is not None
    assert run.violation.type == "lost"
    assert run.turns[run.end].op == "rest"
    assert run.end < len(run.turns) - 1


def test_a_variant_that_is_gone_leaves_names() -> None:
    from harness.report.course import actors_of

    header = log_of("v4.14+23").header
    gone = msgspec.structs.replace(header, schedule=header.schedule.replace("+23", "+x"))
    assert set(actors_of(gone).values()) == {Actor("task")}
    assert tuple(actors_of(gone)) == header.tasks


# -- the choice of lines -------------------------------------------------------------------------


def test_a_short_one_is_told_whole() -> None:
    run = course("v4.14+23")
    story = tell(run)
    told = {line.turn for line in lines(story)}
    firsts = {
        turn.index for turn in run.turns
        if not turn.index or turn.who != run.turns[turn.index - 1].who
    }  # fmt: skip
    assert story.left == 0
    assert {i for i in firsts if i <= run.end} <= told
    assert run.violation is not None
    needs = RULES[run.violation.rule].needs() | ALWAYS
    for line in lines(story):
        facts = run.turns[line.turn].facts
        assert line.turn in firsts | {run.end} or needs & {type(fact) for fact in facts}
    assert lines(story)[-1].marks == (BREAK,)
    assert story.about[0] == Interrupt(0, 27)


@pytest.mark.parametrize("variant", ["v4.14+1", "v7.2+44", "v7.2+prune-recheck"])
def test_a_long_one_is_cut(variant: str) -> None:
    story = story_of(variant)
    assert 5 <= len(story.lines) <= LINES_MAX
    assert [line.turn for line in lines(story)] == sorted({line.turn for line in lines(story)})
    assert lines(story)[-1].turn == story.course.end
    short = tell(course(variant), lines_max=6)
    assert len(short.lines) <= 6
    assert short.left > story.left or len(story.lines) <= 6


def test_the_pair_and_the_cause_are_told_however_short() -> None:
    explanation = explained("v7.2+44")
    story = tell(course("v7.2+44"), explanation, lines_max=4)
    marks = {mark: line.turn for line in lines(story) for mark in line.marks}
    turns = story.course.turns
    assert turns[marks[FIRST]].number == explanation.pairs[0].first.step
    assert turns[marks[SECOND]].number == explanation.pairs[0].second.step
    assert explanation.cause is not None
    assert turns[marks[CAUSE]].number == explanation.cause.step
    assert BREAK in marks


def test_states_are_those_after_the_turn_and_say_what_changed() -> None:
    story = tell(course("v4.14+23"))
    inject = next(x for x in lines(story) if story.course.turns[x.turn].op == "inject")
    assert inject.state.kvm == "L"
    assert inject.changed == (False, False, True, False)
    assert not any(lines(story)[-1].changed)


def test_a_passing_execution_is_told_like_the_failing_one() -> None:
    from harness.report.passing import passing_course

    story = tell(course("v4.14+1"), explained("v4.14+1"))
    other = passing_course(story.course, explained("v4.14+1"))
    assert other is not None
    assert other.violations == ()
    assert other.header.schedule == str(passing("v4.14+1"))
    beside = tell(other, like=story)
    assert beside.about == story.about
    assert {BREAK, CAUSE}.isdisjoint(mark for line in lines(beside) for mark in line.marks)


# -- loops ---------------------------------------------------------------------------------------


def test_a_storm_is_a_prefix_and_a_loop() -> None:
    story = story_of(STORM)
    repeats = [line for line in story.lines if isinstance(line, Repeat)]
    assert len(repeats) == 1
    assert repeats[0].times > 20
    assert len(story.lines) < 40
    assert story.course.steps > 1_000


def turns_of(text: str) -> list[Turn]:
    """Turns whose operations are the letters of a text."""
    some = course("v4.14+23").turns[0]
    replace = msgspec.structs.replace
    return [
        replace(some, index=i, number=i + 1, op=letter, facts=(), lives=())
        for i, letter in enumerate(text)
    ]


def test_loops() -> None:
    assert find_loops(turns_of("abcdefghijklmnopqrstuvwxyz")) == []
    assert find_loops(turns_of("xy" + "abcde" * 6 + "z")) == [Loop(2, 5, 6)]
    assert find_loops(turns_of("a" * (LENGTH_MIN - 1))) == []
    assert find_loops(turns_of("a" * LENGTH_MIN)) == [Loop(0, 1, LENGTH_MIN)]
    both = find_loops(turns_of("abc" * 9 + "pqrs" * 8))
    assert both == [Loop(0, 3, 9), Loop(27, 4, 8)]
    assert both[0].end == 27


# -- the machine ---------------------------------------------------------------------------------


def test_changes_add_up_to_the_machine() -> None:
    from harness.engine.direct_engine import DirectEngine
    from harness.engine.execution import Execution
    from harness.engine.schedule import Schedule
    from harness.report.machine import Changes, text_of, watch
    from harness.spec import RunSpec
    from harness.strategies.replay import Replay

    run = course("v4.14+1")
    changes = watch(run)
    assert isinstance(changes, Changes)
    values = list(changes.begin)
    for after in changes.after:
        for index, value in after:
            assert values[index] != value
            values[index] = value
    schedule = Schedule.parse(run.header.schedule)
    world = RunSpec.from_schedule(schedule).build(DirectEngine.task_class)
    DirectEngine().execute(Execution(world, Replay(schedule.choices)))
    fields = {pair: n for n, pair in enumerate(changes.fields)}
    for name, part in world.machine.parts:
        for field in part.FIELDS:
            assert values[fields[name, field]] == text_of(part, field), (name, field)


def test_kvms_own_state_is_the_machines() -> None:
    """Facts tell what a List Register took over only once it is written, some steps later."""
    run = course("v7.2+57")
    taken = next(turn.index for turn in run.turns if turn.op == "populate_lr")
    after = follow(run).after
    assert after[taken - 1][Interrupt(0, 80)].kvm == "Lq"
    assert after[taken][Interrupt(0, 80)].kvm == "q"


def test_what_cannot_be_run_again_says_why_and_the_facts_must_do() -> None:
    run = course("v4.14+23")
    header = msgspec.structs.replace(
        run.header, schedule=run.header.schedule.replace("+23", "+nothing")
    )
    followed = follow(msgspec.structs.replace(run, header=header))
    assert isinstance(followed.changes, str)
    assert "+nothing" in followed.changes
    assert followed.after[run.end][Interrupt(0, 27)].kvm == "L"
    turns = (msgspec.structs.replace(run.turns[0], op="other"), *run.turns[1:])
    other = follow(msgspec.structs.replace(run, turns=turns))
    assert other.changes == "the code has changed since, and runs otherwise"
