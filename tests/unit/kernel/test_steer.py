"""What steers a real kernel, without one: tables, scripts, verdicts, what the plugin tells."""

import re
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kernel.steer import control as ctl
from harness.kernel.steer.confirm import (
    CONFIRMED,
    NOT_CONFIRMED,
    NOT_FOLLOWED,
    UNCLEAN,
    verdict_of_plain,
    verdict_of_script,
)
from harness.kernel.steer.control import BLOCKED, IDLE, Control, Decision, Fate, Mode, Window
from harness.kernel.steer.derive import script_of, shorten, swapped
from harness.kernel.steer.flow_places import AFTER, BEFORE, STEPS
from harness.kernel.steer.places import SYNTAX, Places, Table, missing
from harness.kernel.steer.script import Script, case_names, load_case, read_case
from harness.kernel.steer.windows import Tally, read_lines
from harness.kernel.symbols import Symbols

HEADER = Path(ctl.__file__).parent / "plugin" / "steer.h"
BASE = 0xFFFF800080000000


def kernel(tmp_path: Path) -> Places:
    """Two functions, of which the first calls the second twice and something else once."""
    call = 0x25 << 26
    code = [0, call | 7, 0, call | 5, call | 6, 0, 0, 0, 0, 0, 0]
    image = tmp_path / "image"
    image.write_bytes(b"".join(word.to_bytes(4, "little") for word in code))
    starts = ((BASE, "kvm_vgic_flush_hwstate"), (BASE + 32, "vgic_b"), (BASE + 40, "other"))
    return Places(Symbols({"_text": BASE} | {name: at for at, name in starts}, starts, image))


def test_of_several_places_the_first_that_is_there_is_meant(tmp_path: Path) -> None:
    steps = ("0 enter gone or enter vgic_b", "1 idle or enter vgic_b", "1 enter gone or enter lost")
    script = Script("x", "y", steps).on(kernel(tmp_path))
    assert script.steps == ("0 enter vgic_b", "1 idle", "1 enter gone")


def test_places_are_where_the_kernel_calls(tmp_path: Path) -> None:
    places = kernel(tmp_path)
    assert places.addresses("enter vgic_b") == [BASE + 32]
    assert places.addresses("call vgic_b in kvm_vgic_flush_hwstate") == [BASE + 4, BASE + 12]
    assert places.addresses("return vgic_b") == [BASE + 8, BASE + 16]
    assert places.addresses("return vgic_b in vgic_b") == []
    assert missing(places, ["enter gone", "idle", "return vgic_b in vgic_b", "guest x"]) == [
        "enter gone: this kernel has no function gone (inlined, or of another version)",
        "return vgic_b in vgic_b: vgic_b does not call vgic_b here",
    ]


def test_a_script_has_its_own_numbers_and_the_table_one_row_an_address(tmp_path: Path) -> None:
    places = kernel(tmp_path)
    table = places.table(["return vgic_b", "idle"], {"guest_relax": 0x40001000})
    table.add("begin", [BASE + 32], roles="O", level=0)
    rows = [line.split() for line in table.text().splitlines()]
    addresses = [int(at, 16) for at, *_ in rows]
    assert addresses == [0x40001000, *(BASE + n for n in (0, 8, 16, 20, 32))]
    named = {int(at, 16): (roles, table.name(int(n))) for at, roles, _, n in rows}
    assert named[BASE + 8] == named[BASE + 16] == ("P", "return vgic_b")
    assert named[0x40001000] == ("PY", "guest guest_relax")
    assert named[BASE + 32] == ("O", "begin")
    assert (table.name(IDLE), table.name(BLOCKED)) == ("idle", "blocked")


def test_the_structures_are_those_of_the_plugin() -> None:
    text = HEADER.read_text()
    sizes = {"uint64_t": 8, "double": 8, "uint32_t": 4, "uint16_t": 2, "uint8_t": 1}

    def size(name: str) -> int:
        body = re.search(rf"struct {name} \{{(.*?)\}};", text, re.DOTALL)
        assert body is not None
        total = 0
        for line in re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL).split(";"):
            if found := re.match(r"\s*(\w+) ([\w, ]+)$", line):
                total += sizes[found[1]] * len(found[2].split(","))
        return total

    assert size("record") == ctl.RECORD.size
    assert size("decision") == ctl.DECISION.size
    assert size("control") == ctl.CONTROL.size  # but for its steps
    assert len(Control().data()) == ctl.CONTROL.size + ctl.STEPS_MAX * ctl.STEP.size
    numbers = dict(re.findall(r"#define (STEPS_MAX|IDLE|BLOCKED) (\w+)", text))
    assert {name: int(value, 0) for name, value in numbers.items()} == {
        "STEPS_MAX": ctl.STEPS_MAX, "IDLE": IDLE, "BLOCKED": BLOCKED,
    }  # fmt: skip


