"""A machine whose CPUs are steered while it runs jobs."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.boot import Machine, Outcome, boot
from harness.kernel.emulator import Hardware
from harness.kernel.errors import KernelUnavailableError
from harness.kernel.image import Image
from harness.kernel.steer.control import Control, Window, read_windows
from harness.kernel.steer.places import Places, Table
from harness.kernel.steer.plugin import build_plugin
from harness.kernel.symbols import symbols_of
from harness.kernel.toolchain import build_host

__all__ = ["Steered", "places_in", "steer"]

NM = "aarch64-linux-gnu-nm"
OWN = {"start_vcpus": "J", "begin_monitor": "B", "end_devices": "E", "tell_symptoms": "S"}
"""Functions of our VMM: the VCPUs of a job start; an execution is over, and the next one begins
when this CPU enters its guest; the programs of all VCPUs are over, and what follows is cleaning up;
an execution makes no progress."""
BEGIN = "kvm_handle_mmio_return"
"""The kernel's, where a VCPU comes back to its guest (``guests/execute.h``)."""


@dataclass(slots=True)
class Steered:
    """A machine, and what steers it."""

    machine: Machine
    table: Table
    control: Path
    records: Path

    def run(
        self, words: Mapping[str, object], control: Control, seconds: float
    ) -> tuple[Outcome, list[Window]]:
        """Run a job, steered so; return what it printed, and its windows.

        Raises:
            MachineFailedError: it does not end in so many seconds, or the machine itself ends.
        """
        self.control.write_bytes(control.data())
        self.records.write_bytes(b"")
        outcome = self.machine.run(words, seconds)
        return outcome, list(read_windows(self.records.read_bytes()))


def places_in(kernel: Image, hardware: Hardware) -> Places:
    """Return the places of a kernel; it is booted if it was never asked.

    Raises:
        KernelUnavailableError: it cannot be booted here, or does not tell its functions.
        MachineFailedError: it does not boot.
    """
    return Places(symbols_of(kernel.path, hardware))


@contextlib.contextmanager
def steer(
    kernel: Image,
    hardware: Hardware,
    places: Places,
    *,
    scripts: Iterable[str] = (),
    guest: Mapping[str, int] | None = None,
) -> Iterator[Steered]:
    """Give a machine that has booted a kernel and is steered; it is ended with the block.

    Args:
        kernel: the kernel.
        hardware: the machine.
        places: those of the kernel.
        scripts: the names of places that scripts have.
        guest: the guest's loops in which it waits for another VCPU, by name.

    Raises:
        KernelUnavailableError: QEMU, a compiler or a function of the kernel is missing.
        MachineFailedError: the kernel does not boot.
    """
    table = places.table(scripts, guest)
    begin = places.symbols.addresses.get(BEGIN)
    if begin is None:
        raise KernelUnavailableError(
            f"the kernel cannot be steered: it tells of no function {BEGIN}"
        )
    table.add(BEGIN, [begin], roles="O", level=0)
    own = functions_of(build_host())
    for function, role in OWN.items():
        table.add(function, [own[function]], roles=role, level=0)
    with tempfile.TemporaryDirectory(prefix="vgic-race-steer-") as name:
        folder = Path(name)
        files = {each: folder / each for each in ("places", "control", "records")}
        files["places"].write_text(table.text(), encoding="ascii")
        files["control"].write_bytes(Control().data())
        said = ",".join(f"{each}={path}" for each, path in files.items())
        with boot(kernel.path, hardware, extra=["-plugin", f"{build_plugin()},{said}"]) as machine:
            yield Steered(machine, table, files["control"], files["records"])


def functions_of(program: bytes) -> dict[str, int]:
    """Return where the functions of a program for Linux are."""
    with tempfile.NamedTemporaryFile(prefix="vgic-race-nm-") as file:
        file.write(program)
        file.flush()
        command = [NM, "--defined-only", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return {name: int(at, 16) for at, _, name in rows}
