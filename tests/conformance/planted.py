"""Faults planted into clean traces, line by line, as a kernel with that fault would print it.

Each is made at every n-th place where it can be. ``RULES`` says which rule is to see it first.
"""

import re
from collections.abc import Callable, Iterator

Lines = list[bytes]
Edit = Callable[[Lines, int], dict[int, list[bytes]] | None]
"""Given all lines and one place, what to put in place of which lines; None: not here."""

HEAD = re.compile(rb"\s*(\S.*)-(\d+)\s+\[(\d+)\]\s+(\S+)\s+(\d+\.\d+): (\w+):(.*)", re.DOTALL)
DEEP = 60
V2_HW, V3_HW = 1 << 31, 1 << 61
VTIMER = 27


def name(line: bytes) -> bytes:
    found = HEAD.fullmatch(line)
    return found[6] if found else b""


def same(lines: Lines, i: int) -> Iterator[int]:
    """The next lines of the same flow: of the thread, or of the handler on its CPU."""
    here = HEAD.fullmatch(lines[i])
    assert here is not None
    for j in range(i + 1, min(len(lines), i + DEEP)):
        found = HEAD.fullmatch(lines[j])
        irq = found is not None and b"h" in found[4]
        if found is not None and irq == (b"h" in here[4]) and found[2] == here[2]:
            yield j


def find(lines: Lines, i: int, wanted: bytes, stop: tuple[bytes, ...] = ()) -> int | None:
    for j in same(lines, i):
        if name(lines[j]) == wanted:
            return j
        if name(lines[j]) in stop:
            return None
    return None


def number(line: bytes, field: bytes) -> int:
    found = re.search(rb"\b" + field + rb"=(\w+)", line)
    assert found is not None
    return int(found[1], 0)


def put(line: bytes, field: bytes, value: int) -> bytes:
    shape = b"%s=0x%x" if re.search(rb"\b" + field + rb"=0x", line) else b"%s=%d"
    return re.sub(rb"\b" + field + rb"=\w+", shape % (field, value), line)


