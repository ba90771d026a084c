"""Operations as records of the agent: which register of which interface each one is.

An operation is a tuple ``(name, cpu, *arguments)`` of a string and integers, so that a list of
them can be printed, replayed and shrunk. `emit_v2` and `emit_v3` know the hardware side of each;
`drive` knows the model's side.
"""

from collections.abc import Callable

from harness.conform.qemu.emit_v2 import Version2
from harness.conform.qemu.emit_v3 import Version3
from harness.conform.qemu.mailbox import Record

__all__ = ["READS", "Operation", "emitter"]

Operation = tuple[str | int, ...]
Emit = Callable[..., list[Record]]

#: Operations whose first record has a result to be compared.
READS = frozenset({"iar", "iar0", "viar", "viar0", "vdir", "vpmr"})


def emitter(gic: int) -> Callable[[Operation], list[Record]]:
    """Return the function that turns an operation into records, for GIC version 2 or 3.

    It raises KeyError for an operation that this version does not have.
    """
    interface: object = Version3() if gic == 3 else Version2()
    table: dict[str, Emit] = {
        name: getattr(interface, name) for name in dir(interface) if not name.startswith("_")
    }

    def emit(operation: Operation) -> list[Record]:
        name, *arguments = operation
        return table[str(name)](*arguments)

    return emit
