"""Variants by name, by module and by file, and each way in which one can be wrong."""

import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.errors import UsageError
from harness.kvm.hooks import hooks
from harness.kvm.kvm import Kvm
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
from harness.museum import patches
from harness.spec import RunSpec
from harness.variants import ERAS, REQUIRED, expand_variant, resolve_variant, variant_names
from tests.race.running import strategy

MINE = """\
from harness.kvm.v7_2 import V7_2
from harness.kvm.kvm import Kvm

class Mine(V7_2):
    title = "mine"

class Bare(Kvm):
    era = "v7.2"

class NoEra(V7_2):
    era = "future"

class Other:
    pass

number = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    return str(path)


def written(folder: Path, text: str) -> str:
    """The name of the class ``Mine`` of a file of its own."""
    path = folder / f"mine{len(list(folder.iterdir()))}.py"
    path.write_text(text, encoding="utf-8")
    return f"{path}:Mine"


def bare(methods: Sequence[str]) -> str:
    """A class on KVM alone with these methods."""
    body = "".join(f"    async def {name}(self, *a): ...\n" for name in methods)
    return f"from harness.kvm.kvm import Kvm\nclass Mine(Kvm):\n    era = 'v7.2'\n{body}"


def overriding(era: str, *members: str) -> str:
    """A class on an era with these members."""
    cls = ERAS[era]
    body = "".join(f"    {member}\n" for member in members)
    return f"from {cls.__module__} import {cls.__name__}\nclass Mine({cls.__name__}):\n{body}"


def refusal(name: str) -> str:
    with pytest.raises(UsageError) as error:
        resolve_variant(name)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_eras() -> None:
    assert resolve_variant("v4.14") is V4_14
    assert resolve_variant("v7.2") is V7_2


@pytest.mark.parametrize("name", variant_names())
def test_every_builtin_resolves_to_a_class_of_its_era(name: str) -> None:
    cls = resolve_variant(name)
    era = name.partition("+")[0]
    assert issubclass(cls, ERAS[era])
    assert cls.era == era
    assert expand_variant(name) == [name]


@pytest.mark.parametrize("name", patches())
def test_every_patch_says_what_it_is(name: str) -> None:
    patch = patches()[name]
    assert patch.id == name
    assert patch.title
    assert patch.source
    assert patch.symptom
    assert set(patch.refused) < set(ERAS)
    expanded = expand_variant(name)
    assert expanded == [f"{era}+{name}" for era in ERAS if f"{era}+{name}" in variant_names()]
    assert len(expanded) == len(ERAS) - len(patch.refused)


@pytest.mark.parametrize(
    "name",
    [f"{era}+{patch.id}" for patch in patches().values() for era in patch.refused],
)
def test_refused_by_an_era_with_its_reason(name: str) -> None:
    era, _, patch = name.partition("+")
    assert name not in variant_names()
    reason = patches()[patch].refused[era]
    assert refusal(name) == f"variant {name!r} cannot be expressed: {reason}"


def test_the_one_that_4_14_refuses() -> None:
    assert "the host's handler never runs" in refusal("v4.14+14")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("v4.15", "v4.14"),
        ("v7.3", "v7.2"),
        ("v4.14+33", "v4.14+3"),
        ("bound-9", "bound-1"),
        ("v7.2+shiped", "v7.2+shipped"),
        ("v7.2+overflow-use", "v7.2+overflow-uie"),
    ],
)
def test_unknown_name_gives_the_nearest(name: str, nearest: str) -> None:
    message = refusal(name)
    assert message.startswith(f"unknown variant {name!r}; did you mean ")
    assert nearest[:-1] in message.rpartition("did you mean ")[2]


def test_unknown_name_near_to_nothing_lists_all() -> None:
    message = refusal("#########")
    assert all(name in message for name in variant_names())


# -- a user's own ---------------------------------------------------------------------------------


def test_class_in_a_file(mine: str) -> None:
    cls = resolve_variant(f"{mine}:Mine")
    assert issubclass(cls, V7_2)
    assert cls.title == "mine"
    assert resolve_variant(f"{mine}:Mine") is cls


def test_class_in_a_file_runs(mine: str) -> None:
    spec = RunSpec.make("timer-wfi", f"{mine}:Mine")
    outcome = DirectEngine().execute(Execution(spec.build(DirectEngine.task_class), strategy(0)))
    assert outcome is not None
    assert outcome.violations == []


def test_class_in_a_module_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "variant_of_a_user.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert issubclass(resolve_variant("variant_of_a_user:Mine"), V7_2)
    del sys.modules["variant_of_a_user"]


def test_class_in_an_installed_module() -> None:
    assert resolve_variant("harness.kvm.v4_14:V4_14") is V4_14


@pytest.mark.parametrize("method", REQUIRED)
def test_missing_method(tmp_path: Path, method: str) -> None:
    message = refusal(written(tmp_path, bare([name for name in REQUIRED if name != method])))
    assert f"Mine lacks the method {method!r}" in message
    assert "harness.kvm.v7_2:V7_2" in message


def test_an_era_of_ones_own(tmp_path: Path) -> None:
    """What has all that an era must have is one, if it says by which rules it shall be judged."""
    cls = resolve_variant(written(tmp_path, bare(REQUIRED)))
    assert (cls.era, cls.__base__) == ("v7.2", Kvm)
    misspelt = refusal(written(tmp_path, bare([*REQUIRED, "runable"])))
    assert "Mine.runable overrides nothing and is called nowhere" in misspelt
    assert "did you mean 'runnable'?" in misspelt


def test_not_a_variant(mine: str) -> None:
    assert "Other is no variant, expected a subclass of" in refusal(f"{mine}:Other")
    assert "number is no variant, expected a subclass of" in refusal(f"{mine}:number")


def test_no_such_class(mine: str) -> None:
    assert "no class 'Mime'; did you mean 'Mine'" in refusal(f"{mine}:Mime")
    assert "no class ''" in refusal(f"{mine}:")


def test_an_era_that_does_not_exist(mine: str) -> None:
    assert "NoEra.era is 'future', expected 'v7.2'" in refusal(f"{mine}:NoEra")


def test_no_such_file(tmp_path: Path) -> None:
    assert f"no file '{tmp_path}/none.py'" in refusal(f"{tmp_path}/none.py:Mine")


def test_no_such_module() -> None:
    assert "cannot import 'no.such.module'" in refusal("no.such.module:Mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_file_that_does_not_import(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    assert message in refusal(f"{path}:Mine")
    # And it can be mended: a failed import leaves nothing behind.
    path.write_text(MINE, encoding="utf-8")
    assert issubclass(resolve_variant(f"{path}:Mine"), V7_2)


# -- what it may override -------------------------------------------------------------------------


def test_no_hook(tmp_path: Path) -> None:
    """What the parts of KVM lend each other is no hook, and no setting either."""
    name = written(tmp_path, overriding("v7.2", "async def acquire(self, t, *, sleeping): ..."))
    assert refusal(name) == (
        f"variant {name!r}: Mine.acquire is no hook: the parts of KVM rely on it "
        "(vgic-race list hooks prints those that can be overridden)"
    )
    for member in (
        "async def point(self, *a): ...",
        "def timer_irq(self, v, timer=1): ...",
        "polls = property(lambda self: True)",
        "emulates = staticmethod(lambda: True)",
        "vcpu_thread = classmethod(lambda cls, t: None)",
    ):
        assert "is no hook: the parts of KVM" in refusal(
            written(tmp_path, overriding("v4.14", member))
        )


def test_a_hook_of_the_other_era(tmp_path: Path) -> None:
    name = written(tmp_path, overriding("v7.2", "async def flush_timer(self, t): ..."))
    assert refusal(name) == (
        f"variant {name!r}: Mine.flush_timer is a hook of v4.14, and v7.2 never calls it"
    )
    name = written(tmp_path, overriding("v4.14", "async def sync_vmcr(self, t): ..."))
    assert "Mine.sync_vmcr is a hook of v7.2, and v4.14 never calls it" in refusal(name)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("async def entry_is_refused(self, t): ...", "expected 'def', not 'async def'"),
        ("def sync_vmcr(self, t): ...", "expected 'async def'"),
    ],
)
def test_a_hook_that_is_awaited_and_one_that_is_not(
    tmp_path: Path, method: str, expected: str
) -> None:
    assert expected in refusal(written(tmp_path, overriding("v7.2", method)))


@pytest.mark.parametrize(
    ("method", "meant"),
    [("sync_vmrc", "sync_vmcr"), ("populate_irl", "populate_lr"), ("prune_", "prune")],
)
def test_a_misspelt_hook(tmp_path: Path, method: str, meant: str) -> None:
    name = written(tmp_path, overriding("v7.2", f"async def {method}(self, t): ..."))
    assert refusal(name) == (
        f"variant {name!r}: Mine.{method} overrides nothing and is called nowhere; "
        f"did you mean {meant!r}?"
    )


def test_a_helper_of_its_own(tmp_path: Path) -> None:
    """A method that is called is meant, however near its name is to a hook's."""
    helper = "async def sync_vmcrs(self, t): ..."
    hook = "async def sync_vmcr(self, t): await self.sync_vmcrs(t)"
    assert resolve_variant(written(tmp_path, overriding("v7.2", helper, hook))).era == "v7.2"
    resolve_variant(written(tmp_path, overriding("v7.2", "def nothing_like_it(self): ...")))


@pytest.mark.parametrize("era", ERAS)
def test_every_hook_may_be_overridden(tmp_path: Path, era: str) -> None:
    word = {True: "async def", False: "def"}
    members = [
        f"{word[inspect.iscoroutinefunction(getattr(ERAS[era], name))]} {name}(self, *a): ..."
        for name in hooks(era)
    ]
    machine = f"class machine_class({ERAS[era].__name__}.machine_class): ..."
    members += ["timer_forwarded = False", machine]
    assert resolve_variant(written(tmp_path, overriding(era, *members))).era == era


def test_the_example_of_the_readme(tmp_path: Path) -> None:
    """It resolves, and finds what it breaks within a few hundred schedules."""
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n# mine.py\n(.*?)```", text, re.DOTALL)
    (scenario, name) = re.findall(r"stress (\S+) --variant mine\.py:(\w+)", text)[0]
    variant = written(tmp_path, example).replace(":Mine", f":{name}")
    world = RunSpec.make(scenario, variant).build(DirectEngine.task_class)
    found: set[str] = set()
    for i in range(400):
        outcome = DirectEngine().execute(Execution(world, strategy(i)))
        assert outcome is not None
        found |= {violation.rule for violation in outcome.violations}
    assert "I11" in found
