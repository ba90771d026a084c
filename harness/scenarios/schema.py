"""The typed schema of a scenario file, and how one is read.

Everything that is wrong with a file is said with its line or field and what was expected.
"""

import re
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from harness.choices import told
from harness.errors import UsageError, unknown_name
from harness.intake import SCENARIO_MAX, parse_toml, read_text
from harness.scenarios.own_instructions import expand
from harness.scenarios.places import check_places
from harness.scenarios.program import check_waits, compile_line, compile_program
from harness.scenarios.specs import DeviceSpec, ForwardSpec, Priority, VcpuSpec, check_device
from model.gic.registers import FIRST_SPI
from model.guest import (
    AWAIT,
    DIR,
    EOI,
    MMIO,
    PTIMER,
    PTIMER_OFF,
    READ_PTIMER,
    SGI,
    SILENCE,
    TARGET,
    Instruction,
)
from model.rules.windows import EVERY
from model.timer import PTIMER_PPI, VTIMER_PPI

__all__ = [
    "DeviceSpec", "ExploreSpec", "ForwardSpec", "Scenario", "VcpuSpec", "builtin_names", "check",
    "load_builtin", "load_file", "parse", "read_file",
]  # fmt: skip

PCPUS_MAX, VCPUS_MAX, LRS_MAX = 32, 32, 16
DEVICES_MAX = 32
"""So many devices of either kind are as many as a machine of the largest size can make use of."""
GICV2_MAX = 8
"""A GICv2 has CPU interfaces for so many CPUs, physical or virtual (IHI0048)."""

Size = Annotated[int, Meta(ge=1, le=32)]


class ExploreSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes and stimuli at which ``explore`` looks at every interleaving, where it says so.

    What is given is in the place of the scenario's own (None: it is as there).
    """

    vcpu: Annotated[tuple[VcpuSpec, ...], Meta(min_length=1, max_length=32)] | None = None
    pcpus: Size | None = None
    lrs: Annotated[int, Meta(ge=1, le=16)] | None = None
    handler: Annotated[int, Meta(ge=0, le=100)] | None = None
    nested: bool | None = None
    resets: Annotated[int, Meta(ge=0, le=4)] | None = None
    saves: Annotated[int, Meta(ge=0, le=4)] | None = None
    preemptions: Annotated[int, Meta(ge=0, le=8)] | None = None
    device: tuple[DeviceSpec, ...] | None = None
    forward: tuple[ForwardSpec, ...] | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is run: a VM, its guests' programs, its devices, and the machine under it.

    ``pcpus``, ``vcpus`` and ``lrs`` (List Registers per CPU) are sizes that the command line may
    change; priorities are 0 to 0xF8, lower is higher.

    ``handler`` is how many instructions a guest's handler executes between silencing its device
    and completing the interrupt, and ``eoi_first`` makes it complete first; ``twice`` names a
    vINTID that it deactivates twice, a fault of the guest (EOImode 0: by a second EOIR); ``nested``
    lets interrupts of higher priority into it. ``deactivate`` says who deactivates with EOImode 1:
    the handler, its VCPU later, or another VCPU. ``preemptions`` bounds how many the host scheduler
    asks for, ``resets`` and ``saves`` what the VM monitor does to the whole VM, and ``bypasses``
    how often irq bypass halts all guests in era v7.2 (``harness.actors.irq_bypass``). With
    ``preempts_sleepers`` a preemption may wait until its thread is about to sleep, and with
    ``wakes_anywhere`` the CPU of a thread is drawn whenever it is woken. ``gic_version`` is what
    the knob of that name is if it is not given. ``sometimes``
    names, per era, the states the scenario exists to reach, windows (``list windows``) among them.
    With ``grows`` it can be given more VCPUs than it has programs: they take the programs in turn,
    because none waits for another. ``explore`` is for an exhaustive search, and nothing else.
    ``unclean`` names the eras that are not clean on it, as their kernels were not, each with the
    reason.
    """

    name: str
    title: str
    vcpu: Annotated[tuple[VcpuSpec, ...], Meta(min_length=1, max_length=32)]
    pcpus: Size = 1
    vcpus: Size | None = None
    lrs: Annotated[int, Meta(ge=1, le=16)] = 4
    handler: Annotated[int, Meta(ge=0, le=100)] = 0
    eoi_first: bool = False
    twice: Annotated[int, Meta(ge=-1, le=1019)] = -1
    nested: bool = False
    eoimode: Annotated[int, Meta(ge=0, le=1)] = 0
    deactivate: Literal["handler", "later", "other"] = "handler"
    timer_priority: Priority = 0xA0
    sgi_priority: Priority = 0xA0
    resets: Annotated[int, Meta(ge=0, le=4)] = 0
    saves: Annotated[int, Meta(ge=0, le=4)] = 0
    bypasses: Annotated[int, Meta(ge=0, le=4)] = 0
    preemptions: Annotated[int, Meta(ge=0, le=8)] = 0
    preempts_sleepers: bool = False
    wakes_anywhere: bool = False
    gic_version: Annotated[int, Meta(ge=2, le=3)] = 3
    grows: bool = False
    device: Annotated[tuple[DeviceSpec, ...], Meta(max_length=DEVICES_MAX)] = ()
    forward: Annotated[tuple[ForwardSpec, ...], Meta(max_length=DEVICES_MAX)] = ()
    sometimes: dict[str, tuple[str, ...]] = {}
    unclean: dict[str, Annotated[str, Meta(min_length=1)]] = {}
    explore: ExploreSpec | None = None

    def smaller(self) -> "Scenario":
        """Return the scenario that an exhaustive search is of; it has no states to reach."""
        said = {} if self.explore is None else msgspec.structs.asdict(self.explore)
        given = {name: value for name, value in said.items() if value is not None}
        if given:
            given["vcpus"] = None
        return msgspec.structs.replace(self, explore=None, sometimes={}, **given)

    def programs(self, vcpus: int) -> tuple[tuple[Instruction, ...], ...]:
        """Return the compiled program of each of ``vcpus`` VCPUs.

        VCPUs without a program of their own take the programs in turn; where a program names a VCPU
        that there is not, it means that number modulo ``vcpus``.

        Raises:
            UsageError: a line is wrong; not in a scenario that was read by :func:`parse`.
        """
        where = f"scenario {self.name!r}"
        compiled = [
            tuple(of_this_many(i, vcpus) for i in compiled_of(vcpu, f"{where}, vcpu {n}"))
            for n, vcpu in enumerate(self.vcpu)
        ]
        return tuple(compiled[v % len(compiled)] for v in range(vcpus))

    def timers(self, vcpus: int) -> tuple[tuple[int, int], ...]:
        """Return when the two timers of each of ``vcpus`` VCPUs fire that user space programmed.

        In ns from when that is done, virtual and physical; -1: it is off. Empty: all are off.
        """
        found = [
            (-1 if vcpu.timer is None else vcpu.timer, -1 if vcpu.ptimer is None else vcpu.ptimer)
            for vcpu in self.vcpu
        ]
        if all(each == (-1, -1) for each in found):
            return ()
        return tuple(found[v % len(found)] for v in range(vcpus))


