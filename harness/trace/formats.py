"""How each event is printed, by its name: from the text after it to the typed event.

Where trace-cmd prints an event by a plugin of its own, that form is here too.
"""

import re

from harness.trace import events as ev
from harness.trace.events import Event
from harness.trace.forms import Format, Malformed, ap_list, nothing, number, pairs, says, word

__all__ = ["FORMATS", "Format", "Malformed"]


def mask(text: bytes) -> int:
    """Return a CPU mask: groups of 32 bits in hexadecimal, divided by commas.

    Raises:
        Malformed: it is none.

    """
    if len(text) > 1200:
        raise Malformed(text)
    try:
        return int(text.replace(b",", b""), 16)
    except ValueError:
        raise Malformed(text) from None


RAISE = re.compile(rb"target_mask=([0-9a-fA-F,]+)\s+\((.*)\)")
SEND = re.compile(rb"cpu=(\d+)")


def ipi_raise(text: bytes) -> Event:
    """Read ipi_raise.

    Raises:
        Malformed: it is none.

    """
    found = RAISE.search(text)
    if found is None:
        raise Malformed(text)
    return ev.IpiRaise(mask(found[1]), word(found[2]))


def ipi_send(text: bytes) -> Event:
    """Read ipi_send_cpu.

    Raises:
        Malformed: it is none.

    """
    found = SEND.search(text)
    if found is None:
        raise Malformed(text)
    return ev.IpiRaise(1 << number(found[1], "cpu"), "")


def wfx(text: bytes) -> Event:
    """Read kvm_wfx_arm64.

    Raises:
        Malformed: it is none.

    """
    if b"wfi" in text:
        return ev.Wfx(wfi=True)
    if b"wfe" in text:
        return ev.Wfx(wfi=False)
    raise Malformed(text)


def wakeup(text: bytes) -> Event:
    """Read kvm_vcpu_wakeup.

    Raises:
        Malformed: it is none.

    """
    found = WAKEUP.search(text)
    if found is None:
        raise Malformed(text)
    return ev.VcpuWakeup(found[1] != b"poll", number(found[2], "ns"))


def mark(text: bytes) -> Event:
    """Read what was written into trace_marker."""
    return ev.Mark(word(text[:200]))


WAKEUP = re.compile(rb"(\w+) time (\d+) ns")
FUNCTION = r"function=(?P<function>[\w.$]+)"
TIMER = r"CTL:\s*(?P<ctl>\w+) CVAL:\s*(?P<cval>\w+) arch_timer_ctx_index:\s*(?P<timer>\d+)"
HRTIMER = r"hrtimer=(?:0x)?(?P<hrtimer>[0-9a-fA-F]+)"
POINTER = {"hrtimer": 16}
WAKES = (
    r"comm=(?P<comm>.*?) pid=(?P<pid>\d+) prio=",
    r"^\s*(?P<comm>.*?):(?P<pid>\d+) \[-?\d+\]",
)
"""As the kernel prints it, and as trace-cmd does."""

