"""The museum: bugs, and broken machines, one file each, as patches on the eras of KVM.

By number the historical ones; ``F...`` faults of KVM as shipped that were found with this model.
Each file has one ``PATCH``, and is found by being here.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from harness.museum.patch import Patch

__all__ = ["patches"]

NO_PATCHES = ("left_out", "patch")


@cache
def patches() -> dict[str, Patch]:
    """Return all patches by id: those with a number in its order, then the others by name."""
    names = [module.name for module in iter_modules(__path__) if module.name not in NO_PATCHES]
    found: list[Patch] = [import_module(f"{__name__}.{name}").PATCH for name in names]
    return {patch.id: patch for patch in sorted(found, key=order)}


def order(patch: Patch) -> tuple[int, str]:
    """Return where a patch stands in lists."""
    number = patch.id.partition("-")[0]
    return (int(number) if number.isdecimal() else 1_000, patch.id)