def compiled_of(vcpu: VcpuSpec, where: str) -> tuple[Instruction, ...]:
    """Return the compiled program of a VCPU, with its handler.

    Raises:
        UsageError: a line is wrong.
    """
    return compile_program(vcpu.program, where, vcpu.handler)


def of_this_many(i: Instruction, vcpus: int) -> Instruction:
    """Return an instruction that names VCPUs as one that names some of so many."""
    if i.code in (SGI, TARGET):
        return msgspec.structs.replace(i, b=i.b % vcpus)
    return i if i.of < 0 else msgspec.structs.replace(i, of=i.of % vcpus)


def vcpu_named(line: str, where: str) -> int:
    """Return the number of the VCPU that a line of a program names; -1 if it names none.

    Raises:
        UsageError: the line is wrong.
    """
    _, i = compile_line(line, where)
    if i is None:
        return -1
    return i.b if i.code in (SGI, TARGET) else i.of


@lru_cache(maxsize=64)
def parse(text: str, where: str) -> Scenario:
    """Read a scenario from TOML text; ``where`` names it in messages.

    The same text gives the same value, which nobody changes.

    Raises:
        UsageError: where it is wrong, and what was expected.
    """
    try:
        data = parse_toml(text)
    except UsageError as error:
        raise UsageError(f"{where}: not valid TOML: {error}") from None
    try:
        scenario = msgspec.convert(expand(data, where), Scenario)
    except msgspec.ValidationError as error:
        at = line_of(text, str(error))
        raise UsageError(f"{where}{at}: {told(error, Scenario)}") from None
    check(scenario, where)
    return scenario


def check(scenario: Scenario, where: str) -> None:
    """Refuse a scenario that can be written down but not be run; ``where`` names it in messages.

    Raises:
        UsageError: where it is wrong, and what was expected.
    """
    if scenario.explore is not None:
        check(scenario.smaller(), f"{where}, explore")
    for n, vcpu in enumerate(scenario.vcpu):
        compiled_of(vcpu, f"{where}, vcpu {n}")
        programmed = (vcpu.timer is not None, vcpu.ptimer is not None)
        check_waits(vcpu.program, f"{where}, vcpu {n}", programmed, vcpu.handler)
        if scenario.resets and any(programmed):
            raise UsageError(
                f"{where}, vcpu {n}: timer, ptimer: a reset turns off what user space has "
                "programmed, and the guest waits for ever; expected resets = 0"
            )
    for n, forward in enumerate(scenario.forward):
        check_device(forward, f"{where}: forward {n}")
    check_places(
        where,
        pcpus=scenario.pcpus,
        vcpus=scenario.vcpus or len(scenario.vcpu),
        forwards=scenario.forward,
        programs=[
            [(line, vcpu_named(line, where)) for line in (*vcpu.program, *(vcpu.handler or ()))]
            for vcpu in scenario.vcpu
        ],
    )
    check_interrupts(scenario, where)
    for field, said in (("sometimes", scenario.sometimes), ("unclean", scenario.unclean)):
        for era in said:
            if era not in ("v4.14", "v7.2"):
                raise UsageError(f"{where}: {field}.{era}: unknown era, expected 'v4.14' or 'v7.2'")
    for era, names in scenario.sometimes.items():
        for name in names:
            if name not in EVERY:
                raise unknown_name(f"state in {where}, sometimes.{era}:", name, EVERY)


