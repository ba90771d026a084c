"""A scenario's guests as a bare-metal guest in C: a function for each VCPU, a call for each line.

What the functions do is in ``guests/scene.h``. What no guest of a real KVM can do is refused, with
the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import UsageError
from harness.scenarios.program import compile_lines
from harness.scenarios.schema import Scenario, of_this_many
from model import guest as g
from model.gic.registers import FIRST_SPI
from model.guest import Instruction

__all__ = ["VCPUS_MAX", "Device", "compile_scenario", "devices_of", "notes_of", "why_not"]

VCPUS_MAX, DEVICES_MAX = 8, 8
"""So many the board has places for (``guests/board.h``)."""
SPIS_END = 96
"""Behind the last INTID of the guest's GIC (``host/vm.c``)."""
INDENT = "    "

CALLS = {
    g.TIMER: "timer(v, {a})",
    g.TIMER_OFF: "write_timer_ctl(v, VTIMER, 0)",
    g.TVAL: "tval(v, {a})",
    g.PTIMER: "ptimer(v, {a})",
    g.PTIMER_OFF: "write_timer_ctl(v, PTIMER, 0)",
    g.IDLE: "idle(v, {a})",
    g.PIDLE: "pidle(v, {a})",
    g.AWAIT: "await_intid(v, {a})",
    g.WAIT: "wait_for_devices(v, v)",
    g.SERVE: "wait_for_devices(v, -1)",
    g.WFI: "wfi(v)",
    g.WORK: "work(v, {a})",
    g.SPIN: "spin_until(v, {a}, {b})",
    g.USER: "user(v)",
    g.IAR: "acked = iar(v)",
    g.PMR: "pmr(v, {a})",
    g.BPR: "bpr(v, {a})",
    g.GROUP: "group(v, {a})",
    g.SGI: "sgi(v, {a}, {b})",
    g.READ_CPU: "read_register(v, {a})",
    g.READ_VTIMER: "read_register(v, {a})",
    g.READ_PTIMER: "read_register(v, {a})",
    g.ENABLE: "write_part(v, ENABLED, {a}, 1, {of})",
    g.DISABLE: "write_part(v, ENABLED, {a}, 0, {of})",
    g.PEND: "write_part(v, PENDING, {a}, 1, {of})",
    g.UNPEND: "write_part(v, PENDING, {a}, 0, {of})",
    g.ACTIVATE: "write_part(v, ACTIVE, {a}, 1, {of})",
    g.DEACTIVATE: "write_part(v, ACTIVE, {a}, 0, {of})",
    g.TARGET: "write_part(v, TARGET, {a}, {b}, {of})",
    g.SET_PRIORITY: "write_part(v, PRIORITY, {a}, {b}, {of})",
    g.DIST: "dist(v, {a})",
    g.READ_DIST: "read_dist(v)",
    g.READ_ENABLED: "read_part(v, ENABLED, {a}, {of})",
    g.READ_PENDING: "read_part(v, PENDING, {a}, {of})",
    g.READ_ACTIVE: "read_part(v, ACTIVE, {a}, {of})",
    g.READ_TARGET: "read_part(v, TARGET, {a}, {of})",
    g.READ_PRIORITY: "read_part(v, PRIORITY, {a}, {of})",
}
"""What each instruction calls; ``a``, ``b`` and ``of`` are its numbers."""
OF_ACKED = {g.EOI: "eoi", g.DIR: "dir", g.SILENCE: "silence"}
"""Those whose number may be left out: then it is what was acknowledged last."""
CHANGES = frozenset(
    {
        g.ENABLE,
        g.DISABLE,
        g.PEND,
        g.ACTIVATE,
        g.DEACTIVATE,
        g.TARGET,
        g.SET_PRIORITY,
        g.UNPEND,
        g.DIST,
    }
)
"""Those that change what an execution must find as it was."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of software: an SPI ``intid``, which goes to VCPU ``vcpu`` at first.

    ``signals`` is "edge", "level" (KVM_IRQ_LINE) or "resample" (an irqfd with a resamplefd);
    ``exits``: its driver's access leaves for user space. It has up to ``events`` events; or, with
    ``follows``, one for each that the driver of the device of that number has served.
    """

    intid: int
    signals: str
    vcpu: int
    exits: bool
    events: int
    follows: int
    priority: int

    def word(self) -> str:
        """Return it as a job has it."""
        return f"{self.intid},{self.signals},{self.events},{self.follows}"

    def row(self) -> str:
        """Return it as the guest has it."""
        edge, exits = int(self.signals == "edge"), int(self.exits)
        return f"{{{self.intid}, {self.vcpu}, {edge}, {exits}, {self.follows}, {self.priority}}}"


