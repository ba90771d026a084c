"""What the documents tell a reader to type does what they say: each command is run.

The default run does what "Extending" says, the long one the rest. Sizes are made small; whatever
the verdict is, a command must not be refused, crash, or end in another way than it may.
"""

import re
from pathlib import Path

import pytest

from harness.help.topics import TOPICS, text_of
from tests.cli.documents import commands, files
from tests.cli.support import Cli

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
TRACE = ROOT / "tests/conformance/data/standard.txt.gz"
SCHEDULES = 2
LEFT_OUT = ("conform", "kernel")
"""They need QEMU, and are tested with it."""


def documents() -> dict[str, str]:
    """The documents by name."""
    return {"README.md": (ROOT / "README.md").read_text(encoding="utf-8")} | {
        topic: text_of(topic) for topic in TOPICS
    }


def small(words: list[str]) -> list[str]:
    """A campaign with few schedules, in this process; anything else as it is."""
    if words[0] != "stress":
        return words
    out, skip = [], False
    for word in words:
        if not skip and word not in ("--seconds", "--schedules", "--keep-going"):
            out.append(word)
        skip = word in ("--seconds", "--schedules")
    return [*out, "--schedules", str(SCHEDULES), "--jobs", "1", "--engine", "direct", "--no-shrink"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def write_files(text: str, folder: Path) -> list[str]:
    for name, content in files(text).items():
        (folder / name).write_text(content)
    return list(files(text))


def test_what_extending_says_can_be_done(cli: Cli, project: Path) -> None:
    """But for its tests, which ``tests/quality/test_wheel.py`` and the long run do."""
    text = text_of("extending")
    assert write_files(text, project) == [
        "mine.py", "rules.py", "strategy.py", "mine.toml", "test_mine.py",
    ]  # fmt: skip
    for words in commands(text):
        done = cli(*small(words))
        assert done.code in (0, 1, 3), (words, done.err)


def test_what_is_ones_own_is_listed_and_explained(cli: Cli, project: Path) -> None:
    write_files(text_of("extending"), project)
    (project / "pyproject.toml").write_text('[tool.vgic-race]\nrules = ["rules.py:SleepsOnce"]\n')
    rules = [line["name"] for line in cli("list", "rules", "--json").lines if "name" in line]
    assert rules.count("X1") == 1
    assert rules.count("R12") == 1
    for name, kind, words in (
        ("x1", "rule", "Blocked, Loaded, Put"),
        ("rules.py:SleepsOnce", "rule", "VCPU {vcpu} sleeps on CPU {pcpu}"),
        ("mine.py:LineAlone", "variant", "hooks: phys_active_needed"),
        ("strategy.py:Stays", "strategy", "--strategy strategy.py:Stays"),
        ("mine.toml", "scenario", "timer 100; user; idle 1"),
    ):
        done = cli("list", name)
        assert (done.code, done.out.split()[0]) == (0, kind)
        assert words in done.out
    cli("list", "mine.py:Nobody").refused("no class 'Nobody'", "LineAlone")
    cli("list", "rules.py:OfVcpu").refused("lacks the method 'begin'")


@pytest.mark.long
def test_what_extending_finds_is_replayed(cli: Cli, project: Path) -> None:
    write_files(text_of("extending"), project)
    found = cli("stress", "migrate", "--variant", "mine.py:LineAlone", "--seed", "1", "--json",
                "--schedules", "60", "--jobs", "1")  # fmt: skip
    assert found.summary["violations"][0]["rule"] == "R23"
    found = cli("stress", "timer-wfi", "--rules", "all,rules.py:SleepsOnce", "--variant", "v7.2",
                "--seed", "1", "--schedules", "100", "--json")  # fmt: skip
    violation = found.summary["violations"][0]
    assert violation["rule"] == "X1"
    assert re.fullmatch(r"VCPU 0 sleeps on CPU 0, 2 times", violation["text"])
    for target in (violation["log"], violation["shortest"], violation["schedule"]):
        assert cli("replay", target, "--expect", "violated").code == 0
    for target in (violation["log"], violation["schedule"]):
        assert cli("replay", target, "--rules", "all", "--expect", "clean").code == 0
    assert cli("log", "check", violation["log"]).code == 1
    assert cli("why", violation["log"]).code == 1


@pytest.mark.long
def test_the_tests_of_extending_pass(pytester: pytest.Pytester) -> None:
    write_files(text_of("extending"), pytester.path)
    pytester.syspathinsert()
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "test_mine.py").assert_outcomes(
        passed=3
    )


class Places:
    """Real files in the place of those that a document only names."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        done = cli("stress", "migrate", "--variant", "v4.14+1", "--seed", "1", "--schedules", "10",
                   "--jobs", "1", "--json")  # fmt: skip
        violation = done.summary["violations"][0]
        self.log = violation["log"]
        self.schedule = violation["shortest"]
        self.campaign = str(Path(self.log).parent)
        assert cli("why", self.log).code == 1
        why = next(Path(self.campaign).parent.glob("why-*"))
        trace = folder / "trace.txt.gz"
        trace.write_bytes(TRACE.read_bytes())
        self.real = {
            "FILE": self.schedule, "LOG": self.log, "LOG...": self.log, "A": self.log,
            "B": self.log, "FOLDER": str(why), "WHY": str(why), "CAMPAIGN": self.campaign,
            "N": "27", "[EVENT]...": "entry", "EVENT": "entry", "SCHEDULE": self.schedule,
            "logs/stress-1": self.campaign,
            "DIR": self.campaign,
            "DIR...": self.campaign,
        }  # fmt: skip

    @staticmethod
    def concern(words: list[str]) -> bool:
        """Whether a command needs any of them."""
        return words[0] not in ("stress", "run", "list") or "DIR" in words

    def put_in(self, words: list[str]) -> list[str]:
        """A command as somebody would type it."""
        return [self.real.get(word, word) for word in words if word not in (">", "record.sh")]


CODES = {"diff": (0, 4), "replay": (0, 1)}


@pytest.mark.long
@pytest.mark.parametrize("name", ["README.md", *TOPICS])
def test_every_command_of_the_documents_can_be_typed(cli: Cli, project: Path, name: str) -> None:
    text = documents()[name]
    write_files(text_of("extending") + text, project)
    todo = [words for words in commands(text) if words[0] not in LEFT_OUT]
    if not todo:
        assert name in ("commands", "rules") or "vgic-race" in text
        return
    places = Places(cli, project) if any(map(Places.concern, todo)) else None
    for words in todo:
        typed = small(words if places is None else places.put_in(words))
        done = cli(*typed)
        assert done.code in CODES.get(words[0], (0, 1, 3, 4)), (typed, done.code, done.err)
        assert "internal error" not in done.err