def check_interrupts(scenario: Scenario, where: str) -> None:
    """Refuse interrupts that nobody has, and a VM whose passthrough devices cannot be saved.

    Raises:
        UsageError: which interrupt or field, and what was expected.
    """
    spis = [f.vintid for f in scenario.forward]
    intids = [f.intid for f in scenario.forward if f.intid >= 0]
    if len(set(spis)) < len(spis) or len(set(intids)) < len(intids):
        raise UsageError(f"{where}: two forwards have the same intid or vintid")
    for n, forward in enumerate(scenario.forward):
        if forward.after is not None and forward.after not in spis[:n]:
            raise UsageError(
                f"{where}: forward {n}: after = {forward.after}, expected the vintid of a forward "
                "that stands before it"
            )
    if scenario.saves and scenario.forward:
        raise UsageError(f"{where}: saves: a VM with [[forward]] devices cannot be saved")
    programs = [compiled_of(vcpu, where) for vcpu in scenario.vcpu]
    ptimer = any(vcpu.ptimer is not None for vcpu in scenario.vcpu) or any(
        i.code in (PTIMER, PTIMER_OFF, READ_PTIMER) for program in programs for i in program
    )
    timers = (VTIMER_PPI, PTIMER_PPI) if ptimer else (VTIMER_PPI,)
    for n, vcpu in enumerate(scenario.vcpu):
        for line in (*vcpu.program, *(vcpu.handler or ())):
            _, i = compile_line(line, where)
            if i is None or i.code not in (AWAIT, EOI, DIR, SILENCE, *MMIO):
                continue
            if i.of >= 0 and i.a >= FIRST_SPI:
                raise UsageError(
                    f"{where}, vcpu {n}: {line!r}: SPIs are in no redistributor; expected no VCPU"
                )
            if i.a < 16 or i.a in timers or i.a in spis:
                continue
            known = ", ".join(map(str, spis)) or "none here"
            own = " or ".join(map(str, timers))
            raise UsageError(
                f"{where}, vcpu {n}: {line!r}: no interrupt {i.a}; expected an SGI (0 to 15), the "
                f"timer ({own}), or the vintid of a forward ({known})"
            )


def line_of(text: str, error: str) -> str:
    """Return ", line N" for the field that a validation error of msgspec names.

    It is "" where the line cannot be told, as for a field that is missing.
    """
    path = re.search(r"at `\$\.?([^`]*)`", error)
    steps = re.findall(r"([A-Za-z_]+)(?:\[(\d+)\])?", path.group(1) if path else "")
    unknown = re.search(r"unknown field `(\w+)`", error)
    if unknown:
        steps.append((unknown.group(1), ""))
    lines = text.splitlines()
    found = 0
    for name, index in steps:
        headers = [n for n, line in enumerate(lines, 1) if line.strip().startswith(f"[[{name}]]")]
        if index and int(index) < len(headers):
            found = headers[int(index)]
            continue
        for number in range(found, len(lines) + 1):
            if number and re.match(rf"\s*\[*\s*{re.escape(name)}\b", lines[number - 1]):
                found = number
                break
    return f", line {found}" if found else ""


def builtin_names() -> list[str]:
    """List the built-in scenarios in the order in which a campaign runs them."""
    order = ["timer-wfi", "timer-busy", "migrate"]
    folder = resources.files("harness.scenarios")
    found = sorted(
        p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")
    )
    return [n for n in order if n in found] + [n for n in found if n not in order]


def load_builtin(name: str) -> Scenario:
    """Load a built-in scenario by name.

    Raises:
        UsageError: there is none of that name; the nearest one is named.
    """
    if name not in builtin_names():
        raise unknown_name("scenario", name, builtin_names())
    path = resources.files("harness.scenarios") / f"{name}.toml"
    return parse(path.read_text(encoding="utf-8"), f"scenario {name!r}")


def load_file(path: Path) -> Scenario:
    """Load a user's scenario file.

    Raises:
        UsageError: it cannot be read, is no text or no TOML, or says what no scenario can.
    """
    return parse(read_file(path), f"scenario file {str(path)!r}")


def read_file(path: Path) -> str:
    """Return the text of a user's scenario file, of bounded length.

    Raises:
        UsageError: it cannot be read, or is no text.
    """
    try:
        return read_text(path, SCENARIO_MAX)
    except UsageError as error:
        what = "not text (expected TOML)" if str(error) == "not text" else str(error)
        raise UsageError(f"scenario file {str(path)!r}: {what}") from None
