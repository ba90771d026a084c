"""How each event is printed: from the text after its name to the typed event.

Two forms: ``name=value`` pairs, in any order, as kprobe events and the scheduler print them; and a
sentence, for which there is a regular expression. Where trace-cmd prints an event by a plugin of
its own, that form is here too. A text that says something else is malformed: ``Malformed``.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args, get_type_hints

from harness.trace import events as ev
from harness.trace.events import Event

__all__ = ["FORMATS", "Format", "Malformed", "Parse"]

Parse = Callable[[bytes], Event]


class Malformed(Exception):  # noqa: N818  # no error: such a line is counted
    """The text is not what the event of this name prints."""


class Format(NamedTuple):
    """How an event is read; ``same``: the same text comes again and again."""

    parse: Parse
    same: bool


U64 = 1 << 64
LIMITS = {
    "vcpu": 1 << 9,
    "group": 2,
    "prio": 256,
    "cpuid": 1 << 9,
    "tgt_id": 1 << 9,
    "cpu": 1 << 12,
    "orig_cpu": 1 << 12,
    "dest_cpu": 1 << 12,
    "intid": 1 << 32,
    "vintid": 1 << 32,
    "hwintid": 1 << 32,
    "irq": 1 << 31,
    "host_irq": 1 << 31,
    "pid": 1 << 31,
    "prev_pid": 1 << 31,
    "next_pid": 1 << 31,
    "lr": 16,
    "used": 17,
    "len": 1 << 16,
    "num": 1 << 32,
    "which": 4,
    "timer": 16,
}
"""What a number must be below (KVM_MAX_VCPUS, NR_CPUS, ...); any other fits 64 bits."""
SIGNED = frozenset({"dv", "dp", "ev", "ep", "level", "tgt_id", "vcpu", "cpu"})
"""These may be -1: none."""
NODE = re.compile(rb"([ni])(\d)=(\S+)")
HEAD = re.compile(rb"head=(\S+)")
VCPU = re.compile(rb"vcpu=(\S+)")
PAIR = re.compile(rb"([\w.]+)=(\S+)")
LR = re.compile(rb"lr(\d+)")
LONGEST = 24
"""No number is printed with more digits."""


def number(text: bytes | None, name: str, base: int = 0) -> int:
    """Return the number, decimal or (``base`` 16, or by a 0x) hexadecimal.

    Raises:
        Malformed: it is none, or larger than it can be.

    """
    if text is None or len(text) > LONGEST or b"_" in text:
        raise Malformed(name)
    try:
        value = int(text, 16 if base == 16 or text.startswith(b"0x") else 10)
    except ValueError:
        raise Malformed(name) from None
    if 0 <= value < LIMITS.get(name, U64) or (value == -1 and name in SIGNED):
        return value
    raise Malformed(name)


def bit(text: bytes | None, name: str) -> bool:
    """Return a bit, printed as 0 or 1.

    Raises:
        Malformed: it is neither.

    """
    if text not in (b"0", b"1", b"0x0", b"0x1"):
        raise Malformed(name)
    return text[-1:] == b"1"


def word(text: bytes | None, _name: str = "") -> str:
    """Return a text; "" if there is none."""
    return "" if text is None else text.decode("utf-8", "replace")


def kind_of(hint: Any) -> Callable[[bytes | None, str], Any]:
    """Return what reads a field of this type."""
    args = get_args(hint) or (hint,)
    if bool in args:
        return bit
    return number if int in args else word


# -- pairs -----------------------------------------------------------------------------------------


def pairs(cls: type[Event], *, required: tuple[str, ...] | None = None, **fixed: int) -> Format:
    """Return the format of an event that prints ``name=value`` pairs.

    ``required`` are those that it always prints (None: those without a default); ``fixed`` are
    fields that the event's name says.
    """
    hints = get_type_hints(cls)
    fields = [f for f in cls.__struct_fields__ if f not in fixed and f != "lrs"]
    read = {name.encode(): (name, kind_of(hints[name])) for name in fields}
    with_lrs = "lrs" in cls.__struct_fields__
    must = required
    if must is None:
        optional = len(cls.__struct_defaults__)
        whole = cls.__struct_fields__
        must = tuple(f for f in whole[: len(whole) - optional] if f in fields)

    def parse(text: bytes) -> Event:
        found: dict[str, Any] = dict(fixed)
        lrs: dict[int, int] = {}
        for name, value in PAIR.findall(text):
            reader = read.get(name)
            if reader is not None:
                if value != b"(fault)":
                    found[reader[0]] = reader[1](value, reader[0])
            elif with_lrs and (lr := LR.fullmatch(name)) and value != b"(fault)":
                lrs[number(lr[1], "lr")] = number(value, "")
        if any(name not in found for name in must):
            raise Malformed(text)
        if with_lrs:
            shown = 0
            while shown in lrs:
                shown += 1
            found["lrs"] = tuple(lrs[i] for i in range(shown))
        return cls(**found)

    return Format(parse, same=True)


def ap_list(cls: type[ev.FlushList | ev.EntryList]) -> Format:
    """Return the format of an event that prints a list: its head, its nodes, their INTIDs.

    The node whose address is the head's ends the list; what is printed behind it is noise, and so
    is what a node says that could not be read.
    """

    def parse(text: bytes) -> Event:
        vcpu, head = VCPU.search(text), HEAD.search(text)
        if vcpu is None or head is None or head[1] == b"(fault)":
            raise Malformed(text)
        nodes = {(kind, n): value for kind, n, value in NODE.findall(text)}
        listed: list[int] = []
        for n in map(b"%d".__mod__, range(10)):
            node, intid = nodes.get((b"n", n)), nodes.get((b"i", n))
            if node is None or b"(fault)" in (node, intid):
                break
            if node == head[1]:
                return cls(number(vcpu[1], "vcpu"), tuple(listed), whole=True)
            listed.append(number(intid, "intid"))
        return cls(number(vcpu[1], "vcpu"), tuple(listed), whole=False)

    return Format(parse, same=True)


# -- sentences -------------------------------------------------------------------------------------


def says(
    cls: type[Event], *patterns: str, same: bool = True, base: dict[str, int] | None = None
) -> Format:
    """Return the format of an event that prints a sentence; its groups are the fields by name.

    The first pattern that is found counts; ``base`` names the fields printed in hexadecimal
    without a 0x.
    """
    hints = get_type_hints(cls)
    forms = []
    for pattern in patterns:
        form = re.compile(pattern.encode())
        fields = [(name, i, kind_of(hints[name])) for name, i in form.groupindex.items()]
        forms.append((form.search, fields))
    bases = base or {}

    def parse(text: bytes) -> Event:
        for search, fields in forms:
            found = search(text)
            if found is not None:
                return cls(**{
                    name: number(found[i], name, bases[name]) if name in bases else
                    read(found[i], name)
                    for name, i, read in fields
                    if found[i] is not None
                })  # fmt: skip
        raise Malformed(text)

    return Format(parse, same)


def nothing(cls: type[Event]) -> Format:
    """Return the format of an event whose arguments do not matter."""
    return Format(lambda _text: cls(), same=True)


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