FORMATS: dict[bytes, Format] = {
    b"kvm_entry": says(ev.GuestEntry, r"(?:PC: |vcpu_pc=)(?P<pc>0x\w+)", same=False),
    b"kvm_exit": says(
        ev.GuestExit,
        r"^\s*(?:(?P<reason>\w+): )?HSR_EC: (?P<ec>0x\w+).*?PC: (?P<pc>0x\w+)",
        r"PC: (?P<pc>0x\w+)",
        same=False,
    ),
    b"kvm_timer_update_irq": says(
        ev.TimerUpdate, r"VCPU: (?P<vcpu>\d+), IRQ (?P<intid>\d+), level:? (?P<level>\d+)"
    ),
    b"vgic_update_irq_pending": says(
        ev.UpdatePending, r"VCPU: (?P<vcpu>\d+), IRQ (?P<intid>\d+), level:? (?P<level>\d+)"
    ),
    b"kvm_timer_save_state": says(ev.TimerSave, TIMER, same=False),
    b"kvm_timer_restore_state": says(ev.TimerRestore, TIMER, same=False),
    b"kvm_timer_emulate": says(
        ev.TimerEmulate,
        r"arch_timer_ctx_index: (?P<timer>\d+) \(should_fire: (?P<should_fire>\d)\)",
    ),
    b"kvm_timer_hrtimer_expire": says(ev.TimerHrtimer, r"arch_timer_ctx_index: (?P<timer>\d+)"),
    b"kvm_get_timer_map": says(
        ev.TimerMap,
        r"VCPU: (?P<vcpu>\d+), dv: (?P<dv>-?\d+), dp: (?P<dp>-?\d+), "
        r"(?:ev: (?P<ev>-?\d+), )?ep: (?P<ep>-?\d+)",
    ),
    b"kvm_wfx_arm64": Format(wfx, same=False),
    b"kvm_vcpu_wakeup": Format(wakeup, same=False),
    b"kvm_userspace_exit": says(ev.UserspaceExit, r"reason (?P<reason>\w+)"),
    b"kvm_irq_line": says(
        ev.IrqLine,
        r"Inject (?P<kind>.*?) interrupt \(\d+\), vcpu->idx: (?P<vcpu>-?\d+), "
        r"num: (?P<num>\d+), level: (?P<level>\d)",
    ),
    b"kvm_ack_irq": says(ev.AckIrq, r"pin (?P<pin>\d+)"),
    b"kvm_mmio": says(
        ev.Mmio,
        r"mmio (?P<kind>[\w-]+) len (?P<len>\d+) gpa (?P<gpa>0x\w+) val (?P<val>0x\w+)",
        same=False,
    ),
    b"kvm_hvc_arm64": says(ev.Hvc, r"\(r0: (?P<r0>0x\w+)"),
    b"kvm_sys_access": says(
        ev.SysAccess, r"(?P<register>SYS_\w+) .*\b(?P<access>read|write)", same=False
    ),
    b"irq_handler_entry": says(ev.IrqEntry, r"irq=(?P<irq>\d+) name=(?P<name>.*\S)"),
    b"irq_handler_exit": says(ev.IrqExit, r"irq=(?P<irq>\d+)"),
    b"ipi_raise": Format(ipi_raise, same=True),
    b"ipi_send_cpu": Format(ipi_send, same=True),
    b"ipi_entry": says(ev.IpiEntry, r"\((?P<reason>.*)\)"),
    b"ipi_exit": says(ev.IpiExit, r"\((?P<reason>.*)\)"),
    b"hrtimer_start": says(
        ev.HrtimerStart, HRTIMER + ".*?" + FUNCTION + r".*? expires=(?P<expires>\d+)",
        same=False, base=POINTER,
    ),
    b"hrtimer_cancel": says(ev.HrtimerCancel, HRTIMER, same=False, base=POINTER),
    b"hrtimer_expire_entry": says(
        ev.HrtimerExpire, HRTIMER + ".*?" + FUNCTION + r".*? now=(?P<now>\d+)",
        HRTIMER + r".*? now=(?P<now>\d+).*?" + FUNCTION,
        same=False, base=POINTER,
    ),
    b"hrtimer_expire_exit": says(ev.HrtimerDone, HRTIMER, same=False, base=POINTER),
    b"sched_switch": says(
        ev.Switch,
        r"prev_comm=(?P<prev_comm>.*?) prev_pid=(?P<prev_pid>\d+) .*?prev_state="
        r"(?P<prev_state>\S+) ==> next_comm=(?P<next_comm>.*?) next_pid=(?P<next_pid>\d+)",
        r"^\s*(?P<prev_comm>.*?):(?P<prev_pid>\d+) \[-?\d+\] (?P<prev_state>\S+) "
        r"==> (?P<next_comm>.*?):(?P<next_pid>\d+) \[",
        same=False,
    ),
    b"sched_waking": says(ev.Waking, *WAKES),
    b"sched_wakeup": says(ev.Wakeup, *WAKES),
    b"sched_migrate_task": pairs(ev.Migrate),
    b"tracing_mark_write": Format(mark, same=False),
    b"print": Format(mark, same=False),
    b"vcpu_load": pairs(ev.VcpuLoad),
    b"vcpu_put": pairs(ev.VcpuPut),
    b"vcpu_blocking": pairs(ev.VcpuBlocking),
    b"vcpu_block": pairs(ev.VcpuBlock),
    b"vcpu_block_ret": pairs(ev.VcpuBlockRet),
    b"vcpu_wake_up": pairs(ev.VcpuWakeUp),
    b"vcpu_kick": pairs(ev.VcpuKick),
    b"timer_load": pairs(ev.TimerLoad),
    b"timer_put": pairs(ev.TimerPut),
    b"bg_timer_expire": pairs(ev.BgTimerExpire),
    b"hrtimer_expire": pairs(ev.KvmHrtimerExpire),
    b"host_timer_irq": pairs(ev.HostTimerIrq),
    b"inject": pairs(ev.Inject),
    b"queue_irq": pairs(ev.QueueIrq),
    b"populate_lr2": pairs(ev.Populate, version=2),
    b"populate_lr3": pairs(ev.Populate, version=3),
    b"flush": pairs(ev.Flush),
    b"sync": pairs(ev.Sync),
    b"lr_entry": pairs(ev.LrEntry),
    b"phys_set": pairs(ev.PhysSet),
    b"phys_get": pairs(ev.PhysGet),
    b"set_phys_active": pairs(ev.SetPhysActive),
    b"set_phys_pending": pairs(ev.SetPhysPending),
    b"resample": pairs(ev.Resample),
    b"map_phys": pairs(ev.MapPhys),
    b"unmap_phys": pairs(ev.UnmapPhys),
    b"reset_mapped": pairs(ev.ResetMapped),
    b"map_is_active": pairs(ev.MapIsActive),
    b"maint": nothing(ev.VgicMaint),
    b"timer_irq_eoi": nothing(ev.TimerIrqEoi),
    b"irq_vcpu_affinity": pairs(ev.IrqVcpuAffinity),
    b"mmio_change_active": pairs(ev.MmioChangeActive),
    b"guest_dispatch_sgi": pairs(ev.DispatchSgi),
    b"guest_sgir": pairs(ev.GuestSgir),
    b"guest_dir": pairs(ev.GuestDir),
    b"flush_list": ap_list(ev.FlushList),
    b"entry_list": ap_list(ev.EntryList),
    b"fold_lr": pairs(ev.FoldLr),
    b"halt_guest": nothing(ev.HaltGuest),
    b"resume_guest": nothing(ev.ResumeGuest),
    b"req_all": pairs(ev.RequestAll),
    b"timer_line": pairs(ev.TimerLineAsked),
    b"timer_line_ret": pairs(ev.TimerLine),
    b"phys_line_ret": pairs(ev.PhysLine),
    b"signal_generate": pairs(ev.SignalSent),
}  # fmt: skip
"""By the event's name. ``lr_exit`` is not here: its version is in the name of the function."""

LR_EXIT = {2: pairs(ev.LrExit, version=2).parse, 3: pairs(ev.LrExit, version=3).parse}


def lr_exit(text: bytes) -> Event:
    """Read lr_exit: the probed function tells which GIC it is."""
    if b"vgic_v3" in text:
        return LR_EXIT[3](text)
    if b"vgic_v2" in text:
        return LR_EXIT[2](text)
    # Addresses instead of names: a GICv2 register has 32 bits, and its used ones are not 0.
    event = LR_EXIT[3](text)
    assert isinstance(event, ev.LrExit)
    used = event.lrs[: event.used]
    return LR_EXIT[2](text) if used and all(lr >> 32 == 0 for lr in used) else event


FORMATS[b"lr_exit"] = Format(lr_exit, same=True)
