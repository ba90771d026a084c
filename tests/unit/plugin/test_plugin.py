"""The pytest plugin as a user's tests see it: in runs of pytest within this one."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pytest_plugin import plugin, race, story
from harness.pytest_plugin.wanted import found, make_plan, named_as, read_mark

pytest_plugins = ["pytester"]

MINE = """
from harness.kvm.v7_2 import V7_2


class LineAlone(V7_2):
    def phys_active_needed(self, level, active):
        return level


class Raises(V7_2):
    def phys_active_needed(self, level, active):
        raise ValueError("mine")
"""
HEAD = "import pytest\nimport trio\nfrom mine import LineAlone\n\nMARK = pytest.mark.race\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester.makepyfile(mine=MINE)
    pytester.syspathinsert()
    monkeypatch.setenv("VGIC_RACE_LOGS", str(pytester.path / "logs"))
    monkeypatch.setenv("VGIC_RACE_KEPT", str(pytester.path / "kept"))
    monkeypatch.delenv("COLUMNS", raising=False)
    return pytester


def run(project: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    project.makepyfile(test_it=HEAD + text)
    return project.runpytest_inprocess("-q", "-p", "no:randomly", *options)


PASSING = """
@MARK(scenario="timer-wfi", variant="v7.2", schedules=5)
def test_plain(race):
    result = race.run()
    assert (result.verdict, result.schedules, result.rules) == ("clean", 5, ())
    assert result.reached["guest acknowledged"] == 5


@pytest.mark.trio
@MARK(scenario="timer-wfi", schedules=3)
async def test_trio(race):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(race.run_async)


@MARK(scenario="migrate", variant=LineAlone, schedules=50, expect="violated")
def test_found(race):
    assert race.run().rules == ("R23",)


@pytest.mark.trio
@MARK(scenario="timer-wfi", variant="v7.2", schedules=5)
async def test_cancelled(race):
    with trio.move_on_after(0) as scope:
        await race.run_async()
    assert scope.cancelled_caught


@MARK(scenario="timer-wfi", schedules=7)
class TestMany:
    @MARK(variant=["v4.14", "v7.2"])
    def test_marks_of_the_class_count(self, race):
        assert race.run().schedules == 14
"""


def test_plain_and_trio_tests_run_their_schedules(project: pytest.Pytester) -> None:
    run(project, PASSING).assert_outcomes(passed=5)


FAILING = """
@MARK(scenario="migrate", variant="mine.py:LineAlone", schedules=50)
def test_plain(race):
    race.run()


@pytest.mark.trio
@MARK(scenario="migrate", variant="mine.py:LineAlone", schedules=50, shrink=False)
async def test_trio(race):
    async with trio.open_nursery() as outer, trio.open_nursery() as nursery:
        nursery.start_soon(race.run_async)


@MARK(scenario="timer-wfi", variant="v7.2", schedules=2, expect="violated")
def test_not_found(race):
    race.run()


@MARK(scenario="timer-wfi", variant="mine.py:Raises", schedules=2)
def test_raises(race):
    race.run()


@MARK(scenario="timer-wfi", schedules=2, knobs={"steps_max": 20})
def test_bound(race):
    race.run()


@MARK(scenario="timer-wfi")
def test_forgot(race):
    pass


@MARK(scenario="timer-wfi", variant="v7.2", schedules=2)
def test_its_own_assertion(race):
    assert race.run().schedules == 3
"""


def test_a_failure_is_a_story_and_a_line_that_has_it_again(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "STEPS", 2_000)  # the shortest so far will do
    done = run(project, FAILING)
    done.assert_outcomes(failed=7)
    text = done.stdout.str()
    assert text.count("VIOLATED migrate mine.py:LineAlone") == 2
    assert text.count("R23: at load and entry the active state") == 2
    assert text.count("shrunk     ") == 1
    done.stdout.fnmatch_lines(
        [
            "*50 schedules with strategy mix and seed 0: schedule * breaks R23",
            "*The story, with the state of vINTID 27*",
            "  log: logs/pytest-test_plain/failing.shrunk.jsonl",
            "reproduce: vgic-race replay logs/pytest-test_plain/failing.shrunk.schedule",
            "reproduce: vgic-race replay logs/pytest-test_trio/failing.schedule",
            "NOT FOUND: timer-wfi v7.2, 2 schedules with strategy mix and seed 0, expected*",
            "race: variant 'mine.py:Raises' raised ValueError: mine in phys_active_needed (mine*",
            "INCONCLUSIVE: timer-wfi v4.14, *a bound was reached (2 x steps*",
            "the test ended without having run its schedules; expected race.run()*",
            "E   *assert 2 == 3*",
        ]
    )
    assert text.count("Traceback") == 0
    assert text.count("def test_") == 1, "only the test's own assertion has its source shown"
    assert (project.path / "logs/pytest-test_plain/failing.shrunk.schedule").is_file()


WRONG = """
@MARK(scenario="timer-wfi", schedulez=3)
def test_name(race): ...
@MARK(variant="v7.2")
def test_missing(race): ...
@MARK("timer-wfi")
def test_by_place(race): ...
@MARK(scenario="timer-wf")
def test_scenario(race): ...
@MARK(scenario="timer-wfi")
def test_no_fixture(): ...
def test_no_mark(race): ...
"""


def test_a_wrong_mark_is_told_in_a_line(project: pytest.Pytester) -> None:
    done = run(project, WRONG)
    done.assert_outcomes(errors=6)
    done.stdout.fnmatch_lines(
        [
            "race: unknown argument 'schedulez'; did you mean 'schedules'?",
            "race: scenario is missing, expected scenario='NAME'*",
            "race('timer-wfi',): expected arguments by name",
            "race: unknown scenario 'timer-wf'; did you mean 'timer-wfi'?",
            "marked race, but the test has no argument `race`",
            "the fixture race needs @pytest.mark.race(scenario=...)",
        ]
    )
    assert "def test_" not in done.stdout.str()


def test_options_count_for_all(project: pytest.Pytester) -> None:
    text = """