def test_windows_are_read_back_and_a_cut_one_is_left() -> None:
    record = ctl.RECORD.pack(7, 2, 90, Fate.DONE, 3, 1, 2500)
    data = record + ctl.DECISION.pack(0, 1, 5) + ctl.DECISION.pack(1, 1, IDLE)
    windows = list(ctl.read_windows(data + data[:-1]))
    assert windows == [
        Window(7, Fate.DONE, 3, 90, 1, 0.0025, (Decision(0, 1, 5), Decision(1, 1, IDLE)))
    ]


def test_what_the_vmm_says() -> None:
    told = read_lines(
        ("WRONG 3 0x2", "STUCK 5", "STUCK VCPU 0 at 0x1", "SYMPTOM vcpu=0 switches=17 cpu_ns=1",
         "LATE", "STUCK 9", "LOST", "HUNG executions=8 wrong=2 distinct=0 seconds=1.500")
    )  # fmt: skip
    assert (told.executions, told.seconds, told.wrong) == (9, 1.5, {3: 2})
    assert (told.stuck, told.switches[5]) == ({5: True, 9: False}, {0: 17})
    assert told.said[5] == ["VCPU 0 at 0x1"]


def tally(executions: int, wrong: int, followed: int | None = None) -> Tally:
    made = Tally(executions=executions, followed=set(range(1, 1 + (followed or 0))))
    made.add(("guest", "1"), range(1, wrong + 1))
    return made


@pytest.mark.parametrize(
    ("plain", "steered", "controlled", "verdict"),
    [
        (tally(200, 4), tally(200, 199, 200), tally(200, 0), CONFIRMED),
        (tally(200, 4), tally(200, 5, 200), tally(200, 0), NOT_CONFIRMED),
        (tally(200, 0), tally(200, 0, 200), tally(200, 0), NOT_CONFIRMED),
        (tally(200, 0), tally(200, 19, 19), tally(200, 0), NOT_FOLLOWED),
        (tally(200, 0), tally(200, 200, 200), tally(200, 190), UNCLEAN),
        (tally(60, 0), tally(200, 200, 200), Tally(), CONFIRMED),
        (tally(60, 42), tally(60, 40, 4), Tally(), CONFIRMED),
        (tally(60, 42), tally(60, 40, 4), tally(60, 0), NOT_FOLLOWED),
    ],
)
def test_verdicts(plain: Tally, steered: Tally, controlled: Tally, verdict: str) -> None:
    assert verdict_of_script(plain, steered, controlled)[0] == verdict


def test_what_is_often_wrong_does_not_hide_what_the_script_shows() -> None:
    plain, steered = tally(100, 15), tally(100, 15, 100)
    steered.add(("G6", "device"), range(1, 90))
    verdict, why = verdict_of_script(plain, steered, Tally())
    assert (verdict, why) == (CONFIRMED, "wrong in 89 of 100 windows that follow it (G6 device)")


@pytest.mark.parametrize("name", case_names())
def test_cases_that_come_with_the_tool(name: str) -> None:
    case = load_case(name.lower())
    assert case.source.is_file()
    assert case.control is not None
    assert case.control.argument != case.argument
    assert "control" in case.source.read_text()
    assert all(len(script.steps) > 1 for script in case.script)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('guest = "gone.c"', "there is no guest 'gone.c'"),
        ('scenario = "timer-wfi"\nguest = "due.c"', "expected either a guest or a scenario"),
        ('scenario = "timer-wfi"\nnone = 1', "unknown field `none`"),
        ("scenario = ", "script 'mine': "),
        ('scenario = "x"\n[[script]]\nname = "a"\nwhat = ""\nsteps = []', "expected 1 to 256"),
        ('scenario = "x"\n[[script]]\nname = "a"\nwhat = ""\nsteps = ["9 idle"]', "CPU from 0 to"),
        ('scenario = "x"\n[[script]]\nname = "a"\nwhat = ""\nsteps = ["0 at f"]', "a place: enter"),
    ],
)
def test_bad_scripts_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        read_case(text, "mine")


def test_an_unknown_finding_is_refused() -> None:
    with pytest.raises(UsageError, match="finding with a script 'F99'"):
        load_case("F99")


