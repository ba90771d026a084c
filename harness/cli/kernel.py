"""``kernel``: a real Linux KVM under QEMU, as the judge."""

from harness.cli.lazy import Lazy

__all__ = ["group"]

COMMANDS: dict[str, tuple[str, str]] = {
    "get": ("harness.cli.kernel_get:get", "Fetch Debian's arm64 kernels into the cache."),
    "doctor": ("harness.cli.kernel_get:doctor", "Say what is there, and what installs the rest."),
    "list": ("harness.cli.kernel_run:list_scenarios", "List what can be run there, and what not."),
    "run": ("harness.cli.kernel_run:run", "Run a scenario on a real kernel."),
    "stress": ("harness.cli.kernel_stress:stress", "Search a real kernel's schedules."),
    "confirm": ("harness.cli.kernel_confirm:confirm", "Confirm a finding on a real kernel."),
    "compare": (
        "harness.cli.kernel_compare:compare",
        "Hold what guests see against the model.",
    ),
    "build": ("harness.cli.kernel_build:build", "Build a small kernel with KVM from its source."),
}


class Commands(Lazy):
    """The commands of the group."""

    table = COMMANDS


group = Commands("kernel", help="Run scenarios on a real Linux KVM/arm64, under QEMU.")
