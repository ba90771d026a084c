"""What the eras do differently from the source is listed, function by function, with its reason.

The docstrings of ``harness.kvm`` cite the functions of the kernel that they stand for. Each one
is in ``differences.toml``: as one that is done whole, or with an entry; and nothing else is there.
"""

import ast
import re
from pathlib import Path
from typing import Literal

import msgspec

import harness.kvm
from harness.museum import patches

KVM = Path(harness.kvm.__path__[0])
NAME = re.compile(r"(?<![\w./])(?:__)?[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
"""A name of the kernel's: two words or more. One that begins with "_" is the end of another."""
ERAS = {"v7.2", "v4.14"}


class Difference(msgspec.Struct, forbid_unknown_fields=True):
    function: str
    how: Literal["mended", "left out", "coarser", "defined"]
    here: str
    why: str
    eras: tuple[str, ...] = ("v7.2", "v4.14")
    puts_back: str = ""


class General(msgspec.Struct, forbid_unknown_fields=True):
    here: str
    why: str


class Names(msgspec.Struct, forbid_unknown_fields=True):
    words: tuple[str, ...]


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    names: Names
    whole: dict[str, tuple[str, ...]]
    general: tuple[General, ...]
    difference: tuple[Difference, ...]

    def done_whole(self) -> list[str]:
        return [name for names in self.whole.values() for name in names]

    def differing(self) -> list[str]:
        return [each.function for each in self.difference]


def listed() -> Listed:
    return msgspec.toml.decode((KVM / "differences.toml").read_bytes(), type=Listed)


def cited() -> set[str]:
    """The names in the docstrings, but for those of the program's own (in two backquotes)."""
    found: set[str] = set()
    for path in sorted(KVM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.update(names_in(ast.get_docstring(node) or ""))
    return found


def names_in(docstring: str) -> list[str]:
    return NAME.findall(re.sub(r"``.*?``", " ", docstring, flags=re.DOTALL))


def test_names_are_found() -> None:
    said = "vgic_a_b, _c and __kvm_d of x_y.c, not ``own_name``; sub/kvm_e, KVM_REQ_F"
    assert names_in(said) == ["vgic_a_b", "__kvm_d", "x_y"]


def test_each_function_that_is_cited_is_listed_and_none_else() -> None:
    file = listed()
    known = {*file.done_whole(), *file.differing(), *file.names.words}
    assert cited() - known == set(), "cited, and not in differences.toml"
    assert known - cited() == set(), "in differences.toml, and cited nowhere"


def test_none_is_listed_twice() -> None:
    file = listed()
    names = [*file.done_whole(), *file.differing(), *file.names.words]
    assert sorted(names) == sorted(set(names))


def test_each_says_how_it_is_and_why_and_what_is_mended_can_be_put_back() -> None:
    file = listed()
    assert set(file.whole) <= {*ERAS, "v7.2 and v4.14"}
    for each in file.difference:
        assert set(each.eras) <= ERAS
        assert each.here
        assert each.why
        if each.puts_back:
            assert each.how == "mended"
            assert each.puts_back in patches()
    shipped = {patch.id for patch in patches().values() if patch.shipped}
    assert shipped == {each.puts_back for each in file.difference if each.puts_back}
