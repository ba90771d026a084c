"""Variants by name, by module and by file, and each way in which one can be wrong."""

import sys
from pathlib import Path

import pytest
from harness.kvm.museum import exhibits

from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.errors import UsageError
from harness.kvm.v4_14 import V4_14
from harness.kvm.v7_2 import V7_2
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


@pytest.mark.parametrize("number", exhibits())
def test_every_exhibit_says_what_it_is(number: str) -> None:
    exhibit = exhibits()[number]
    assert exhibit.title
    assert exhibit.source
    assert exhibit.symptom
    assert set(exhibit.eras) == set(ERAS)
    expanded = expand_variant(number)
    assert expanded == [f"{era}+{number}" for era in ERAS if f"{era}+{number}" in variant_names()]
    assert expanded


@pytest.mark.parametrize(
    "name",
    [f"{era}+{number}" for number in exhibits() for era in ERAS
     if f"{era}+{number}" not in variant_names()],
)  # fmt: skip
def test_refused_by_an_era_with_its_reason(name: str) -> None:
    era, _, number = name.partition("+")
    reason = exhibits()[number].eras[era]
    assert isinstance(reason, str)
    assert refusal(name) == f"variant {name!r} cannot be expressed: {reason}"


def test_the_one_that_seed_refuses() -> None:
    assert "the host's handler never runs" in refusal("v4.14+14")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("v4.15", "v4.14"), ("v7.3", "v7.2"), ("v4.14+33", "v4.14+3"), ("bound-9", "bound-1")],
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
    others = [name for name in REQUIRED if name != method]
    body = "".join(f"    async def {name}(self, *a): ...\n" for name in others)
    path = tmp_path / "bare.py"
    path.write_text(f"from harness.kvm.kvm import Kvm\nclass Bare(Kvm):\n    era = 'v7.2'\n{body}")
    message = refusal(f"{path}:Bare")
    assert f"Bare lacks the method {method!r}" in message
    assert "harness.kvm.v7_2:V7_2" in message


def test_not_a_variant(mine: str) -> None:
    assert "Other is no variant, expected a subclass of" in refusal(f"{mine}:Other")
    assert "number is no variant, expected a subclass of" in refusal(f"{mine}:number")


def test_no_such_class(mine: str) -> None:
    assert "no class 'Mime'; did you mean 'Mine'" in refusal(f"{mine}:Mime")
    assert "no class ''" in refusal(f"{mine}:")


def test_an_era_that_does_not_exist(mine: str) -> None:
    assert "NoEra.era is 'future', expected 'v4.14' or 'v7.2'" in refusal(f"{mine}:NoEra")


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