@MARK(scenario="timer-wfi", variant="v7.2", schedules=500, seed=3)
def test_few(race):
    assert race.run().schedules == 2
    assert race.plan.seed == 9
"""
    run(project, text, "--race-schedules", "2", "--race-seed", "9").assert_outcomes(passed=1)
    done = run(project, text, "--race-schedules", "none")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--race-schedules: 'none': expected a number, 1 or more*"])


def test_what_failed_is_tried_first(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = project.path / "kept"

    def outcome(**said: object) -> str:
        mark = {"scenario": "migrate", "variant": "mine.py:LineAlone", "schedules": 50, **said}
        try:
            return race.make_race(mark, name="x", folders=()).run().verdict
        except race.RaceFailed as failed:
            return str(failed)

    assert outcome(expect="violated") == "violated"
    assert not kept.exists(), "what is meant to fail is no failure of the project's"
    assert "seed 0: schedule " in outcome()
    assert len(list(kept.iterdir())) == 1
    assert "seed 0: one that failed before breaks R23" in outcome(schedules=1)
    # With the change undone it passes, is forgotten after a while, and all schedules are run.
    (project.path / "mine.py").write_text(
        MINE.replace("return level\n", "return level or active\n")
    )
    for name in [name for name in sys.modules if name.startswith("_vgic_race_variant")]:
        monkeypatch.delitem(sys.modules, name)
    for left in (1, 1, 0):
        assert outcome(schedules=2) == "clean"
        assert len(list(kept.iterdir())) == left


# -- pieces ----------------------------------------------------------------------------------------


def test_it_imports_nothing_of_ours_before_a_test_asks() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import harness.pytest_plugin.plugin;"
        "print(sorted(m for m in set(sys.modules) - before if '.' not in m or 'harness' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {"harness", "harness.pytest_plugin", "harness.pytest_plugin.plugin"}
    assert done.stdout.strip() == str(sorted(names))


def test_a_package_that_hides_ours_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugin.hidden_package() == ""
    other = type(sys)("model")
    other.__path__ = ["/somewhere/model"]
    monkeypatch.setitem(sys.modules, "model", other)
    assert "its package 'model' is hidden by /somewhere/model" in plugin.hidden_package()


def test_groups_are_told_apart() -> None:
    failed = race.RaceFailed("x")
    assert plugin.told_apart(ValueError()) == (None, True)
    assert plugin.told_apart(ExceptionGroup("", [ExceptionGroup("", [failed])])) == (failed, False)
    assert plugin.told_apart(ExceptionGroup("", [failed, KeyError()])) == (failed, True)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"schedules": 0}, "schedules is 0, expected 1 or more"),
        ({"schedules": "5"}, "Expected `int`, got `str` - at `schedules`"),
        ({"seed": -1}, "seed is -1, expected 0 or more"),
        ({"expect": "fine"}, "Invalid enum value 'fine' - at `expect`"),
        ({"strategy": "ptc"}, "unknown strategy 'ptc'; did you mean 'pct'?"),
        ({"variant": 3}, "variant is 3, expected a name or a class"),
        ({"knobs": {"gic_lag": 99}}, "knob gic_lag='99': expected a number from 0 to 8"),
        ({"rules": "R999"}, "unknown rule 'R999'"),
        ({"lrs": 99}, "impossible size: lrs=99"),
    ],
)
def test_arguments_are_checked(said: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as error:
        make_plan(read_mark({"scenario": "timer-wfi", **said}), ())
    assert words in str(error.value)


def test_a_patch_means_the_eras_that_can_express_it() -> None:
    plan = make_plan(read_mark({"scenario": "timer-wfi", "variant": ["4", "v7.2"]}), ())
    assert [spec.variant for spec in plan.specs] == ["v4.14+4", "v7.2"]


def test_a_class_is_named_by_its_file(tmp_path: Path) -> None:
    class Inner:
        pass

    with pytest.raises(UsageError, match="expected one at the top of a file"):
        named_as(Inner, "variant")
    assert named_as(race.Race, "variant").endswith("harness/pytest_plugin/race.py:Race")


def test_files_are_looked_for_beside_the_test(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    assert found("a.py:X", [tmp_path]) == f"{tmp_path}/a.py:X"
    assert found("b.py:X", [tmp_path]) == "b.py:X"
    assert found("timer-wfi", [tmp_path]) == "timer-wfi"
