"""The plugin by itself: CPUs are threads that come by places, with no QEMU around them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.kernel.steer import control as ctl
from harness.kernel.steer.control import IDLE, Control, Fate, Mode, Window

pytestmark = pytest.mark.oracle

HERE = Path(__file__).parent
PLUGIN = Path(ctl.__file__).parent / "plugin"
BEGIN = "1 2 3 B"
"""CPU 0: a job begins, an execution is over, the next one begins."""
TABLE = "1 J 0 0\n2 B 0 0\n3 O 0 0\n" + "".join(f"{n:x} P 0 {n}\n" for n in range(10, 20))
SPIN = f"{20:x} PY 0 20\n"
PATIENCE_US = 500_000
"""A test waits for no CPU that long unless it is blocked on purpose."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert shutil.which("gcc") is not None, "apt-get install gcc libc6-dev"
    path = tmp_path_factory.mktemp("plugin") / "fake"
    sources = [str(each) for each in (*PLUGIN.glob("*.c"), HERE / "fake_qemu.c")]
    command = ["gcc", "-O1", "-Wall", "-Werror", f"-I{PLUGIN}", "-DPLUGIN_API=1", *sources]
    subprocess.run([*command, "-o", str(path), "-lpthread"], check=True)
    return path


def ran(
    program: Path, folder: Path, asked: Control, zero: str, one: str, table: str = TABLE
) -> tuple[list[str], list[Window]]:
    """What happened, in order, and what the plugin wrote down."""
    (folder / "places").write_text(table)
    (folder / "control").write_bytes(asked.data())
    files = [f"{name}={folder / name}" for name in ("places", "control", "records")]
    done = subprocess.run(
        [str(program), *files, f"{BEGIN} {zero}", f"W0 {one}"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    windows = list(ctl.read_windows((folder / "records").read_bytes()))
    return done.stdout.splitlines(), windows


def script(*steps: tuple[int, int], alone: bool = False, us: int = PATIENCE_US) -> Control:
    return Control(Mode.SCRIPT, steps=steps, alone=alone, block_us=us)


def test_a_script_is_followed(program: Path, tmp_path: Path) -> None:
    """CPU 1 stays where it is until CPU 0 is there, and the other way round."""
    asked = script((1, 12), (0, 11), (1, 14), (0, 13), alone=True)
    said, windows = ran(program, tmp_path, asked, "a b c d e", "a b c d e")
    at = said.index
    assert at("go 1 c") > at("at 0 b")
    assert at("go 0 b") > at("at 1 e")
    assert at("go 1 e") > at("at 0 d")
    assert (windows[0].fate, windows[0].step) == (Fate.DONE, 4)
    steps = [(d.cpu, d.place) for d in windows[0].decisions if d.cpu == 1]
    assert [place for _, place in steps if place in (12, 14)] == [12, 14]


def test_a_script_may_hold_the_others_from_the_beginning(program: Path, tmp_path: Path) -> None:
    asked = script((0, 14), (1, 12), alone=True)
    said, windows = ran(program, tmp_path, asked, "a b c d e", "a b c")
    assert said.index("go 1 a") > said.index("at 0 e")
    assert windows[0].fate == Fate.DONE


def test_a_script_waits_for_a_cpu_to_be_idle(program: Path, tmp_path: Path) -> None:
    asked = script((1, 11), (0, IDLE), (1, 13))
    said, windows = ran(program, tmp_path, asked, "a I", "a b c d")
    assert said.index("go 1 b") > said.index("at 0 a")
    assert (windows[0].fate, windows[0].step) == (Fate.DONE, 3)


def test_a_script_that_is_not_followed_says_where(program: Path, tmp_path: Path) -> None:
    """CPU 0 ends without having been at the place; then all are let go."""
    asked = script((1, 11), (0, 19), (1, 12), us=2000)
    said, windows = ran(program, tmp_path, asked, "a b", "a b c")
    assert "go 1 c" in said
    assert (windows[0].fate, windows[0].step, windows[0].blocked) == (Fate.BLOCKED, 1, 1)


def test_one_goes_on_at_a_time_and_all_come_to_their_end(program: Path, tmp_path: Path) -> None:
    many = " ".join("abcdefghij" * 20)
    for mode in (Mode.WALK, Mode.PCT):
        asked = Control(mode, seed=3, probability=0.3, depth=3, block_us=PATIENCE_US)
        said, _ = ran(program, tmp_path, asked, f"{many} I 2", f"{many} I")
        assert len([line for line in said if line.startswith("go 1 ")]) == 200


def test_the_seed_decides(program: Path, tmp_path: Path) -> None:
    """Behind the first stop of CPU 1 the turns are those that the seed says."""
    many = " ".join("abcdefghij" * 6)

    def turns(seed: int) -> list[tuple[int, int]]:
        asked = Control(Mode.WALK, seed=seed, probability=0.5, block_us=PATIENCE_US)
        # CPU 1 is known, and held, before CPU 0 comes to its first place.
        zero, one = f"W1 {many} I 2", f"B {many} I"
        _, windows = ran(program, tmp_path, asked, zero, one)
        decisions = windows[0].decisions
        return [(d.cpu, d.next) for d in decisions]

    assert turns(1) != turns(2)


def test_who_spins_lets_the_others_go_on(program: Path, tmp_path: Path) -> None:
    """A CPU that waits in its guest gives its turn away each time, whatever the strategy says."""
    spins = " ".join(["14"] * 30)
    asked = Control(Mode.WALK, probability=0.0, block_us=PATIENCE_US)
    said, windows = ran(program, tmp_path, asked, f"{spins} I 2", "a b c d e I", TABLE + SPIN)
    assert said.index("go 1 e") < len(said)
    own = [d for d in windows[0].decisions if d.place == 20]
    assert all(d.next == 1 for d in own)


def test_nobody_is_steered_when_nothing_is_asked(program: Path, tmp_path: Path) -> None:
    said, windows = ran(program, tmp_path, Control(), "a b c", "a b c")
    assert (len(said), windows) == (18, [])


def test_it_says_what_it_lacks(program: Path, tmp_path: Path) -> None:
    words = [f"places={tmp_path / 'gone'}", "control=x", "records=y", "", ""]
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1, "steer: expected places=, control= and records=, files each\n"
    )  # fmt: skip
