"""A scenario on a real kernel: executions in one VM, judged by the guest and by the rules."""

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.kernel.boot import Machine, boot
from harness.kernel.compile import compile_scenario, devices_of
from harness.kernel.emulator import Hardware
from harness.kernel.errors import MachineFailedError
from harness.kernel.history import History, read_histories
from harness.kernel.image import Image
from harness.kernel.judge import Found, Judge, setting_of
from harness.kernel.toolchain import Program, build_execution
from harness.scenarios.schema import Scenario

__all__ = [
    "NVHE", "VHE", "Options", "Ran", "Stuck", "Symptom", "hardware_of", "run_scenario", "words_of",
]  # fmt: skip

NVHE, VHE = "cortex-a57", "max"
HUNG, FAILED = 98, 99
MARGIN_SECONDS = 60.0
WOKEN_PER_SECOND = 200
"""So often a second a thread that has nothing to do is woken for nothing, not by its ticks."""
CPUS_MAX = 8
"""So many CPUs QEMU has with a GICv2."""
WRONG_BITS = {
    1: "interrupts came without end",
    2: "its timer's interrupt was left pending or active with the timer off",
    4: "a device's interrupt is active that its guest has ended",
}
"""What a guest finds wrong by itself (``clean_up`` of ``guests/clean.h``)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a scenario is run.

    ``executions`` are wanted, in at most so many ``seconds``; ``gic`` is the guest's and the
    host's; ``scale`` is how many ns one of the scenario's takes; ``jitter`` lets timers and
    beginnings vary; ``software`` plays passthrough devices by such of software; ``preempt`` has
    threads moved and preempted as often as the scenario says.
    """

    executions: int = 1000
    seconds: int = 60
    gic: int = 3
    vhe: bool = False
    vcpus: int | None = None
    scale: int = 1000
    jitter: bool = True
    software: bool = False
    preempt: bool = True
    hang_ms: int = 1000
    first: int = 0


@dataclass(frozen=True, slots=True)
class Symptom:
    """What the host showed of a VCPU in the ``ms`` before its execution was called stuck."""

    execution: int
    vcpu: int
    switches: int
    cpu_ms: int
    ms: int

    @property
    def woken(self) -> bool:
        """Whether its thread went to sleep again and again, for nothing."""
        return self.switches * 1000 >= WOKEN_PER_SECOND * self.ms

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"VCPU {self.vcpu}'s thread was woken {self.switches} times in {self.ms} ms, had "
            f"{self.cpu_ms} ms of CPU, and did nothing"
        )


@dataclass(frozen=True, slots=True)
class Stuck:
    """An execution that made no progress: LATE went on after an exit for no reason, LOST did not.

    ``said`` is what the VMM told of it: where each VCPU was, and what its GIC holds.
    """

    execution: int
    late: bool
    said: tuple[str, ...]


@dataclass(slots=True)
class Ran:
    """What came of it. ``wrong`` has executions in which the guest itself found something.

    ``histories`` has every different one of those that went well, and all others.
    """

    kernel: Image
    scenario: str
    executions: int = 0
    seconds: float = 0.0
    boot_seconds: float = 0.0
    distinct: int = 0
    wrong: list[tuple[int, int]] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    symptoms: list[Symptom] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    not_checked: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def bad(self) -> int:
        """In how many executions something is wrong; equal histories count once."""
        ours = {n for n, _ in self.wrong} | {each.execution for each in self.stuck}
        return len(ours | {each.history.execution for each in self.found})


def hardware_of(scenario: Scenario, options: Options) -> Hardware:
    """Return the machine for a scenario: as many CPUs as it has, and at least two."""
    cpus = min(max(scenario.pcpus, 2), CPUS_MAX)
    return Hardware(gic=options.gic, cpu=VHE if options.vhe else NVHE, cpus=cpus)


def build_guest_of(scenario: Scenario, options: Options, folder: Path) -> Program:
    """Compile a scenario's guests; leave ``guest.c`` and ``guest.bin`` in a folder.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: there is no compiler.
    """
    source = folder / "guest.c"
    vcpus = vcpus_of(scenario, options)
    text = compile_scenario(scenario, vcpus, options.gic, software=options.software)
    source.write_text(text, encoding="utf-8")
    program = build_execution(source)
    (folder / "guest.bin").write_bytes(program.code)
    return program


