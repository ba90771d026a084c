"""The wheel, in an environment of its own and outside the checkout, does what "Extending" says."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from harness.help.topics import TOPICS, text_of
from harness.scenarios.schema import builtin_names
from tests.cli.documents import commands, files
from tests.quality.sources import ROOT

pytestmark = pytest.mark.oracle

TOOLS = ("pytest>=8.2,<10", "pytest-trio>=0.8,<0.9", "pytest-xdist>=3.6,<4")
HIDDEN = """
import pytest

@pytest.mark.race(scenario="timer-wfi")
def test_it(race): ...
"""


def run(*words: object, folder: Path, offline: bool | None = None) -> str:
    """Run a program in ``folder``, with nothing of this checkout in its surroundings."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env |= {} if offline is None else {"UV_OFFLINE": "1" if offline else "0"}
    env["VGIC_RACE_LOGS"] = str(folder / "logs")
    done = subprocess.run(
        [str(w) for w in words], cwd=folder, env=env, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a source distribution that was built from what git would clone."""
    folder = tmp_path_factory.mktemp("dist")
    clone = folder / "clone"
    kept = [".gitignore", "CHANGELOG.md", "README.md", "pyproject.toml", "logs/README.md"]
    for name in kept:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    for name in ("harness", "model", "tests"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for offline in (True, False):
        told = run("uv", "build", "--out-dir", folder, clone, folder=folder, offline=offline)
        if told.startswith("exit 0"):
            break
    assert told.startswith("exit 0"), told
    assert list(folder.glob("*.tar.gz"))
    (built,) = folder.glob("*.whl")
    return built


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = Parser().parsestr(content.read(f"{info}/METADATA").decode())
        entry_points = content.read(f"{info}/entry_points.txt").decode()
        log_format = content.read("harness/help/log-format.md").decode()
    assert {name.partition("/")[0] for name in names} == {"harness", "model", info}
    wanted = [f"harness/scenarios/{name}.toml" for name in builtin_names()]
    wanted += [f"harness/help/{topic}.md" for topic in TOPICS]
    wanted += ["harness/py.typed", "model/py.typed", f"{info}/licenses/harness/LICENSE"]
    wanted += [  # whatever is no Python in a checkout
        str(path.relative_to(ROOT))
        for folder in ("harness", "model")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".c", ".h", ".S", ".ld", ".js", ".css", ".html",
                                              ".sh", ".awk", ".toml", ".md")
    ]  # fmt: skip
    assert [name for name in wanted if name not in names] == []
    assert log_format == (ROOT / "logs/README.md").read_text(encoding="utf-8")
    assert metadata["Name"] == "vgic-race"
    assert metadata["License-Expression"] == "MIT"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert "vgic-race = harness.pytest_plugin.plugin" in entry_points


def test_extending_as_it_is_written(wheel: Path, tmp_path: Path) -> None:
    """A variant, a rule, a strategy, a scenario and tests of one's own, with the wheel alone."""
    venv = tmp_path / "venv"
    install = ("uv", "pip", "install", "--python", venv / "bin/python", wheel, *TOOLS)
    run("uv", "venv", "--python", sys.executable, venv, folder=tmp_path)
    if not run(*install, folder=tmp_path, offline=True).startswith("exit 0"):
        told = run(*install, folder=tmp_path, offline=False)
        assert told.startswith("exit 0"), told
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("")
    text = text_of("extending")
    for name, content in files(text).items():
        (project / name).write_text(content)
    tool, python = venv / "bin/vgic-race", venv / "bin/python"

    where = run(python, "-c", "import harness, model; print(harness.__file__, model.__file__)",
                folder=project)  # fmt: skip
    assert str(ROOT) not in where
    assert re.match(r"exit 0\nvgic-race \S+\n$", run(tool, "--version", folder=project))
    assert run(python, "-m", "harness", "--version", folder=project).startswith("exit 0")
    for topic in ("commands", "log-format"):
        assert run(tool, "help", topic, folder=project).startswith("exit 0")

    # Folders of these names disturb the command as little as its workers.
    for name in ("harness", "model"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text("raise RuntimeError('not mine')\n")
    expected = {"LineAlone": "R23", "SleepsOnce": "X1"}
    for words in commands(text):
        sizes = () if words[0] == "run" else ("--jobs", "2", "-q", "--no-shrink")
        limit = (
            ("--schedules", "200") if words[0] == "stress" and "--schedules" not in words else ()
        )
        told = run(tool, *words, *limit, *sizes, folder=project)
        rule = next((expected[name] for name in expected if name in " ".join(words)), None)
        if rule is None:
            assert re.match("exit [03]", told), told
            continue
        assert told.startswith("exit 1"), told
        assert rule in told
        (again,) = re.findall(r"reproduce: vgic-race replay (?:--rules \S+ )?(.*)", told)
        assert run(tool, "replay", again.strip("'"), folder=project).startswith("exit 1")
    # In a test run they may come first; that is said where a test asks for the tool.
    (project / "model/__init__.py").write_text("")
    (project / "test_hidden.py").write_text(HIDDEN)
    hidden = run(venv / "bin/pytest", "-q", "test_hidden.py", folder=project)
    assert f"its package 'model' is hidden by {project / 'model'}" in hidden
    (project / "test_hidden.py").unlink()
    for name in ("harness", "model"):
        shutil.rmtree(project / name)

    told = run(venv / "bin/pytest", "-q", "-n", "2", folder=project)
    assert "3 passed" in told
    assert "3 passed" in run(python, "-m", "pytest", "-q", folder=project)
    assert "race(scenario, variant," in run(venv / "bin/pytest", "--markers", folder=project)
