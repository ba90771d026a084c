"""Lines to records: who, where, when; marks; what is none."""

import pytest

from harness.trace import events as ev
from harness.trace.formats import FORMATS, Malformed
from harness.trace.line import Counts, Record, records
from tests.conformance.traces import CLEAN, SEEDS, lines_of, small


def read(*lines: bytes) -> tuple[list[Record], Counts]:
    counts = Counts()
    return list(records(lines, counts)), counts


def test_a_line_of_trace() -> None:
    ((record,), counts) = read(
        b"      kvm-vcpu-1-169     [001] d.h..    17.162137: irq_handler_entry: irq=12 "
        b"name=kvm guest vtimer"
    )
    assert (record.line, record.time) == (1, 17_162_137_000)
    where = record.where
    assert (where.comm, where.pid, where.cpu, where.flags) == ("kvm-vcpu-1", 169, 1, "d.h..")
    assert where.hard_irq
    assert record.event == ev.IrqEntry(12, "kvm guest vtimer")
    assert (counts.lines, counts.events, counts.names) == (1, 1, {"irq_handler_entry": 1})


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            (
                b" CPU 0/KVM-133   [001]   1.000002: sched_switch:         CPU 0/KVM:133 [120] S "
                b"==> swapper/1:0 [120]"
            ),
            ev.Switch("CPU 0/KVM", 133, "S", "swapper/1", 0),
        ),
        (
            (
                b" CPU 0/KVM-133 (   99) [001] d..2. 1.000002123: sched_waking: comm=a: b pid=7 "
                b"prio=120 target_cpu=000"
            ),
            ev.Waking("a: b", 7),
        ),
        (b" a: b-7 [000] ..... 1.000000: vcpu_load: (f+0x0/0x1d4) vcpu=1 cpu=0", ev.VcpuLoad(1, 0)),
        (b" <...>-7 [000] ..... 1.000000: kvm_exit: PC: 0xffff", ev.GuestExit(pc=0xFFFF)),
        (
            b" x-7 [000] d..1. 1.000000: kvm_get_timer_map: VCPU: 1, dv: 1, dp: 0, ev: 2, ep: 3",
            ev.TimerMap(1, 1, 0, 3, 2),
        ),
        (
            (
                b" x-7 [000] d.... 1.000000: hrtimer_start: hrtimer=0xffff0001 function=f/0x0 "
                b"expires=5 softexpires=5"
            ),
            ev.HrtimerStart(0xFFFF0001, "f", 5),
        ),
        (
            (
                b" x-7 [000] d.... 1.000000: phys_set: (irq_set_irqchip_state+0x0/0xf0) val=1 "
                b"which=1 irq=0xc"
            ),
            ev.PhysSet(12, 1, val=True),
        ),
        (
            b" x-7 [000] d.... 1.000000: lr_entry: (0xf) vcpu=0 used=1 lr0=0x1 lr1=(fault) v_en=1",
            ev.LrEntry(0, 1, (1,), v_en=True),
        ),
    ],
)
def test_forms(line: bytes, event: ev.Event) -> None:
    ((record,), _) = read(line)
    assert record.event == event


def test_lr_exit_tells_its_version() -> None:
    v2 = b" x-7 [000] d.... 1.000000: lr_exit: (%s) vcpu=0 used=1 lr0=0x9a006c1b lr1=0x0"
    for where, version in ((b"vgic_v2_fold_lr_state+0x0/0x1d0", 2), (b"ffff8000", 2)):
        ((record,), _) = read(v2 % where)
        assert isinstance(record.event, ev.LrExit)
        assert (record.event.version, record.event.lrs) == (version, (0x9A006C1B, 0))


def test_marks() -> None:
    found, counts = read(
        b"# entries-in-buffer/entries-written: 10/110   #P:2",
        b"##### CPU 1 buffer started ####",
        b"CPU:1 [LOST 12 EVENTS]",
        b"CPU:0 [LOST EVENTS]",
        b"CPU:0 [7 EVENTS DROPPED]",
        b"cpus=2",
    )
    assert [record.event for record in found] == [
        ev.BufferStarted(1), ev.Lost(1, 12), ev.Lost(0, -1), ev.Lost(0, 7),
    ]  # fmt: skip
    assert (counts.lost, counts.loss_marks, counts.overwritten) == (19, 3, 100)
    assert (counts.garbage, counts.events, counts.comments) == (0, 0, 3)


def test_what_is_none() -> None:
    found, counts = read(
        b"",
        b"rubbish",
        b"9.123456: irq_handler_exit: irq=1 ret=handled",
        b" x-7 [000] d.... 1.000000: sys_enter: NR 1",
        b" x-7 [000] d.... 1.000001: sys_enter: NR 1",
        b" x-7 [000] d.... 1.000002: a_function <-another",
        b" x-7 [000] d.... 1.000003: phys_set: (f) irq=1 which=1 val=2",
        b" x-7 [000] d.... 1.000003: phys_set: (f) irq=1 which=1",
        b" x-7 [000] d.... 1.000003: phys_set: (f) irq=%d which=1 val=1" % (1 << 40),
        b" x-7 [99999] d.... 1.000003: phys_set: (f) irq=1 which=1 val=1",
        b"\xff\xfe\x00 [000] \x80",
    )
    assert found == []
    assert counts.unknown == {"sys_enter": 2, "(function)": 1}
    assert (counts.malformed, counts.events, counts.comments) == (3, 6, 1)
    assert counts.garbage == 4
    assert counts.lines == 11


def test_contexts() -> None:
    flags = (b".....", b"d.s..", b"d.h..", b"d.H..")
    lines = [b" x-7 [001] %s 1.000000: maint: (f)" % flag for flag in flags]
    found, _ = read(*lines, b" <idle>-0 [001] d.... 1.000000: maint: (f)")
    contexts = [record.where.context for record in found]
    assert contexts[0] == 7
    assert contexts[2] == contexts[3]
    assert len(set(contexts)) == 4
    assert max(contexts[1:]) < 0


def test_every_known_event_refuses_what_it_does_not_say() -> None:
    lenient = {b"tracing_mark_write", b"print", b"bg_timer_expire", b"hrtimer_expire", b"maint",
               b"timer_irq_eoi", b"vcpu_block_ret", b"halt_guest", b"resume_guest",
               b"req_all"}  # fmt: skip
    for name, form in FORMATS.items():
        if name not in lenient:
            with pytest.raises(Malformed):
                form.parse(b" nonsense vcpu=x")


def test_nothing_of_the_real_traces_is_misread() -> None:
    for name in (*CLEAN, *SEEDS):
        counts = Counts()
        lines = lines_of(small(name))
        assert sum(1 for _ in records(lines, counts)) == sum(counts.names.values())
        assert (counts.malformed, counts.garbage, counts.backwards) == (0, 0, 0)
        assert counts.events == len(lines) - counts.comments
