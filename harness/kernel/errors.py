"""What can go wrong with a real kernel that is not the kernel's fault."""

from harness.errors import UsageError

__all__ = ["KernelUnavailableError", "MachineFailedError"]


class KernelUnavailableError(UsageError):
    """A kernel or a program that it takes to run one cannot be had here; says which and why."""


class MachineFailedError(Exception):
    """The machine did not come to the end of its script; says what it printed last."""
