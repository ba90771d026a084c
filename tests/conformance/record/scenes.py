"""What is recorded: guests that bring about what traces of an ordinary Linux guest do not show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.kernel.debian import kernel
from harness.kernel.machine import Outcome, run_script
from harness.kernel.toolchain import build_guest, build_program
from harness.trace.setup.script import setup_script

__all__ = ["SCENES", "Scene", "record"]

GUESTS = Path(__file__).parent / "guests"
_SECONDS = 900.0
# A VM is held all the while. The first VM patches the scheduler's code, to call KVM when threads
# are switched; once, in one recording of 16, QEMU 7.2 went on with the old code for as long as that
# VM lived: no vcpu_put at any switch.
_RECORDING = """\
vmm hold &
HOLD=$!
sh /record.sh -n >/tmp/probes || exit
cp /tmp/probes /out/probes
"""
_SCENE = """\
sh /record.sh -p /tmp/probes -b 4096 -o /out/{name}.txt.gz \\
    vmm {gic} {vcpus} /guests/{guest}.bin {argument}
echo "scene {name}: $?"
"""
_LEFT = """\
kill $HOLD
sh /record.sh -p /tmp/probes -o /tmp/never -s 1000 2>/tmp/log &
until grep -q recording: /tmp/log; do sleep 1; done
kill -TERM $!
wait $!
echo "interrupted: $?"
echo "left: $(ls /sys/kernel/tracing/instances | wc -l) instances," \\
    "$(grep -c . /sys/kernel/tracing/kprobe_events) probes"
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A guest under a VMM with so many VCPUs, and what the guest is told in x1."""

    name: str
    guest: str
    vcpus: int
    gic: int
    argument: int = 0


SCENES: tuple[Scene, ...] = (
    Scene("timer", "timer", 1, 3, 3),
    Scene("overflow-eoimode0", "overflow", 2, 3, 0),
    Scene("overflow-eoimode1", "overflow", 2, 3, 1),
    Scene("level-ispendr", "level_ispendr", 1, 3, 3),
    Scene("retarget", "retarget", 2, 3),
    Scene("edge-device", "edge_device", 2, 3),
    Scene("timer-gicv2", "timer", 1, 2, 2),
    Scene("level-ispendr-gicv2", "level_ispendr", 1, 2, 2),
    Scene("sgi-sources", "sgi_sources", 4, 2),
)


def record(series: str, gic: int, scenes: Sequence[Scene], script: str | None = None) -> Outcome:
    """Boot a kernel and record each scene with its script: ``NAME.txt.gz``, and ``probes``.

    Raises:
        KernelUnavailableError: the kernel, QEMU or the compiler cannot be had.
        MachineFailedError: the machine did not come to the end.
    """
    files = {"bin/vmm": build_program("vmm"), "record.sh": (script or setup_script()).encode()}
    lines = [_RECORDING]
    for scene in scenes:
        files[f"guests/{scene.guest}.bin"] = build_guest(GUESTS / f"{scene.guest}.c")
        lines.append(
            _SCENE.format(
                name=scene.name,
                gic=scene.gic,
                vcpus=scene.vcpus,
                guest=scene.guest,
                argument=scene.argument,
            )
        )
    lines.append(_LEFT)
    return run_script(kernel(series).image, "".join(lines), files, gic=gic, seconds=_SECONDS)