def lr_edit(change: Callable[[int, bool], int]) -> Edit:
    """Change LR0 at an entry where it holds the pending timer's interrupt."""

    def edit(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
        line = lines[i]
        lr, two = number(line, b"lr0"), number(line, b"lr0") >> 32 == 0
        pending = lr >> (28 if two else 62) & 3 == 1
        timer = lr & (0x3FF if two else 0xFFFFFFFF) == VTIMER
        if number(line, b"used") != 1 or not pending or not timer:
            return None
        return {i: [put(line, b"lr0", change(lr, two))]}

    return edit


def lr_twice(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    if number(lines[i], b"used") != 1:
        return None
    line = put(put(lines[i], b"used", 2), b"lr1", number(lines[i], b"lr0"))
    return {i: [line]}


def interface_off(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    return {i: [put(lines[i], b"hcr", 0)]} if number(lines[i], b"used") else None


def drop_next(wanted: bytes, stop: tuple[bytes, ...] = (), unless: tuple[bytes, ...] = ()) -> Edit:
    """Leave out the next ``wanted`` of the same flow, unless one of those follows it at once."""

    def edit(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
        j = find(lines, i, wanted, stop)
        if j is None:
            return None
        after = next(same(lines, j), None)
        return None if after is not None and name(lines[after]) in unless else {j: []}

    return edit


def drop_wake(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    """Leave out the waking that a kick comes to."""
    j = next(same(lines, i), None)
    return {j: []} if j is not None and name(lines[j]) == b"sched_waking" else None


def drop_after(*names: bytes, until: tuple[bytes, ...]) -> Edit:
    """Leave out what is called from here on, up to something else."""

    def edit(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
        out: dict[int, list[bytes]] = {}
        for j in same(lines, i):
            if name(lines[j]) in until:
                return out or None
            if name(lines[j]) in names:
                out[j] = []
        return None

    return edit


def itself(edit: Edit) -> Edit:
    """Leave out the line of this place, too."""

    def both(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
        out = edit(lines, i)
        return None if out is None else {i: [], **out}

    return both


def load_flips(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    j = find(lines, i, b"phys_set", (b"kvm_timer_restore_state",))
    return None if j is None else {j: [put(lines[j], b"val", 1 - number(lines[j], b"val"))]}


def load_elsewhere(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    j = find(lines, i, b"phys_set", (b"kvm_timer_restore_state",))
    if j is None:
        return None
    other = b"[001]" if b"[000]" in lines[j] else b"[000]"
    return {j: [re.sub(rb"\[00[01]\]", other, lines[j])]}


def set_field(field: bytes, value: int) -> Edit:
    def edit(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
        return None if number(lines[i], field) == value else {i: [put(lines[i], field, value)]}

    return edit


def retires_unasked(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    line = lines[i]
    if number(line, b"intid") != VTIMER or number(line, b"lr_pend") or number(line, b"line"):
        return None
    write = b"phys_set: (irq_set_irqchip_state+0x0/0xf0) irq=%d which=1 val=0" % host_irq(lines)
    return {i: [line, line[: line.index(b"resample:")] + write]}


def host_irq(lines: Lines) -> int:
    for i, line in enumerate(lines):
        if name(line) == b"map_is_active" and number(line, b"vintid") == VTIMER:
            j = find(lines, i, b"phys_set")
            if j is not None:
                return number(lines[j], b"irq")
    raise LookupError


def is_background(line: bytes) -> bool:
    return b"kvm_bg_timer_expire" in line


def late(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    line, found = lines[i], HEAD.fullmatch(lines[i])
    assert found is not None
    expires = number(line, b"expires")
    if not is_background(line) or expires < int(found[5].replace(b".", b"")) * 1000 + 100_000:
        return None
    return {i: [re.sub(rb" expires=\d+", b" expires=%d" % (expires + 5_000_000), line)]}


def uncovered(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    return {i: []} if is_background(lines[i]) and b"kvm-vcpu" in lines[i] else None


def left_armed(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    timer = re.search(rb"hrtimer=\w+", lines[i])
    assert timer is not None
    mine = any(is_background(x) and timer[0] in x for x in lines if b"hrtimer_start" in x)
    return {i: []} if mine else None


def not_presented(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    """A flush that puts the timer's pending interrupt nowhere."""
    if not (number(lines[i], b"v_line") and number(lines[i], b"v_en")):
        return None
    return emptied(lines, i)


def emptied(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    j = next(same(lines, i), None)
    if j is None or not name(lines[j]).startswith(b"populate") or b" lr=0 " not in lines[j]:
        return None
    k = next(same(lines, j), None)
    if k is None or name(lines[k]) != b"lr_entry" or number(lines[k], b"used") != 1:
        return None
    out = {j: [], k: [put(lines[k], b"used", 0)]}
    m = find(lines, k, b"lr_exit", (b"kvm_exit",))
    if m is not None:
        out[m] = []
        for n in same(lines, m):
            if name(lines[n]) not in (b"resample", b"phys_set", b"set_phys_active"):
                break
            out[n] = []
    return out


def left_out(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    """What the exit left pending, or active, is not presented at the next entry."""
    lr, two = number(lines[i], b"lr0"), number(lines[i], b"lr0") >> 32 == 0
    state = lr >> (28 if two else 62) & 3
    if number(lines[i], b"used") != 1 or not state:
        return None
    j = find(lines, i, b"flush", (b"sched_switch", b"kvm_mmio"))
    if j is None:
        return None
    if number(lines[j], b"v_line") == 0 and state == 1:
        return None
    return emptied(lines, j)


def made_up(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    """A timer interrupt that nothing asked for: after a stay in which it was completed."""
    line = lines[i]
    two = b"vgic_v2" in line
    done = number(line, b"used") == 1 and number(line, b"lr0") >> (28 if two else 62) & 3 == 0
    j = find(lines, i, b"flush", (b"sched_switch", b"kvm_mmio", b"kvm_wfx_arm64"))
    if not done or j is None or number(lines[j], b"v_line"):
        return None
    k = next(same(lines, j), None)
    if k is None or name(lines[k]) != b"lr_entry":
        return None
    if any(b"kvm_timer_update_irq" in x or b"inject" in x for x in lines[i:k]):
        return None
    lr = 0x9A006C1B if two else 0x70A0001B0000001B
    return {k: [put(put(lines[k], b"used", 1), b"lr0", lr)]}


def loses_active(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    j = find(lines, i, b"flush", (b"sched_switch", b"kvm_mmio"))
    return (
        None
        if j is None or not number(lines[j], b"v_active")
        else {j: [put(lines[j], b"v_active", 0)]}
    )


def other_level(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    j = find(lines, i, b"vgic_update_irq_pending")
    if j is None:
        return None
    level = b"level: 0" if b"level: 1" in lines[j] else b"level: 1"
    return {j: [re.sub(rb"level: \d", level, lines[j])]}


def other_cval(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    line = lines[i]
    if b"index: 1" not in line or b"0x000000" in line:
        return None
    return {i: [re.sub(rb"CVAL:(\s+)0x(\w+)", rb"CVAL:\g<1>0x1\2", line)]}


def switched(lines: Lines, i: int) -> dict[int, list[bytes]] | None:
    found = HEAD.fullmatch(lines[i])
    assert found is not None
    head = lines[i][: lines[i].index(b"kvm_entry:")]
    text = b"sched_switch: prev_comm=%s prev_pid=%s prev_prio=120 prev_state=R ==> next_comm=x "
    return {i: [lines[i], head + text % (found[1], found[2]) + b"next_pid=99 next_prio=120"]}


PUT = (b"timer_put", b"kvm_timer_save_state")
INJECTS = (b"inject", b"vgic_update_irq_pending", b"queue_irq", b"vcpu_kick")
AFTER_INJECT = (
    b"map_is_active", b"irq_handler_exit", b"kvm_timer_restore_state", b"phys_set",
    b"kvm_timer_update_irq",
)  # fmt: skip

PLANTED: dict[str, tuple[bytes, Edit, str]] = {
    "lr-other-vintid": (b"lr_entry", lr_edit(lambda lr, _: lr + 1), "T9"),
    "lr-without-hw": (
        b"lr_entry", lr_edit(lambda lr, two: lr & ~(V2_HW if two else V3_HW)), "T9",
    ),
    "lr-other-pintid": (
        b"lr_entry", lr_edit(lambda lr, two: lr ^ (1 << (10 if two else 32))), "R4",
    ),
    "lr-pending-and-active": (
        b"lr_entry", lr_edit(lambda lr, two: lr | 2 << (28 if two else 62)), "R5",
    ),
    "lr-twice": (b"lr_entry", lr_twice, "R2b"),
    "interface-off": (b"lr_entry", interface_off, "T9"),
    "load-does-not-write": (
        b"map_is_active", drop_next(b"phys_set", (b"kvm_timer_restore_state",)), "T3",
    ),
    "load-writes-the-other": (b"map_is_active", load_flips, "T3"),
    "load-writes-elsewhere": (b"map_is_active", load_elsewhere, "T3"),
    "load-reports-nothing": (
        b"timer_load", drop_after(b"kvm_timer_update_irq", *INJECTS, until=(b"map_is_active",)),
        "T3",
    ),
    "kick-dropped": (
        b"queue_irq", drop_next(b"vcpu_kick", (b"queue_irq",), unless=(b"sched_waking",)), "T10",
    ),
    "kick-wakes-nobody": (b"vcpu_kick", drop_wake, "T13"),
    "wake-up-dropped": (
        b"bg_timer_expire",
        drop_after(b"vcpu_wake_up", b"sched_waking", until=(b"hrtimer_expire_exit",)), "T2",
    ),
    "injection-dropped": (
        b"kvm_timer_update_irq", drop_after(*INJECTS, until=AFTER_INJECT), "T1",
    ),
    "injection-of-the-other": (b"kvm_timer_update_irq", other_level, "T1"),
    "put-dropped": (
        b"vcpu_put", itself(drop_after(*PUT, until=(b"vcpu_load", b"sched_switch"))), "T6",
    ),
    "save-dropped": (
        b"timer_put", drop_after(b"kvm_timer_save_state", until=(b"vcpu_load",)), "T7",
    ),
    "restored-otherwise": (b"kvm_timer_restore_state", other_cval, "T7"),
    "exit-dropped": (b"kvm_entry", drop_next(b"kvm_exit", (b"kvm_entry",)), "T8"),
    "switched-in-guest": (b"kvm_entry", switched, "T8"),
    "resample-skipped": (b"lr_exit", drop_next(b"resample", (b"kvm_exit",)), "T11"),
    "retired-unasked": (b"resample", retires_unasked, "T11"),
    "active-lost": (b"lr_exit", loses_active, "T11"),
    "background-late": (b"hrtimer_start", late, "T16"),
    "background-missing": (b"hrtimer_start", uncovered, "T12"),
    "background-left-armed": (b"hrtimer_cancel", left_armed, "T12"),
    "left-out": (b"lr_exit", left_out, "T4"),
    "made-up": (b"lr_exit", made_up, "T5"),
    "not-presented": (b"flush", not_presented, "T15"),
    "retire-drops-write": (b"set_phys_active", drop_next(b"phys_set"), "T14"),
}  # fmt: skip
"""By name: at which events, what is done there, and the rule that is to see it."""


def plant(lines: Lines, fault: str, every: int = 20) -> tuple[Lines, list[int]]:
    """Return the lines with the fault at each ``every``-th place, and the numbers of those lines.

    The numbers count the lines that are left, from 1.
    """
    event, edit, _ = PLANTED[fault]
    changes: dict[int, list[bytes]] = {}
    places: list[int] = []
    count = 0
    for i, line in enumerate(lines):
        if event not in line or name(line) != event:
            continue
        change = edit(lines, i)
        if change is None or any(j in changes for j in change):
            continue
        count += 1
        if count % every == 0:
            changes.update(change)
            places.append(i)
    out: Lines = []
    at: dict[int, int] = {}
    for i, line in enumerate(lines):
        at[i] = len(out) + 1
        out.extend(changes.get(i, [line]))
    return out, [at[i] for i in places]