def table(*names: str) -> Table:
    made = Table()
    for name in names:
        made.add(name, [])
    return made


def test_a_window_becomes_a_script() -> None:
    names = table("enter a", "enter b", "guest guest_relax")
    places = [(0, 0, 1), (0, 1, 1), (0, 0, 2), (1, 1, 1), (0, 0, IDLE)]
    decisions = tuple(Decision(cpu, nxt, place) for cpu, nxt, place in places)
    window = Window(1, Fate.ENDED, 0, 9, 0, 0.1, decisions)
    script = script_of(window, names, "derived")
    assert script is not None
    assert script.steps == ("0 enter a", "0 enter a")
    assert swapped(script).steps == ("1 enter a", "1 enter a")
    lost = Window(1, Fate.ENDED, 0, 9, 1, 0.1, (*decisions, Decision(1, 0, BLOCKED)))
    assert script_of(lost, names, "derived") is None


def test_a_script_is_shortened_to_what_it_needs() -> None:
    needed = ("0 enter c", "1 enter g")
    script = Script("x", "", tuple(f"{n % 2} enter {chr(97 + n)}" for n in range(12)))
    tried: list[tuple[str, ...]] = []

    def does(each: Script) -> bool:
        tried.append(each.steps)
        return [step for step in each.steps if step[2:] in ("enter c", "enter g")] == [
            "0 enter c", "0 enter g",
        ]  # fmt: skip

    assert does(script)
    assert [step[2:] for step in shorten(script, does).steps] == [step[2:] for step in needed]
    assert len(tried) < 60


def test_every_place_of_the_flow_is_one_and_every_step_is_the_flows() -> None:
    assert set(BEFORE) | set(AFTER) <= set(STEPS)
    for places in (*BEFORE.values(), *AFTER.values()):
        assert places
        assert all(SYNTAX.fullmatch(place) for place in places), places


def test_a_control_says_what_is_asked() -> None:
    data = Control(Mode.SCRIPT, seed=5, steps=((1, 7), (0, IDLE)), alone=True).data()
    seed, _, mode, level, *_, steps, alone = ctl.CONTROL.unpack_from(data)
    assert (seed, mode, level, steps, alone) == (5, Mode.SCRIPT, 1, 2, True)
    assert list(ctl.STEP.iter_unpack(data[ctl.CONTROL.size :]))[:2] == [(1, 7), (0, IDLE)]


def test_unfollowed_scripts_say_where(tmp_path: Path) -> None:
    """The report names the step that the kernel does not go along with, and what it did."""
    from harness.kernel.emulator import Hardware
    from harness.kernel.image import Image
    from harness.kernel.steer import report
    from harness.kernel.steer.confirm import Confirmation, Shown

    names = table("enter a", "enter b")
    steered = Tally(executions=20)
    steered.left[1, Fate.BLOCKED] = 20
    steered.astray.append(
        Window(1, Fate.BLOCKED, 1, 3, 1, 0.1, (Decision(0, 0, 1), Decision(1, 1, 2)))
    )
    script = Script("s", "why it matters", ("0 enter a", "1 enter gone"))
    case = read_case(
        'scenario = "timer-wfi"\n[[script]]\nname = "s"\nwhat = "w"\nsteps = ["0 enter a"]', "mine"
    )
    shown = Shown(script, NOT_FOLLOWED, steered, Tally(), "followed in 0 of 20 windows")
    found = Confirmation(
        case, Image(tmp_path, "7.2", "ab"), Hardware(), Tally(executions=20), [shown], names, 1.0
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "qemu_version", lambda: "7.2.0")
        text = report.markdown(found, ["v0 acquire"])
    assert "**NOT FOLLOWED** on Linux 7.2" in text
    assert "Left at step 2 in 20 windows: CPU 1 reached no further place" in text
    assert "    CPU 1 at enter b" in text
    assert text.endswith("    v0 acquire\n")


def test_a_few_windows_do_where_the_control_is_clean() -> None:
    def tally(executions: int, wrong: int) -> Tally:
        made = Tally(executions=executions)
        made.add(("guest", "1"), range(wrong))
        return made

    assert verdict_of_plain(tally(3, 3), tally(3, 0))[0] == CONFIRMED
    assert verdict_of_plain(tally(3, 3), tally(3, 1))[0] == UNCLEAN
    assert verdict_of_plain(tally(100, 60), tally(100, 1))[0] == CONFIRMED
    assert verdict_of_plain(tally(3, 0), tally(3, 0))[0] == NOT_CONFIRMED
