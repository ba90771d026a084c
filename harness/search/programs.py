"""Guest programs made shorter, line by line; their form is ``harness.scenarios.program``'s."""

from collections.abc import Iterator, Sequence
from typing import Final

from harness.scenarios.schema import VcpuSpec

__all__ = ["fewer_lines", "fitting", "smaller_numbers", "without_interrupt", "without_vcpu"]

Lines = tuple[str, ...]

NOTHING: Final = "work 1"
"""What a guest does that has nothing to do."""
NAMES_VCPU: Final = ("sgi", "target")
NAMES_INTERRUPT: Final = (
    "await", "enable", "disable", "pend", "unpend", "activate", "deactivate", "target", "read",
)  # fmt: skip
TIMERS: Final = {"timer": "idle", "tval": "idle", "ptimer": "pidle"}
"""Lines that program a timer, and those that wait for the interrupts of such timers."""


def fitting(lines: Sequence[str]) -> Lines:
    """Return a program that waits for no more interrupts than it asked for; never an empty one."""
    timers = {"idle": 0, "pidle": 0}
    kept = []
    for line in lines:
        words = line.split()
        verb = words[0]
        if verb in TIMERS and words[1:] != ["off"]:
            timers[TIMERS[verb]] += 1
        if verb in timers and int(words[1], 0) > timers[verb]:
            if not timers[verb]:
                continue
            line = f"{verb} {timers[verb]}"  # noqa: PLW2901  # the line as it fits
        kept.append(line)
    return tuple(kept) or (NOTHING,)


def fewer_lines(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield shorter programs, with what was left out: large parts first, then lines one by one."""
    size = len(lines)
    while size > 1:
        size = (size + 1) // 2
        for last in range(len(lines), 0, -size):
            first = max(last - size, 0)
            what = str(last) if last - first == 1 else f"{first + 1} to {last}"
            yield what, fitting(lines[:first] + lines[last:])
    for verb in dict.fromkeys(line.split()[0] for line in lines):
        left = [line for line in lines if line.split()[0] != verb]
        if len(lines) - len(left) > 1:  # one alone was tried above
            yield verb, fitting(left)


def smaller_numbers(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Yield programs that work and spin for fewer instructions."""
    for n, line in enumerate(lines):
        words = line.split()
        if words[0] not in ("work", "spin"):
            continue
        count = int(words[-1], 0)
        for less in dict.fromkeys((1, count // 2, count - 1)):
            if 0 < less < count:
                changed = " ".join([*words[:-1], str(less)])
                yield f"line {n + 1}: {changed}", (*lines[:n], changed, *lines[n + 1 :])


def without_interrupt(vcpus: Sequence[VcpuSpec], intid: int) -> tuple[VcpuSpec, ...]:
    """Return the programs without the lines that name an interrupt: its vINTID, or an SGI."""

    def names(line: str) -> bool:
        words = line.split()
        if words[0] == "sgi":
            return int(words[1], 0) == intid
        at = 2 if words[0] == "read" else 1
        return words[0] in NAMES_INTERRUPT and int(words[at], 0) == intid

    return tuple(
        VcpuSpec(program=fitting([line for line in vcpu.program if not names(line)]))
        for vcpu in vcpus
    )


def without_vcpu(vcpus: Sequence[VcpuSpec], gone: int) -> tuple[VcpuSpec, ...]:
    """Return the programs of the other VCPUs, which send nothing to number ``gone`` any more."""
    count = len(vcpus)

    def changed(lines: Lines) -> Iterator[str]:
        for line in lines:
            words = line.split()
            if words[0] not in NAMES_VCPU:
                yield line
                continue
            v = int(words[2], 0) % count
            if v != gone:
                yield f"{words[0]} {words[1]} {v - (v > gone)}"

    return tuple(
        VcpuSpec(program=fitting(list(changed(vcpu.program))))
        for v, vcpu in enumerate(vcpus)
        if v != gone
    )
