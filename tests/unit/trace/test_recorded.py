"""The events and fields that only the script of ``trace setup`` records, read."""

import pytest

from harness.trace import events as ev
from harness.trace.formats import FORMATS, Malformed
from harness.trace.line import Counts, records
from tests.conformance.traces import DATA, lines_of

IRQ = b"intid=3 line=0 latch=1 active=0 enabled=1 hw=0"
MORE = b"cfg=0 prio=144 group=0 src=0xe asrc=2 targets=0x1 on_lr=1"
NODES = b"(f+0x0/0x10) vcpu=1 head=0xa0 n0=0xb0 i0=40 n1=0xc0 i1=27 n2=%s i2=7 n3=0xb0 i3=40"


def read(name: bytes, text: bytes) -> ev.Event:
    return FORMATS[name].parse(text)


def test_a_list_ends_at_its_head() -> None:
    assert read(b"flush_list", NODES % b"0xa0") == ev.FlushList(1, (40, 27), whole=True)
    assert read(b"entry_list", NODES % b"0xd0") == ev.EntryList(1, (40, 27, 7, 40), whole=False)
    assert read(b"entry_list", NODES % b"(fault)") == ev.EntryList(1, (40, 27), whole=False)


@pytest.mark.parametrize(
    "text",
    [b"vcpu=1", b"head=0xa0 n0=0xa0", b"vcpu=1 head=(fault)", b"vcpu=1 head=0xa0 n0=1 i0=-4"],
)
def test_what_is_no_list(text: bytes) -> None:
    with pytest.raises(Malformed):
        read(b"flush_list", text)


def test_fields_that_a_kernel_lacks_have_their_defaults() -> None:
    whole = read(b"queue_irq", b"%s cur_vcpu=0x0 tgt_id=0 %s cur_id=2" % (IRQ, MORE))
    assert isinstance(whole, ev.QueueIrq)
    assert (whole.prio, whole.group, whole.src, whole.asrc, whole.targets) == (144, 0, 14, 2, 1)
    assert (whole.on_lr, whole.cfg, whole.cur_id) == (True, 0, 2)
    plain = read(b"queue_irq", b"%s cur_vcpu=0x0 tgt_id=0" % IRQ)
    assert isinstance(plain, ev.QueueIrq)
    assert (plain.prio, plain.group, plain.src, plain.on_lr, plain.cur_id) == (-1, -1, -1, None, -1)


def test_sixteen_list_registers_are_read() -> None:
    lrs = b" ".join(b"lr%d=0x%x" % (n, n + 1) for n in range(16))
    entry = read(b"lr_entry", b"vcpu=0 hcr=0x8000001 used=16 %s mode=1 req=0x200 vmcr=0xf0" % lrs)
    assert isinstance(entry, ev.LrEntry)
    assert entry.lrs == tuple(range(1, 17))
    assert (entry.hcr, entry.mode, entry.req, entry.vmcr) == (0x8000001, 1, 0x200, 0xF0)


@pytest.mark.parametrize(
    ("name", "text", "event"),
    [
        (b"guest_dir", b"vcpu=1 val=0x28", ev.GuestDir(1, 40)),
        (b"guest_sgir", b"vcpu=1 val=0x10003", ev.GuestSgir(1, 0x10003)),
        (b"fold_lr", b"vcpu=0 val=0x9060000000000028", ev.FoldLr(0, 0x9060_0000_0000_0028)),
        (b"halt_guest", b"kvm=0xffff0000", ev.HaltGuest()),
        (b"resume_guest", b"kvm=0xffff0000", ev.ResumeGuest()),
        (b"req_all", b"req=0x308", ev.RequestAll(0x308)),
        (b"timer_line", b"vintid=27", ev.TimerLineAsked(27)),
        (b"timer_line_ret", b"level=1", ev.TimerLine(level=True)),
        (b"phys_line_ret", b"level=0", ev.PhysLine(level=False)),
        (b"signal_generate", b"sig=10 errno=0 code=-6 comm=x pid=77 grp=0", ev.SignalSent(77, 10)),
        (b"bg_timer_expire", b"vcpu=3", ev.BgTimerExpire(3)),
        (b"vcpu_kick", b"vcpu=0 mode=2 req=0x0 cpu=-1", ev.VcpuKick(0, 2, 0, -1)),
        (
            b"kvm_sys_access",
            b"PC: 40001218 SYS_ICC_DIR_EL1 (3,0,12,11,1) write",
            ev.SysAccess("SYS_ICC_DIR_EL1", "write"),
        ),
    ],
)
def test_events(name: bytes, text: bytes, event: ev.Event) -> None:
    assert read(name, text) == event


def test_all_that_the_script_records_is_understood() -> None:
    """What is left are tracepoints of KVM that say nothing of interrupts."""
    unknown: set[str] = set()
    for path in DATA.glob("rec-*.gz"):
        counts = Counts()
        assert sum(1 for _ in records(lines_of(path), counts)) > 100
        unknown |= set(counts.unknown)
    debug = {"kvm_arm_set_dreg32", "kvm_arm_setup_debug", "kvm_arm_clear_debug"}
    assert unknown <= {*debug, "kvm_handle_sys_reg", "kvm_unmap_hva_range"}
