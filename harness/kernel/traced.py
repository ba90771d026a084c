"""A scenario on a real kernel with a trace beside it, by the script that ``trace setup`` prints.

The machine has a shell here: the script records while our VMM runs the scenario as a program of its
own. It boots anew, and looks for the kernel's places itself: a minute or more.
"""

import gzip
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from harness.kernel.errors import MachineFailedError
from harness.kernel.history import read_histories
from harness.kernel.image import Image
from harness.kernel.judge import Judge, setting_of
from harness.kernel.machine import run_script
from harness.kernel.run import (
    NVHE,
    VHE,
    Options,
    Ran,
    build_guest_of,
    failure_of,
    hardware_of,
    take,
    vcpus_of,
    words_of,
)  # fmt: skip
from harness.kernel.toolchain import build_vmm
from harness.scenarios.schema import Scenario
from harness.trace.setup.script import setup_script

__all__ = ["Traced", "trace_scenario"]

BOOT_SECONDS = 600.0
"""For the boot, and for the script's look at the kernel."""
BUFFER_KB = 16384
# A VM is held meanwhile: the first one patches the scheduler's code, to call KVM when threads are
# switched, and QEMU 7.2 may go on with the old code for as long as that VM lives.
SCRIPT = """\
vmm vcpus=1 guest=/guest.bin executions=1 seconds=1 hang_ms=500 >/dev/null 2>&1
sh /record.sh -n >/tmp/probes || exit
sh /record.sh -p /tmp/probes -b {buffer} -o /out/trace.gz vmm {words}
"""


@dataclass(frozen=True, slots=True)
class Traced:
    """What came of it, and the trace: ftrace's text."""

    ran: Ran
    trace: bytes


def trace_scenario(scenario: Scenario, kernel: Image, options: Options) -> Traced:
    """Run a scenario's executions, with a trace of what KVM does.

    Raises:
        UsageError: no guest of a real KVM can do this; says why.
        KernelUnavailableError: QEMU, busybox or the compiler is missing.
        MachineFailedError: the machine failed, or the VMM in it, or there is no trace.
    """
    ran = Ran(kernel, scenario.name)
    judge = Judge(setting_of(scenario, vcpus_of(scenario, options), options.gic), vhe=options.vhe)
    with tempfile.TemporaryDirectory(prefix="vgic-race-trace-") as name:
        folder = Path(name)
        build_guest_of(scenario, options, folder)
        guest = (folder / "guest.bin").read_bytes()
        words = words_of(scenario, replace(options), folder)
    words |= {"guest": "/guest.bin", "out": "/out/histories"}
    said = [
        f"{name}={value}"
        for name, values in words.items()
        for value in (values if isinstance(values, tuple) else (values,))
    ]
    files = {
        "bin/vmm": build_vmm(), "record.sh": setup_script().encode(), "guest.bin": guest,
    }  # fmt: skip
    outcome = run_script(
        kernel.path,
        SCRIPT.format(buffer=BUFFER_KB, words=" ".join(said)),
        files,
        gic=options.gic,
        seconds=BOOT_SECONDS + 2 * options.seconds,
        cpu=VHE if options.vhe else NVHE,
        cpus=hardware_of(scenario, options).cpus,
    )
    take(outcome.console, ran)
    trace = outcome.files.get("trace.gz")
    if trace is None or not ran.executions:
        raise MachineFailedError(failure_of(outcome.console), outcome.console)
    histories = list(read_histories(outcome.files.get("histories", b"")))
    ran.histories += histories
    judge.read(histories)
    ran.checked, ran.not_checked, ran.found = judge.checked, judge.not_checked, judge.found
    return Traced(ran, gzip.decompress(trace))
