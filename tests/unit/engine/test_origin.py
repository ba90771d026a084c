"""Where a schedule comes from: what counts as a change, and what does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import origin as module
from harness.engine.schedule import Origin
from harness.origin import CHAINED, changed, code_files, name_of, scenario_digest, variant_digest
from harness.scenarios.schema import load_builtin
from harness.spec import RunSpec, load_scenario, portable
from harness.variants import resolve_variant

USED = """
import sys
from harness.engine.direct_engine import DirectEngine
from harness.engine.execution import Execution
from harness.spec import RunSpec
from harness.strategies.round_robin import RoundRobin
for variant in ("v4.14", "v7.2+44"):
    world = RunSpec.make("overflow", variant).build(DirectEngine.task_class)
    DirectEngine().execute(Execution(world, RoundRobin()))
print(*(name for name in sys.modules if name.partition(".")[0] in ("model", "harness")))
"""
ELSEWHERE = {
    "harness": "empty",
    "harness.choices": "words only",
    "harness.errors": "words only",
    "harness.guard": "empty",
    "harness.guard.awaits": "looks at variants of the user's",
    "harness.guard.code": "looks at variants of the user's",
    "harness.guard.faults": "words only",
    "harness.guard.inspect": "looks at variants of the user's",
    "harness.guard.state": "looks at variants of the user's",
    "harness.guard.watch": "looks at variants of the user's",
    "harness.intake": "how files are read",
    "harness.origin": "the digests themselves",
    "harness.museum": "finds the patches, which are in the variant's digest",
    "harness.museum.patch": "what a patch is called",
    "harness.places": "how paths are told",
    "harness.strategies": "empty",
    "harness.strategies.round_robin": "a schedule has the choices",
    "harness.verdict": "words only",
    "harness.variants": "puts together what is in the variant's digest",
}
"""Modules that an execution loads, and that do not count as code: why not."""


def test_all_that_an_execution_uses_counts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", USED], capture_output=True, text=True, check=True, timeout=60
    )
    counted = {name_of(path).removesuffix(".__init__") for path in code_files()}
    used = set(done.stdout.split())
    assert len(used) > 100
    left = {n for n in used - counted - ELSEWHERE.keys() if not n.startswith(CHAINED)}
    assert left == set()


def test_the_code_digest_is_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = module.code_digest.__wrapped__
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "CODE", ("model", "harness/kvm", "harness/world.py"))
    for name in ("model/a.py", "harness/kvm/v7_2.py", "harness/world.py", "harness/cli.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x = 1\n")
    (tmp_path / "model/__init__.py").touch()
    first = digest()
    assert len(first) == 16
    for name in ("harness/cli.py", "harness/kvm/v7_2.py"):
        (tmp_path / name).write_bytes(b"x = 2\n")
        assert digest() == first, f"{name} does not count"
    (tmp_path / "model/a.py").write_bytes(b"x = 1\r\n")
    assert digest() == first
    (tmp_path / "model/a.py").write_bytes(b"x = 2\n")
    assert digest() != first
    (tmp_path / "model/a.py").rename(tmp_path / "model/b.py")
    second = digest()
    (tmp_path / "harness/world.py").unlink()
    (tmp_path / "harness/world.py").mkdir()
    assert second != first
    assert digest() != second


def test_a_variant_is_its_own_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("v4.14", "v7.2", "v7.2+1", "v7.2+44", "v7.2+1+44", "v7.2+57", "v7.2+bound-1")
    digests = [variant_digest(resolve_variant(name)) for name in names]
    assert all(len(digest) == 16 for digest in digests)
    assert len(set(digests)) == len(digests)
    text = "from harness.kvm.v7_2 import V7_2\nclass A(V7_2):\n    pass\nclass B(V7_2):\n    pass\n"
    seen = set()
    for folder, more in (("one", ""), ("two", ""), ("three", "# changed\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(text + more)
        for name in "AB":
            seen.add(variant_digest(resolve_variant(f"{folder}/mine.py:{name}")))
    assert len(seen) == 4  # wherever the file is


def test_a_source_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "gone.py"
    file.write_text("from harness.kvm.v7_2 import V7_2\nclass Gone(V7_2):\n    pass\n")
    cls = resolve_variant("gone.py:Gone")
    file.unlink()
    assert variant_digest(cls) == ""


def test_what_is_said_of_a_change() -> None:
    old = Origin("aaaa", "bbbb", "cccc")
    assert changed(old, old) == []
    assert changed(Origin(), old) == changed(old, Origin()) == []
    assert changed(old, Origin("aaaa0000", "b", "cccd")) == [
        "vgic-race's own code has changed (code digest cccc, here cccd)"
    ]
    assert [x.split(" (")[0] for x in changed(old, Origin("x", "y", "z"))] == [
        "the scenario has changed",
        "the variant's source has changed",
        "vgic-race's own code has changed",
    ]


def test_a_scenario_travels_with_its_schedule(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    toml = 'name = "mine"\ntitle = "t"\n[[vcpu]]\nprogram = ["timer 5", "idle 1"]\n'
    path.write_text(toml)
    spec = RunSpec.make(str(path), "v7.2")
    carried = RunSpec.make("mine", "v7.2", toml=toml)
    assert carried != spec
    assert carried.origin() == spec.origin()
    assert carried.loaded() == load_scenario(str(path))
    assert scenario_digest(carried.loaded()) != scenario_digest(load_builtin("timer-wfi"))
    schedule = RunSpec.make("timer-wfi", "v7.2").schedule_of(())
    assert portable(schedule) == schedule
    own = portable(spec.schedule_of(()))
    path.unlink()
    assert own.toml == toml
    assert portable(own) == own
    assert RunSpec.from_schedule(own).loaded() == carried.loaded()
