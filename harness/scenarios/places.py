"""Refuses a scenario that names a CPU or a VCPU which it does not have.

Where the command line makes a machine smaller than its scenario, such a number is meant modulo the
size; in the scenario itself it can only be a slip.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from harness.errors import UsageError

__all__ = ["check_places"]


class Forward(Protocol):
    """A passthrough device, as far as it is looked at here."""

    @property
    def vcpu(self) -> int:
        """The VCPU that it is forwarded to."""

    @property
    def pcpu(self) -> int:
        """The CPU that its interrupt goes to."""


def check_places(
    where: str,
    *,
    pcpus: int,
    vcpus: int,
    forwards: Sequence[Forward],
    programs: Iterable[Iterable[tuple[str, int]]],
) -> None:
    """Refuse numbers of CPUs and VCPUs that there are not.

    Args:
        where: what this is about, as it begins a message.
        pcpus: how many CPUs the scenario has.
        vcpus: how many VCPUs it has.
        forwards: its passthrough devices.
        programs: of each program its lines, each with the VCPU that it names (-1: none).

    Raises:
        UsageError: which number, where, and what was expected.
    """
    for n, forward in enumerate(forwards):
        for name, number, size in (("pcpu", forward.pcpu, pcpus), ("vcpu", forward.vcpu, vcpus)):
            if number >= size:
                raise UsageError(
                    f"{where}: forward {n}: {name} = {number}, expected {upto(size)}: the scenario "
                    f"has {name}s = {size}"
                )
    for n, program in enumerate(programs):
        for line, named in program:
            if named >= vcpus:
                raise UsageError(
                    f"{where}, vcpu {n}: {line!r}: no VCPU {named}, expected {upto(vcpus)}"
                )


def upto(size: int) -> str:
    """Say which numbers there are, of so many things."""
    return "0" if size == 1 else f"0 to {size - 1}"