def devices_of(scenario: Scenario) -> tuple[Device, ...]:
    """Return its devices, all as such of software."""
    numbers = {forward.vintid: n for n, forward in enumerate(scenario.forward)}
    found = []
    for forward in scenario.forward:
        kind = "edge" if forward.kind == "lpi" else forward.kind
        signals = forward.signals or kind
        found.append(
            Device(
                intid=forward.vintid,
                signals=signals,
                vcpu=forward.vcpu,
                exits=signals == "level" if forward.exits is None else forward.exits,
                events=forward.events,
                follows=-1 if forward.after is None else numbers[forward.after],
                priority=forward.priority,
            )
        )
    return tuple(found)


KNOWN = frozenset(CALLS) | frozenset(OF_ACKED) | {
    g.MASK, g.IF_ACKED, g.REPEAT, g.AGAIN, g.HALT, g.RETURN,
}  # fmt: skip
"""The instructions that are compiled; the last two end programs and handlers."""
PTIMERS = frozenset({g.PTIMER, g.PTIMER_OFF, g.PIDLE, g.READ_PTIMER})


def why_not(scenario: Scenario, vcpus: int, gic: int, *, software: bool = False) -> str:
    """Return why no guest of a real KVM can do this; "" if one can.

    With ``software`` a device that is passed through is played by one of software: the same
    interrupts, without the HW bit.
    """
    if vcpus > VCPUS_MAX:
        return f"it has {vcpus} VCPUs, and a guest here has at most {VCPUS_MAX}"
    if len(scenario.forward) > DEVICES_MAX:
        return f"it has {len(scenario.forward)} devices, and a guest here at most {DEVICES_MAX}"
    if any(i.code == g.CPU_OFF for i in instructions(scenario, vcpus)):
        return (
            "it powers a VCPU off, and such an execution does not end: see guests/f13.c, whose "
            "one execution is looked at while it hangs"
        )
    if any(i.code == g.LPIS for i in instructions(scenario, vcpus)):
        return "it switches its LPIs, and these need an ITS, which our VMM does not make"
    unknown = {i.code for i in instructions(scenario, vcpus)} - KNOWN
    if unknown:
        return "its programs have an instruction that is not compiled yet"
    kinds = {forward.kind for forward in scenario.forward}
    if "lpi" in kinds and not software:
        return (
            "it has an LPI: a guest here has no ITS, which KVM has for LPIs (--software makes it "
            "an edge of software)"
        )
    if kinds - {"software"} and not software:
        return (
            "it forwards a device's interrupt to its guest (a List Register with the HW bit for "
            "an SPI): the only interrupts that Linux maps so are the timers' (--software plays the "
            "device by one of software)"
        )
    if any(not FIRST_SPI <= forward.vintid < SPIS_END for forward in scenario.forward):
        return f"a device's vintid is not {FIRST_SPI} to {SPIS_END - 1}"
    if any(vcpu.timer is not None or vcpu.ptimer is not None for vcpu in scenario.vcpu):
        return "its user space programs a guest's timers before the guest runs"
    if (scenario.resets or scenario.saves) and gic == 2:
        return "its VM monitor resets or saves a GICv2, which ours cannot"
    if scenario.saves and any(i.code in PTIMERS for i in instructions(scenario, vcpus)):
        return "it saves a VM that uses the physical timer, which no save stops"
    if any(i.code == g.CPU_OFF for i in instructions(scenario, vcpus)):
        return "a guest powers its VCPU off, which ends no execution there"
    if gic == 2 and any(i.of >= 0 for i in instructions(scenario, vcpus)):
        return "a guest accesses another VCPU's redistributor, which a GICv2 has not"
    return ""


def notes_of(scenario: Scenario) -> tuple[str, ...]:
    """Return what of the scenario has no part in it here."""
    notes = []
    if scenario.lrs != 4:
        notes.append(f"lrs = {scenario.lrs}: QEMU's CPUs have 4 List Registers")
    if any(forward.kind != "software" for forward in scenario.forward):
        notes.append("its devices are of software: no List Register has the HW bit for them")
    if scenario.device:
        notes.append("device: the host's own interrupts come as they come")
    return tuple(notes)


