"""What shows a finding without this tool: the guest, a VMM, a Makefile; and how CPUs are steered.

On hardware the guest shows by itself how often it is wrong; under QEMU the plugin follows a script,
for the one kernel whose places are written down.
"""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.kernel.emulator import Hardware
from harness.kernel.image import Image
from harness.kernel.run import NVHE, VHE
from harness.kernel.steer.confirm import PATIENCE_US, steps_of
from harness.kernel.steer.control import Control, Mode
from harness.kernel.steer.machine import BEGIN, places_in
from harness.kernel.steer.places import missing
from harness.kernel.steer.script import Case
from harness.kernel.steer.subject import words_of_case
from harness.kernel.toolchain import CONSOLES
from harness.places import cannot, write_whole

__all__ = ["write_reproducer"]


def write_reproducer(case: Case, kernel: Image, folder: Path, *, vhe: bool) -> None:
    """Write a case's reproducer into a folder, which is new or empty.

    Raises:
        UsageError: the folder is not empty, or the case has no guest of its own.
        WriteError: it cannot be written.
        KernelUnavailableError: the kernel does not tell where its functions are.
    """
    if not case.guest:
        raise UsageError("--reproducer: expected a finding or a script with a guest in C")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"--reproducer: {str(folder)!r} is not empty")
        copy_sources(case, folder)
    except OSError as error:
        raise cannot("write", folder, error.strerror) from None
    scripts = write_steering(case, kernel, folder, vhe=vhe)
    words = words_of_case(case)
    line = " ".join(
        f"{name}={each}"
        for name, value in words.items()
        for each in (value if isinstance(value, tuple) else (value,))
    )
    filled = {
        "@WORDS@": line,
        "@EXECUTIONS@": str(case.windows),
        "@CPU@": VHE if vhe else NVHE,
        "@GUEST@": case.source.name,
    }
    makefile = template("Makefile")
    for mark, value in filled.items():
        makefile = makefile.replace(mark, value)
    write_whole(folder / "Makefile", makefile.encode())
    write_whole(folder / "README.md", readme(case, kernel, scripts).encode())


def template(name: str) -> str:
    """Return a file that every reproducer has."""
    path = files("harness.kernel.steer") / "reproducer_files" / name
    return path.read_text(encoding="utf-8")


def copy_sources(case: Case, folder: Path) -> None:
    """Copy the guest's sources, the VMM's and the plugin's."""
    with as_file(files("harness.kernel")) as kernel:
        for name in ("host", "guests"):
            shutil.copytree(kernel / name, folder / name)
        shutil.copytree(kernel / "steer" / "plugin", folder / "plugin")
        for name in ("gic.h", "guest.ld"):
            shutil.copy(kernel / name, folder / name)
        for name in CONSOLES:
            (folder / "host" / name).unlink()
        for name in ("main.c", "files.c"):
            shutil.copy(kernel / "steer" / "reproducer_files" / name, folder / "host" / name)
        for source in (folder / "guests").glob("*.c"):
            source.unlink()
        shutil.copy(kernel / "steer" / "guests" / "accesses.h", folder / "guests")
    shutil.copy(case.source, folder / "guests")


def write_steering(case: Case, kernel: Image, folder: Path, *, vhe: bool) -> list[str]:
    """Write the kernel's places, and what steers each script; return the names of these."""
    places = places_in(kernel, Hardware(cpu=VHE if vhe else NVHE))
    case = msgspec.structs.replace(case, script=tuple(each.on(places) for each in case.script))
    table = places.table([place for script in case.script for place in script.places])
    table.add(BEGIN, places.addresses(f"enter {BEGIN}"), roles="O", level=0)
    write_whole(folder / "places.txt", table.text().encode())
    written = []
    for script in case.script:
        if missing(places, script.places):
            continue
        control = Control(
            Mode.SCRIPT, steps=steps_of(script, table), alone=script.alone, block_us=PATIENCE_US
        )
        write_whole(folder / f"control-{script.name}.bin", control.data())
        written.append(script.name)
    return written


def readme(case: Case, kernel: Image, scripts: list[str]) -> str:
    """Return what it is and how it is run."""
    runs = "".join(f"    make qemu KERNEL=Image SCRIPT={name}\n" for name in scripts)
    text = f"""# {case.id}

Wrong is: {case.wrong}. Each wrong execution is a line `WRONG N BITS`; the last line, `DONE` or
`HUNG`, counts them.

    make                      # needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross
    make run                  # on an arm64 host with /dev/kvm (CROSS= there)
    make qemu KERNEL=Image    # anywhere; needs qemu-system-arm, cpio
{runs}
places.txt has the addresses of Linux {kernel.version}, build id {kernel.build_id}: a script steers
that kernel only (`nokaslr`).
"""
    if case.control is not None:
        text += f"""
The control, which must be clean ({case.control.what}): argument={case.control.argument} instead, in
WORDS of the Makefile.
"""
    for script in case.script:
        steps = "".join(f"    CPU {cpu} until {place}\n" for cpu, place in script.parsed())
        text += f"\nScript {script.name}: {script.what}.\n\n{steps}"
    return text
