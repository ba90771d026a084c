"""What is run on a steered machine: a guest of its own that judges itself, or a scenario's."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.kernel.emulator import Hardware
from harness.kernel.history import History
from harness.kernel.judge import Judge, setting_of
from harness.kernel.run import (
    NVHE,
    VHE,
    Options,
    build_guest_of,
    hardware_of,
    vcpus_of,
    words_of,
)
from harness.kernel.toolchain import build_execution
from harness.scenarios.schema import Scenario
from model.check.violation import Violation

if TYPE_CHECKING:
    from harness.kernel.steer.script import Case

__all__ = ["Subject", "of_case", "of_scenario", "words_of_case"]

HANG_MS = 1000
SCENARIO_HANG_MS = 3000
"""A scenario's execution that takes longer hangs; a busy machine's takes its time."""
RELAX = "guest_relax"
"""Where guests spin until another VCPU does something (``guests/execute.h``)."""


PLACE = "guest_at_"
"""So the names begin of a guest's functions that are places for scripts."""


@dataclass(slots=True)
class Subject:
    """A guest: the words of its job, its loops, the machine for it; ``judge`` for a scenario's.

    ``control`` are the words that differ for the guest that cannot fail; none: there is no such.
    """

    name: str
    words: dict[str, object]
    relax: Mapping[str, int]
    hardware: Hardware
    control: dict[str, object] = field(default_factory=dict)
    judge: Judge | None = None

    def violations(self, history: History) -> list[Violation]:
        """Return what rules find wrong with a history."""
        if self.judge is None or history.cut:
            return []
        return list(self.judge.violations(history))


def of_case(case: "Case", folder: Path, *, vhe: bool) -> Subject:
    """Compile a case's guest in a folder, and return it as what is run.

    Raises:
        UsageError: its scenario is none that can be run.
        KernelUnavailableError: there is no compiler.
    """
    if case.scenario:
        return scenario_of(case, folder, vhe=vhe)
    program = build_execution(case.source, f"-I{case.source.parent}")
    (folder / "guest.bin").write_bytes(program.code)
    files = {"guest": folder / "guest.bin", "out": folder / "histories"}
    words = files | words_of_case(case)
    control: dict[str, object] = {} if case.control is None else {"argument": case.control.argument}
    named = (name for name in program.symbols if name == RELAX or name.startswith(PLACE))
    relax = {name: program.symbols[name] for name in named}
    return Subject(case.id, words, relax, Hardware(gic=3, cpu=VHE if vhe else NVHE), control)


def words_of_case(case: "Case") -> dict[str, object]:
    """Return the words of the job of a case's own guest, but for its files."""
    return {
        "vcpus": case.vcpus,
        "pin": ",".join(str(v % 2) for v in range(case.vcpus)),
        "cpus": 2,
        "argument": case.argument,
        "device": case.devices,
        "hang_ms": HANG_MS,
    }


def scenario_of(case: "Case", folder: Path, *, vhe: bool) -> Subject:
    """Return a case's scenario as what is run: a built-in one, or a file beside the case."""
    from harness.scenarios.schema import load_builtin, load_file

    path = Path(case.folder) / case.scenario
    scenario = load_file(path) if case.scenario.endswith(".toml") else load_builtin(case.scenario)
    options = Options(vhe=vhe, software=case.software, preempt=case.preempt, jitter=case.jitter)
    subject = of_scenario(scenario, options, folder)
    subject.words |= {"all": 1, "hang_ms": HANG_MS}
    return subject


def of_scenario(scenario: Scenario, options: Options, folder: Path) -> Subject:
    """Compile a scenario's guests in a folder, and return them as what is run.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: there is no compiler.
    """
    options = replace(options, hang_ms=SCENARIO_HANG_MS)
    program = build_guest_of(scenario, options, folder)
    judge = Judge(setting_of(scenario, vcpus_of(scenario, options), options.gic), vhe=options.vhe)
    return Subject(
        scenario.name,
        words_of(scenario, options, folder),
        {RELAX: program.symbols[RELAX]},
        hardware_of(scenario, options),
        judge=judge,
    )
