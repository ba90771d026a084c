"""The script for a user's own host, put together from its parts."""

from importlib.resources import files

from harness.errors import UsageError
from harness.trace.setup.events import STANDARD, table

__all__ = ["setup_script"]

_GICS = (2, 3)


def setup_script(gic: int | None = None) -> str:
    """Give the POSIX shell script that records a trace of KVM on an arm64 host.

    ``gic`` is the host's GIC, 2 or 3; None leaves it to the script to find out.

    Raises:
        UsageError: ``gic`` is neither.
    """
    if gic is not None and gic not in _GICS:
        raise UsageError(f"--gic is 2 or 3, not {gic}")
    folder = files(__package__)
    parts = {
        "@ARGUMENTS@": "" if gic is None else f" --gic {gic}",
        "@GIC@": "" if gic is None else str(gic),
        "@TABLE@": table().rstrip("\n"),
        "@BTF_AWK@": (folder / "btf.awk").read_text(encoding="utf-8").rstrip("\n"),
        "@STANDARD@": " ".join(STANDARD),
    }
    text = (folder / "record.sh").read_text(encoding="utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text
