"""A divergence as text: the operations that lead to it, and both states side by side."""

import struct
from collections.abc import Sequence

from harness.conform.qemu import layout
from harness.conform.qemu.emit import Operation
from harness.conform.qemu.lockstep import Divergence

__all__ = ["explain", "signature"]


def signature(found: Divergence) -> tuple[object, ...]:
    """Return what makes two divergences alike.

    It is the name of the operation, whether the value read differs, and the words that do.
    """
    expected, actual = found.step.expected, found.actual
    words = [at for at in range(0, len(actual), 8) if expected[at : at + 8] != actual[at : at + 8]]
    return (found.step.operation[0], found.value == found.step.value, *words)


def _named(image: bytes, names: Sequence[str], offset: int) -> dict[str, int]:
    return dict(zip(names, struct.unpack_from(f"<{len(names)}Q", image, offset), strict=True))


def _show(operation: Operation) -> str:
    name, cpu, *rest = operation
    words = [f"{part:#x}" if isinstance(part, int) and part > 1023 else str(part) for part in rest]
    return f"cpu{cpu} {name} {' '.join(words)}".rstrip()


def explain(
    operations: Sequence[Operation], found: Divergence, gic: int, cpus: int, version: str
) -> str:
    """Return the report of a divergence; registers that differ are marked.

    Args:
        operations: those that lead to it from the initial state, the last one shows it.
        found: the divergence.
        gic: the GIC's version, 2 or 3.
        cpus: how many CPUs were compared.
        version: QEMU's own version.
    """
    step = found.step
    # With an excuse in force the model's side is what it says QEMU should show.
    expected = step.departed or step.expected
    head = f"model and QEMU {version} differ (GICv{gic}, {cpus} CPUs) after"
    lines = [f"{head} {len(operations)} operations:"]
    lines += [f"  {number:3} {_show(each)}" for number, each in enumerate(operations, 1)]
    if step.repair:
        lines.append(f"      and then {_show(step.operation)}, to end an excuse")
    if step.excuses:
        lines.append(f"excuses in force: {', '.join(step.excuses)}")
    if found.value != step.value:
        lines.append(f"value read: model {step.value}, QEMU {found.value}")
    for cpu in range(cpus + 1):
        shared = cpu == cpus
        names = layout.SHARED_FIELDS if shared else layout.CPU_FIELDS[gic]
        model = _named(expected, names, cpu * layout.CPU_BYTES)
        qemu = _named(found.actual, names, cpu * layout.CPU_BYTES)
        if model == qemu and not shared and cpu != step.operation[1]:
            continue
        lines.append(f"{'shared' if shared else f'cpu{cpu}':20} {'model':>18} {'QEMU':>18}")
        for name in names:
            mark = "  <-- differs" if model[name] != qemu[name] else ""
            lines.append(f"  {name:18} {model[name]:#18x} {qemu[name]:#18x}{mark}")
    return "\n".join(lines)
