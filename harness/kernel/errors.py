"""What can go wrong with a real kernel that is not the kernel's fault."""

from collections.abc import Sequence

from harness.errors import UsageError

__all__ = ["KernelUnavailableError", "MachineFailedError"]


class KernelUnavailableError(UsageError):
    """A kernel or a program that it takes to run one cannot be had here; says which and why."""


class MachineFailedError(UsageError):
    """The machine did not come to the end of what it was asked for; says what it printed last.

    The kernel does not boot, or hangs, or QEMU ends: nothing is said of what was looked for.
    ``console`` has the last lines of its console.
    """

    def __init__(self, text: str, console: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.console = tuple(console)
