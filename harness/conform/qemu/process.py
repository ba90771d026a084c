"""Building the agent, and starting and ending QEMU.

QEMU is ended by its pid in every case: leaving the ``with`` block normally, by an exception or by
Ctrl-C; and should this process be killed outright, the kernel ends QEMU for us.
"""

import contextlib
import ctypes
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.conform.qemu import layout
from harness.conform.qemu.mailbox import Mailbox
from harness.errors import UsageError

__all__ = [
    "OracleFailedError",
    "OracleMissingError",
    "Qemu",
    "build_agent",
    "die_with_parent",
    "find_tools",
    "qemu_version",
    "start",
]

QEMU = "qemu-system-aarch64"
_CROSS = "aarch64-linux-gnu-"
_PACKAGES = {
    QEMU: "qemu-system-arm",
    f"{_CROSS}as": "binutils-aarch64-linux-gnu",
    f"{_CROSS}ld": "binutils-aarch64-linux-gnu",
    f"{_CROSS}objcopy": "binutils-aarch64-linux-gnu",
}
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_START_SECONDS = 20.0


class OracleMissingError(UsageError):
    """A program of the oracle is not installed."""


class OracleFailedError(Exception):
    """QEMU or the assembler did something we did not ask for."""


@dataclass
class Qemu:
    """A running QEMU and the mailbox of the agent in it."""

    process: subprocess.Popen[bytes]
    mailbox: Mailbox
    version: str
    gic: int
    cpus: int

    @property
    def pid(self) -> int:
        """Process id of QEMU."""
        return self.process.pid


def find_tools() -> dict[str, str]:
    """Return the path of each program needed.

    Raises:
        OracleMissingError: programs are missing; the message names them and their packages.
    """
    found = {name: shutil.which(name) for name in _PACKAGES}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        packages = " ".join(sorted({_PACKAGES[name] for name in missing}))
        raise OracleMissingError(
            f"conform qemu needs {', '.join(missing)}; expected on the PATH: on Debian,"
            f" apt-get install --no-install-recommends {packages}"
        )
    return {name: path for name, path in found.items() if path is not None}


def qemu_version(tools: dict[str, str]) -> str:
    """Return QEMU's own version, such as ``7.2.22``, or "unknown".

    Raises:
        CalledProcessError: QEMU does not run.
    """
    out = subprocess.run([tools[QEMU], "--version"], capture_output=True, text=True, check=True)
    words = out.stdout.split()
    return words[words.index("version") + 1] if "version" in words else "unknown"


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        name = Path(command[0]).name
        raise OracleFailedError(f"{name} failed on the agent:\n{done.stderr.strip()}")


def build_agent(tools: dict[str, str], gic: int, folder: Path) -> Path:
    """Assemble agent.S for a GIC version into ``folder``; return the path of the raw image.

    Raises:
        OracleFailedError: assembler, linker or objcopy failed; the message has what they said.
    """
    for name, text in layout.assembler_includes(gic).items():
        (folder / name).write_text(text)
    source = Path(__file__).with_name("agent.S")
    (folder / "agent.S").write_text(source.read_text())
    _run([tools[f"{_CROSS}as"], "-march=armv8-a", "-o", "agent.o", "agent.S"], folder)
    _run([tools[f"{_CROSS}ld"], f"-Ttext={layout.AGENT:#x}", "-o", "agent.elf", "agent.o"], folder)
    _run([tools[f"{_CROSS}objcopy"], "-O", "binary", "agent.elf", "agent.bin"], folder)
    return folder / "agent.bin"


def _command(tools: dict[str, str], gic: int, cpus: int, image: Path, ram: Path) -> list[str]:
    machine = f"virt,virtualization=on,gic-version={gic},memory-backend=ram"
    memory = f"memory-backend-file,id=ram,share=on,size={layout.RAM_BYTES},mem-path={ram}"
    devices = [f"edu,bus=pcie.0,addr={slot}.0" for slot in range(1, 5)]
    return [
        tools[QEMU],
        "-machine",
        machine,
        "-object",
        memory,
        "-cpu",
        "cortex-a57",
        "-smp",
        str(cpus),
        "-m",
        str(layout.RAM_BYTES >> 20),
        "-accel",
        "tcg,thread=single",
        "-display",
        "none",
        "-nodefaults",
        "-serial",
        "none",
        "-monitor",
        "none",
        # As many bits of priority as the model has, and as the GICs of Arm's cores have.
        "-global",
        "arm_gic.num-priority-bits=5",
        "-device",
        f"loader,file={image},addr={layout.AGENT:#x},force-raw=on",
        "-device",
        f"loader,addr={layout.AGENT:#x},cpu-num=0",
        *(word for device in devices for word in ("-device", device)),
    ]


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends (between fork and exec)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@contextlib.contextmanager
def start(gic: int, cpus: int) -> Iterator[Qemu]:
    """Run QEMU with the agent in it for the length of the ``with`` block.

    Args:
        gic: the version of the GIC, 2 or 3.
        cpus: how many CPUs, 1 to 8.

    Raises:
        OracleMissingError: a program is not installed.
        OracleFailedError: the agent cannot be assembled.
        MailboxError: QEMU ends, or its agent does not start within 20 s per CPU.
    """
    tools = find_tools()
    version = qemu_version(tools)
    with contextlib.ExitStack() as stack:
        scratch = tempfile.TemporaryDirectory(prefix="vgic-race-")
        stack.enter_context(scratch)
        folder = Path(scratch.name)
        image = build_agent(tools, gic, folder)
        ram = folder / "ram"
        mailbox = stack.enter_context(contextlib.closing(Mailbox.create(ram)))
        mailbox.set_cpus(cpus)
        messages = stack.enter_context((folder / "messages").open("w+b"))
        process = subprocess.Popen(
            _command(tools, gic, cpus, image, ram),
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        stack.callback(_end, process)
        mailbox.attach(process, messages)
        mailbox.wait_ready(cpus, _START_SECONDS)
        # All of it is loaded or mapped: should we be killed, nothing is left behind.
        scratch.cleanup()
        yield Qemu(process, mailbox, version, gic, cpus)
