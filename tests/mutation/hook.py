"""Imports a module with a source of its own, in this process: the mutant is what gets imported."""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from tests.mutation.mutant import Mutant

__all__ = ["install"]


class MutatedLoader(SourceFileLoader):
    """Loads a module from the mutated source; nothing is cached on disk."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        """Compile the mutated source, under the file's own name."""
        return compile(self.source, self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds one module for the loader above, before Python looks for it."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load the module, if it is the mutated one."""
        if name != self.mutant.module:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = MutatedLoader(name, spec.origin, self.mutant.mutated)
        return spec


def install(mutant: Mutant) -> None:
    """Have the mutant imported in this process from here on.

    Raises:
        RuntimeError: its module, or one that may use it, is imported already.

    """
    loaded = [m for m in sys.modules if m.partition(".")[0] in ("harness", "model")]
    if loaded:
        raise RuntimeError(f"{loaded[0]} is imported already: a mutant needs a fresh process")
    sys.meta_path.insert(0, Finder(mutant))
