"""One run of a script in an emulated arm64 machine that is a KVM host.

The machine is QEMU's `virt` with EL2, in software. Its root is a RAM disk with busybox, ``put`` and
what is given; its files come out by semihosting, so that the kernel needs no driver.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.conform.qemu.process import die_with_parent
from harness.kernel.debian import busybox
from harness.kernel.errors import KernelUnavailableError, MachineFailedError
from harness.kernel.initrd import pack
from harness.kernel.toolchain import build_program

__all__ = ["Outcome", "run_script"]

_QEMU = "qemu-system-aarch64"
_LAST_LINES, _TOLD_LINES = 60, 3
_DONE = "MACHINE DONE"
_INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tracefs tracefs /sys/kernel/tracing
cd /
sh /script
for file in /out/*; do
    [ ! -e "$file" ] || put "@OUT@/${file##*/}" <"$file"
done
echo @DONE@
poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: the console's lines, and the files of ``/out`` by name."""

    console: list[str]
    files: dict[str, bytes]


def run_script(
    image: Path,
    script: str,
    files: Mapping[str, bytes],
    *,
    gic: int,
    seconds: float,
    cpu: str = "cortex-a57",
    cpus: int = 2,
) -> Outcome:
    """Boot a kernel, run a shell script as root, and give what it printed and left in ``/out``.

    Args:
        image: the kernel, uncompressed.
        script: for busybox's sh.
        files: what the machine has beside busybox and ``put``: path without a slash, content.
        gic: the machine's GIC, 2 or 3.
        seconds: how long it may take, of the wall clock; 60 to 100 times slower than hardware.
        cpu: QEMU's name of the CPU: "cortex-a57" has no VHE, "max" has.
        cpus: how many.

    Raises:
        KernelUnavailableError: QEMU or the compiler is missing.
        MachineFailedError: the script did not come to its end in time.
    """
    if shutil.which(_QEMU) is None:
        raise KernelUnavailableError(f"{_QEMU} is missing: apt-get install qemu-system-arm")
    with tempfile.TemporaryDirectory(prefix="vgic-race-kernel-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        init = _INIT.replace("@OUT@", str(out)).replace("@DONE@", _DONE)
        content = {
            "init": init.encode(),
            "script": script.encode(),
            "bin/busybox": busybox().read_bytes(),
            "bin/put": build_program("put"),
            **files,
        }
        initrd = Path(folder) / "initrd"
        initrd.write_bytes(pack(content, ("dev", "proc", "sys", "tmp", "out")))
        console = _run(_command(image, initrd, gic, cpu, cpus), seconds)
        if _DONE not in console:
            last = " / ".join(console[-_TOLD_LINES:])
            raise MachineFailedError(
                f"the machine did not finish in {seconds:.0f} s; it said last: {last}",
                console[-_LAST_LINES:],
            )
        return Outcome(console, {path.name: path.read_bytes() for path in out.iterdir()})


def _command(image: Path, initrd: Path, gic: int, cpu: str, cpus: int) -> list[str]:
    return [
        _QEMU,
        *("-machine", f"virt,virtualization=on,gic-version={gic}"),
        *("-cpu", cpu, "-smp", str(cpus), "-m", "1G", "-accel", "tcg,thread=multi"),
        *("-display", "none", "-monitor", "none", "-net", "none", "-no-reboot"),
        *("-serial", "stdio", "-kernel", str(image), "-initrd", str(initrd)),
        *("-append", "console=ttyAMA0 quiet panic=-1"),
        *("-semihosting-config", "enable=on,target=native,userspace=on"),
    ]


def _run(command: list[str], seconds: float) -> list[str]:
    """The console; QEMU is ended when the time is over, by any exception, and with this process."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            preexec_fn=die_with_parent,
        )
        printed = done.stdout
    except subprocess.TimeoutExpired as late:
        printed = late.stdout or b""
    return [line.rstrip("\r") for line in printed.decode(errors="replace").split("\n")]
