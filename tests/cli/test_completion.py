"""Completion, in a real bash."""

import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from harness.catalogue.names import names
from harness.cli.completion import SHELLS, script
from harness.cli.main import COMMANDS, group
from tests.cli.support import Cli

ASK = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_vgic_race
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "script"
    path.write_text(script(group, "bash"), encoding="utf-8")
    return path


def asked(bash: Path, line: str) -> list[str]:
    """What bash offers behind a line."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", str(bash), line],
        capture_output=True, text=True, check=True, timeout=30, cwd=bash.parent,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("vgic-race ", list(COMMANDS)),
        ("vgic-race st", ["stress"]),
        ("vgic-race log s", ["show", "summary", "sql", "schema"]),
        ("vgic-race stress --vari", ["--variant"]),
        ("vgic-race stress --variant v7.2+44", ["v7.2+44"]),
        ("vgic-race stress tim", ["timer-wfi", "timer-busy", "timer-phys"]),
        ("vgic-race stress -q --seed 3 --strategy r", ["random", "round-robin"]),
        ("vgic-race stress --knob gic_messages=l", ["lagging"]),
        ("vgic-race stress --seed ", [""]),
        ("vgic-race stress --rules guest,R2", None),
        ("vgic-race list R2", [name for name in names("rule") if name.startswith("R2")]),
        ("vgic-race run --scenario-file scr", ["script"]),
        ("vgic-race completion ", list(SHELLS)),
    ],
)
def test_what_bash_offers(bash: Path, line: str, offered: list[str] | None) -> None:
    if offered is None:
        offered = [f"guest,{name}" for name in names("rule") if name.startswith("R2")]
    assert asked(bash, line) == offered


def test_a_key_pressed_in_an_interactive_bash(bash: Path) -> None:
    """Readline itself asks, and puts the rest of the word on the line."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    try:
        os.write(terminal, f"PS1= ; source {bash}\nvgic-race stress --variant v7.2+ship\t".encode())
        seen = b""
        while b"v7.2+shipped" not in seen:
            ready, _, _ = select.select([terminal], [], [], 30)
            assert ready, seen
            seen += os.read(terminal, 4096)
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_each_script(cli: Cli, shell: str) -> None:
    out = cli("completion", shell).out
    for name in (*COMMANDS, "sql", "perfetto", "keep-going", "overflow-dir", "v7.2+44", "R28b"):
        assert name in out


def test_an_unknown_shell(cli: Cli) -> None:
    cli("completion", "ksh").refused("'ksh'", "'bash', 'zsh', 'fish'")
