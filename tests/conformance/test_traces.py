"""Rules held against traces of a real kernel: clean ones, seeded ones, and faults planted here."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.trace.check import check_lines, check_trace
from harness.trace.ground import CHECKED
from harness.verdict import CLEAN as IS_CLEAN
from tests.conformance.mangled import mangle
from tests.conformance.planted import PLANTED, plant
from tests.conformance.traces import CLEAN, SEEDS, large, lines_of, small

TRUTH = re.compile(r"\s(\d+\.\d+): pre_\w+: SEED")
OF_SEED = {"seed1": "T3", "seed2": "T3", "seed3": "T1", "seed4": "T2"}
SOON_NS = 1_000_000
PLANTED_LINES = 40_000
PARTS = 6
"""So many tests share what takes long."""
NEAR = 300
"""So many lines after a fault at the most it is seen."""
HERE = {"retire-drops-write": "pending-retired-by-resample"}
"""Faults for which the first of the small traces has no place."""
LONG_ONLY = {"background-late"}
"""A frequency is not learned from so few deadlines."""


@pytest.mark.parametrize("name", [*CLEAN, "rec-7.2-overflow-eoimode1"])
def test_a_clean_trace_breaks_no_rule(name: str) -> None:
    report = check_trace(str(small(name)))
    assert [x.violation.text for x in report.found] == []
    assert report.verdict == IS_CLEAN
    assert {"T1", "T7", "T8"} <= set(report.checked)


def test_all_that_a_trace_can_show_is_checked_somewhere() -> None:
    checked = {rule for name in CLEAN for rule in check_trace(str(small(name))).checked}
    # One needs many deadlines, the other an access that is rare.
    assert set(CHECKED) - checked <= {"T14", "T16"}


@pytest.mark.parametrize("name", SEEDS)
def test_a_seeded_trace_is_violated_at_the_first_firing(name: str) -> None:
    report = check_trace(str(small(name)))
    rule, alarm, line = SEEDS[name]
    first = report.found[0]
    assert (first.violation.rule, first.violation.alarm, first.line) == (rule, alarm, line)
    assert first.violation.subject.vcpu >= 0
    assert any(f"line {line} " in text and ">>" in text for text in first.life)


@pytest.mark.parametrize("fault", [name for name in PLANTED if name not in LONG_ONLY])
def test_a_planted_fault_is_seen_by_its_rule(fault: str) -> None:
    trace = lines_of(small(HERE.get(fault, "gicv3")))
    lines, places = plant(trace, fault, every=2 if fault not in HERE else 1)
    rule = PLANTED[fault][2]
    found = [x.line for x in check_lines(lines, fault).found if x.violation.rule == rule]
    assert places
    assert found
    # A place may be none: a sleeper may be up before a callback ends that was held up.
    assert any(place <= found[0] + 1 <= place + NEAR for place in places)


def cut(lines: list[bytes], seed: int) -> list[bytes]:
    """A piece out of the middle."""
    chance = random.Random(seed)
    size = chance.choice((40, 200, 600))
    start = chance.randrange(len(lines))
    return lines[start : start + size]


def with_losses(lines: list[bytes], seed: int) -> list[bytes]:
    """Runs of one CPU's events are lost, and ftrace says so where that CPU goes on."""
    chance = random.Random(seed)
    out: list[bytes] = []
    left = dict.fromkeys((0, 1), 0)
    for line in cut(lines, seed):
        cpu = 1 if b"[001]" in line else 0
        if chance.random() < 0.005:
            left[chance.randrange(2)] = chance.randrange(1, 100)
        if left[cpu] > 1:
            left[cpu] -= 1
            continue
        if left[cpu] == 1:
            left[cpu] = 0
            out.append(b"CPU:%d [LOST %d EVENTS]" % (cpu, chance.randrange(1, 99)))
        out.append(line)
    return out


def anonymous(lines: list[bytes]) -> list[bytes]:
    """Threads with names that tell nothing."""
    return [re.sub(rb"kvm-vcpu-(\d)", rb"worker\1", line) for line in lines]


def of_qemu(lines: list[bytes]) -> list[bytes]:
    return [re.sub(rb"kvm-vcpu-(\d)", rb"CPU \1/KVM", line) for line in lines]