def vcpus_of(scenario: Scenario, options: Options) -> int:
    """Return how many VCPUs there are."""
    return options.vcpus or scenario.vcpus or len(scenario.vcpu)


def words_of(scenario: Scenario, options: Options, folder: Path) -> dict[str, object]:
    """Return the words of a job that runs the guest in ``folder`` (``Machine.run``)."""
    vcpus = vcpus_of(scenario, options)
    cpus = hardware_of(scenario, options).cpus
    return {
        "gic": options.gic,
        "guest": folder / "guest.bin",
        "out": folder / "histories",
        "vcpus": vcpus,
        "pin": ",".join(str(v % min(scenario.pcpus, cpus)) for v in range(vcpus)),
        "cpus": min(scenario.pcpus, cpus),
        "preemptions": scenario.preemptions if options.preempt else 0,
        "resets": scenario.resets,
        "saves": scenario.saves,
        "executions": options.executions,
        "first": options.first,
        "seconds": options.seconds,
        "hang_ms": options.hang_ms,
        "scale": options.scale,
        "jitter": int(options.jitter),
        "device": tuple(device.word() for device in devices_of(scenario)),
    }


def run_scenario(
    scenario: Scenario, kernel: Image, options: Options, *, extra: Sequence[str] = ()
) -> Ran:
    """Run a scenario's executions on a kernel; ``extra`` are more arguments for QEMU.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: QEMU or the compiler is missing.
        MachineFailedError: the machine failed, or the VMM in it.
    """
    ran = Ran(kernel, scenario.name)
    judge = Judge(setting_of(scenario, vcpus_of(scenario, options), options.gic), vhe=options.vhe)
    with tempfile.TemporaryDirectory(prefix="vgic-race-run-") as name:
        folder = Path(name)
        build_guest_of(scenario, options, folder)
        words = words_of(scenario, options, folder)
        with boot(kernel.path, hardware_of(scenario, options), extra=extra) as machine:
            ran.boot_seconds = machine.seconds
            run_jobs(machine, words, options, ran, judge)
    ran.checked, ran.not_checked, ran.found = judge.checked, judge.not_checked, judge.found
    return ran


def run_jobs(
    machine: Machine, words: dict[str, object], options: Options, ran: Ran, judge: Judge
) -> None:
    """Run jobs until all executions are done: one that hangs ends its VM, and another goes on.

    Raises:
        MachineFailedError: the machine failed, or the VMM in it.
    """
    until = time.monotonic() + options.seconds
    while ran.executions < options.executions:
        left = int(until - time.monotonic())
        if left <= 0:
            return
        words |= {
            "executions": options.executions - ran.executions,
            "first": options.first + ran.executions,
            "seconds": left,
        }
        outcome = machine.run(words, left + options.hang_ms * 1e-3 + MARGIN_SECONDS)
        if outcome.code not in (0, HUNG):
            raise MachineFailedError(failure_of(outcome.lines))
        take(outcome.lines, ran)
        out = Path(str(words["out"]))
        histories = list(read_histories(out.read_bytes()))
        ran.histories += histories
        judge.read(histories)
        if outcome.code == 0:
            return


def failure_of(lines: Sequence[str]) -> str:
    """Return what the VMM says that failed."""
    said = [line.removeprefix("FAILED ") for line in lines if line.startswith("FAILED ")]
    return "; ".join(said) or "the VMM failed, and says not why: " + " / ".join(lines[-3:])


def take(lines: Sequence[str], ran: Ran) -> None:
    """Read the lines of a job."""
    told: list[str] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "WRONG":
            execution, bits = rest.split()
            ran.wrong.append((int(execution), int(bits, 16)))
        elif word == "STUCK":
            told.append(rest)
        elif word in ("LATE", "LOST"):
            ran.stuck.append(Stuck(int(told[0]), word == "LATE", tuple(told[1:])))
            told = []
        elif word == "SYMPTOM":
            numbers = [int(each) for each in re.findall(r"=(\d+)", rest)]
            ran.symptoms.append(Symptom(int(told[0]), *numbers))
        elif word == "DEVICE":
            ran.devices.append(rest)
        elif word in ("DONE", "HUNG"):
            values = dict(re.findall(r"(\w+)=([\d.]+)", rest))
            ran.executions += int(values["executions"]) + (word == "HUNG")
            ran.distinct += int(values["distinct"])
            ran.seconds += float(values["seconds"])
