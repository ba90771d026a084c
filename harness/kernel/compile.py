"""A scenario's guests as a bare-metal guest in C: a function for each VCPU, a call for each line.

What the functions do is in ``guests/scene.h``. What no guest of a real KVM can do is refused, with
the reason.
"""

from collections.abc import Iterator

from harness.errors import UsageError
from harness.scenarios.program import compile_lines
from harness.scenarios.schema import Scenario, of_this_many
from model import guest as g
from model.guest import Instruction

__all__ = ["VCPUS_MAX", "compile_scenario", "notes_of", "why_not"]

VCPUS_MAX = 8
"""So many VCPUs the board has places for (``guests/board.h``)."""
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
    {g.ENABLE, g.DISABLE, g.PEND, g.ACTIVATE, g.DEACTIVATE, g.TARGET, g.SET_PRIORITY, g.UNPEND}
)
"""Those that change what an execution must find as it was."""


def why_not(scenario: Scenario, vcpus: int, gic: int) -> str:
    """Return why no guest of a real KVM can do this; "" if one can."""
    if vcpus > VCPUS_MAX:
        return f"it has {vcpus} VCPUs, and a guest here has at most {VCPUS_MAX}"
    if scenario.forward:
        return (
            "it forwards a device's interrupt to its guest (a List Register with the HW bit for "
            "an SPI): the only interrupts that Linux maps so are the timers'"
        )
    if any(vcpu.timer is not None or vcpu.ptimer is not None for vcpu in scenario.vcpu):
        return "its user space programs a guest's timers before the guest runs"
    codes = {i.code for i in instructions(scenario, vcpus)}
    if codes & {g.WAIT, g.SERVE}:
        return "its guests wait for devices, and it has none"
    if scenario.eoimode and scenario.deactivate != "handler":
        return f"its interrupts are deactivated by {scenario.deactivate!r}, not by the handler"
    if scenario.resets or scenario.saves:
        return "its VM monitor resets or saves the VM"
    if gic == 2 and any(i.of >= 0 for i in instructions(scenario, vcpus)):
        return "a guest accesses another VCPU's redistributor, which a GICv2 has not"
    return ""


def notes_of(scenario: Scenario) -> tuple[str, ...]:
    """Return what of the scenario has no part in it here."""
    notes = []
    if scenario.lrs != 4:
        notes.append(f"lrs = {scenario.lrs}: QEMU's CPUs have 4 List Registers")
    if scenario.device:
        notes.append("device: the host's own interrupts come as they come")
    return tuple(notes)


def instructions(scenario: Scenario, vcpus: int) -> Iterator[Instruction]:
    """Yield all instructions of its programs and handlers."""
    for program in scenario.programs(vcpus):
        yield from program


def compile_scenario(scenario: Scenario, vcpus: int, gic: int) -> str:
    """Return a scenario's guests in C, for ``toolchain.build_execution``.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
    """
    reason = why_not(scenario, vcpus, gic)
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
    }
    lines = [f"/* {scenario.name}: {scenario.title} */"]
    lines += [f"#define {name} {value}" for name, value in defined.items()]
    lines += ['#include "scene.h"']
    programs = len(scenario.vcpu)
    for n, vcpu in enumerate(scenario.vcpu):
        lines += function(f"program_{n}", vcpu.program, vcpus)
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


def function(name: str, program: tuple[str, ...], vcpus: int) -> list[str]:
    """Return the function of a program or of a handler."""
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
            body.append(f"{INDENT * depth}{call(i)};")
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