def instructions(scenario: Scenario, vcpus: int) -> Iterator[Instruction]:
    """Yield all instructions of its programs and handlers."""
    for program in scenario.programs(vcpus):
        yield from program


def compile_scenario(scenario: Scenario, vcpus: int, gic: int, *, software: bool = False) -> str:
    """Return a scenario's guests in C, for ``toolchain.build_execution``.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
    """
    reason = why_not(scenario, vcpus, gic, software=software)
    if reason:
        raise UsageError(f"scenario {scenario.name!r} cannot be run on a real kernel: {reason}")
    changes = any(i.code in CHANGES for i in instructions(scenario, vcpus))
    defined = {
        "GIC": gic,
        "EOIMODE": scenario.eoimode,
        "HANDLER": scenario.handler,
        "EOI_FIRST": int(scenario.eoi_first),
        "NESTED": int(scenario.nested),
        "TWICE": scenario.twice,
        "TIMER_PRIORITY": scenario.timer_priority,
        "SGI_PRIORITY": scenario.sgi_priority,
        "CHANGES": int(changes),
        "DEACTIVATE": ("handler", "later", "other").index(scenario.deactivate),
        "DEVICES": len(scenario.forward),
        "DEVICE_TABLE": ", ".join(device.row() for device in devices_of(scenario)),
    }
    lines = [f"/* {scenario.name}: {scenario.title} */"]
    lines += [f"#define {name} {value}" for name, value in defined.items()]
    lines += ['#include "scene.h"']
    programs = len(scenario.vcpu)
    settles = "" if scenario.deactivate == "handler" else "settle(v); "
    for n, vcpu in enumerate(scenario.vcpu):
        lines += function(f"program_{n}", vcpu.program, vcpus, settles=settles)
        if vcpu.handler is not None:
            lines += function(f"handler_{n}", vcpu.handler, vcpus)
    lines += table("programs", [f"program_{v % programs}" for v in range(vcpus)])
    handlers = [
        "driver" if scenario.vcpu[v % programs].handler is None else f"handler_{v % programs}"
        for v in range(vcpus)
    ]
    return "\n".join([*lines, *table("handlers", handlers)]) + "\n"


def table(name: str, functions: list[str]) -> list[str]:
    """Return the function that calls one of these, by the VCPU's number."""
    body = [f"{INDENT}case {v}: {function}(v); break;" for v, function in enumerate(functions)]
    return [
        "",
        f"static void {name}(int v)",
        "{",
        f"{INDENT}switch (v) {{",
        *body,
        f"{INDENT}}}",
        "}",
    ]


def function(name: str, program: tuple[str, ...], vcpus: int, *, settles: str = "") -> list[str]:
    """Return the function of a program or of a handler; ``settles`` comes before each call."""
    compiled = [of_this_many(i, vcpus) for i in compile_lines(program, name, "program", 0)]
    body: list[str] = []
    ends: list[int] = []
    depth = 1
    for n, i in enumerate(compiled):
        while ends and ends[-1] == n:
            ends.pop()
            depth -= 1
            body.append(f"{INDENT * depth}}}")
        if i.code == g.IF_ACKED:
            body.append(f"{INDENT * depth}if ((acked & 0x3ff) == {i.a}) {{")
            ends.append(i.b)
            depth += 1
        elif i.code == g.REPEAT:
            body.append(f"{INDENT * depth}for (int n{n} = 0; n{n} < {i.a}; n{n}++) {{")
            depth += 1
        elif i.code == g.AGAIN:
            depth -= 1
            body.append(f"{INDENT * depth}}}")
        else:
            body.append(f"{INDENT * depth}{settles}{call(i)};")
    for _ in ends:
        depth -= 1
        body.append(f"{INDENT * depth}}}")
    head = ["", f"static void {name}(int v)", "{", f"{INDENT}uint32_t acked = NONE;"]
    return [*head, *body, f"{INDENT}(void)acked;", "}"]


def call(i: Instruction) -> str:
    """Return the call of an instruction."""
    if i.code == g.MASK:
        return "mask_irqs(v)" if i.a else "unmask_irqs(v)"
    if i.code in OF_ACKED:
        return f"{OF_ACKED[i.code]}(v, {'acked' if i.a < 0 else i.a})"
    return CALLS[i.code].format(a=i.a, b=i.b, of=i.of)