def reported(lines: list[bytes]) -> list[bytes]:
    """As trace-cmd report prints it: without flags, names padded."""
    return [
        re.sub(rb"\[(\d+)\] \S+ +([\d.]+): (\w+):", rb"[\1] \2: \3:        ", line)
        for line in lines
        if not line.startswith(b"#")
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_cut_trace_with_losses_breaks_no_rule(seed: int) -> None:
    lines = lines_of(small(("gicv3", "gicv2", "vhe")[seed % 3]))
    piece = (cut, with_losses)[seed % 2](lines, seed)
    assert [x.violation.text for x in check_lines(piece, "cut").found] == []


@pytest.mark.parametrize("other", [anonymous, of_qemu, reported], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["gicv3", "standard", "vhe"])
def test_names_and_printers_do_not_matter(name: str, other: type) -> None:
    lines = lines_of(small(name))
    as_is, changed = check_lines(lines, name), check_lines(other(lines), name)
    assert changed.found == []
    # Without flags some of what a handler does may pass for its thread's.
    assert set(as_is.checked) - set(changed.checked) <= ({"T10"} if other is reported else set())


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_seen_whatever_threads_are_called(name: str) -> None:
    for other in (anonymous, of_qemu):
        report = check_lines(other(lines_of(small(name))), name)
        rule, alarm, _ = SEEDS[name]
        assert (rule, alarm) in {(x.violation.rule, x.violation.alarm) for x in report.found}


def test_a_loss_takes_back_what_was_found_meanwhile() -> None:
    lines = lines_of(small("seed3"))
    number = SEEDS["seed3"][2]
    cpu = b"1" if b"[001]" in lines[number - 1] else b"0"
    other = b"0" if cpu == b"1" else b"1"
    # That CPU says nothing from well before the firing until after it, and then that it lost some.
    quiet = [
        line
        for i, line in enumerate(lines)
        if not (number - 60 < i < number + 30 and b"[00" + other + b"]" in line)
    ]
    end = quiet.index(lines[number - 1])
    mark = b"CPU:" + other + b" [LOST 9 EVENTS]"
    report = check_lines([*quiet[: end + 1], mark, *quiet[end + 1 :]], "seed3")
    assert report.withdrawn >= 1
    assert report.found == []
    assert (report.counts.loss_marks, report.counts.lost) == (1, 9)


def test_several_vms_are_outside_what_the_rules_are_for() -> None:
    lines = lines_of(small("seed1"))
    second = [
        re.sub(rb"kvm-vcpu-(\d)-(\d+)", rb"kvm-vcpu-\1-9\2", re.sub(rb"pid=", rb"pid=9", line))
        for line in lines
    ]
    report = check_lines([*lines, *second], "two")
    assert report.found == []
    assert report.checked == []
    assert report.not_checked["T3"] == ("assumption: one VM in the trace",)


def test_a_kernel_that_writes_the_active_state_at_the_flush_is_outside_too() -> None:
    lines: list[bytes] = []
    held: bytes | None = None
    for line in lines_of(small("gicv3")):
        if b" phys_set:" in line:
            held = line
        elif b" flush:" in line and held is not None:
            head = line[: line.index(b"flush:")]
            lines += [head + held[held.index(b"phys_set:") :], line]
            held = None
        else:
            lines.append(line)
    report = check_lines(lines, "old")
    assert report.found == []
    (why,) = {report.not_checked[rule] for rule in CHECKED}
    assert why[0].startswith("assumption: Linux 4.16 or later")


def test_a_vgic_in_user_space_takes_no_levels() -> None:
    dropped = (b" inject:", b" vgic_update_irq_pending:", b" queue_irq:", b" vcpu_kick:")
    lines = [x for x in lines_of(small("standard")) if not any(word in x for word in dropped)]
    report = check_lines(lines, "user space")
    assert report.found == []
    assert "assumption: the vgic is in the kernel" in report.not_checked["T1"]
    assert "T2" in report.checked


def mangled_lines(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(seed)
    traces = [(name, lines_of(small(name))) for name in (*CLEAN, *SEEDS)]
    for _ in range(count):
        name, lines = chance.choice(traces)
        yield name, mangle(lines, chance)


def judge(text: bytes) -> str:
    """Any text gets an answer; what it is worth does not matter here."""
    report = check_lines(text.split(b"\n"), "mangled")
    assert report.counts.lines == text.count(b"\n") + 1
    assert report.counts.events <= report.counts.lines
    for found in report.found:
        assert found.violation.text
    return report.verdict


def test_mangled_traces_get_an_answer() -> None:
    verdicts = {judge(text) for _, text in mangled_lines(60, 1)}
    assert {"clean", "violated"} <= verdicts


@pytest.mark.long
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(1, PARTS))]
)
def test_ten_thousand_mangled_traces_get_an_answer(part: int) -> None:
    for _, text in mangled_lines(10_000 // PARTS + 1, 2 + part):
        assert judge(text) in {"clean", "violated", "inconclusive"}


@pytest.mark.traces
def test_large_clean_traces_break_no_rule() -> None:
    legal = [path for path in large("fixtures") if not path.name.startswith("seed")]
    for path in (*large("clean"), *legal):
        report = check_trace(str(path))
        assert [x.violation.text for x in report.found] == [], path.name
        assert report.checked


def firings(path: Path) -> list[int]:
    """When a seed fired (ns), as its truth file says."""
    truth = path.with_name(path.name.replace(".txt.gz", ".truth.txt")).read_text()
    return [round(float(found[1]) * 1e6) * 1000 for found in TRUTH.finditer(truth)]


@pytest.mark.traces
def test_large_seeded_traces_are_violated_at_every_firing() -> None:
    for path in large("seeded"):
        report = check_trace(str(path))
        seen = [x.time for x in report.found]
        missed = [t for t in firings(path) if not any(0 <= s - t < SOON_NS for s in seen)]
        # What the guest has active is not known before the first flush.
        assert len(missed) <= 1, path.name
        assert missed in ([], firings(path)[:1])
        rule = OF_SEED[path.name.split("-")[1]]
        assert rule in {x.violation.rule for x in report.found}


@pytest.mark.traces
@pytest.mark.parametrize("part", range(PARTS))
def test_planted_faults_are_seen_in_large_traces(part: int) -> None:
    faults = list(PLANTED.items())[part::PARTS]
    for path in large("clean"):
        if "std" in path.name:
            continue
        lines = lines_of(path)[-PLANTED_LINES:]
        for fault, (_, _, rule) in faults:
            planted, places = plant(lines, fault)
            if len(places) > 2:
                report = check_lines(planted, fault)
                found = [x.line for x in report.found if x.violation.rule == rule]
                assert found, (path.name, fault)
                assert found[0] < places[2] + NEAR, (path.name, fault)


@pytest.mark.traces
def test_large_traces_cut_at_random_break_no_rule() -> None:
    for path in large("clean"):
        lines = lines_of(path)
        for seed in range(60):
            for piece in (cut(lines, seed), with_losses(lines, seed)):
                assert check_lines(piece, "cut").found == [], (path.name, seed)
