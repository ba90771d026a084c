"""The hypervisor's house: parts that stand by themselves on one list of hooks, patches laid over.

What may be overridden says nothing to rules: what happens is said where it happens, by the model,
so that an override cannot blind one.
"""

import ast
import json
from collections.abc import Iterator

import pytest

from harness.cli.main import main
from harness.kvm.hooks import ERA_LISTS, LISTS, Hooks, hooks
from harness.kvm.hooks.services import Services
from harness.kvm.kvm import Kvm
from harness.museum import patches
from harness.variants import ERAS
from tests.quality.sources import ROOT, Function, complaints, on, own_nodes, parsed

FOLDERS = ("harness/kvm", "harness/museum")
SETTINGS = {name for name in Hooks.__annotations__ if name in vars(Hooks)}
"""What a variant may set besides: the era's own switches, and the machine."""


def public(cls: type) -> set[str]:
    return {name for name in vars(cls) if not name.startswith("_")}


def tops(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in tree.body if isinstance(node, ast.ClassDef))


# -- parts and eras ------------------------------------------------------------------------------


def test_every_part_stands_on_the_list_of_hooks_alone() -> None:
    assert len(Kvm.__bases__) > 5
    for part in Kvm.__bases__:
        assert part.__bases__ == (Hooks,), part
    assert public(Kvm) == set()
    for era in ERAS.values():
        *layers, base = era.__bases__
        assert base is Kvm, era
        assert all(layer.__bases__ == (Hooks,) for layer in layers), era


def test_no_part_imports_another_class_of_kvm() -> None:
    """Nor names one: it calls the others through the list."""
    classes = {part.__name__ for part in (Kvm, *Kvm.__bases__, *ERAS.values())}
    for part in Kvm.__bases__:
        _, tree = parsed(ROOT / f"{part.__module__.replace('.', '/')}.py")
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not named & classes, part


def test_no_two_parts_have_the_same_method() -> None:
    seen: dict[str, type] = {}
    for part in Kvm.__bases__:
        for name in public(part):
            assert name not in seen, (name, part, seen.get(name))
            seen[name] = part


def test_what_a_part_has_is_a_hook_or_lent_to_the_others() -> None:
    for part in Kvm.__bases__:
        assert public(part) <= set(hooks()) | public(Services), part
    for name, era in ERAS.items():
        assert public(era) <= set(hooks(name)) | SETTINGS, era


@pytest.mark.parametrize("era", ERAS)
def test_every_hook_of_an_era_is_filled(era: str) -> None:
    stubs = {name: member for group in (*LISTS, Services) for name, member in vars(group).items()}
    stubs |= vars(ERA_LISTS[era])
    for name in (*hooks(era), *public(Services)):
        assert getattr(ERAS[era], name) is not stubs[name], name


def test_the_lists_are_disjoint() -> None:
    lists = (*LISTS, *ERA_LISTS.values(), Services)
    names = [name for group in lists for name in public(group)]
    assert len(names) == len(set(names))
    assert set(hooks()) == {*names} - public(Services)
    assert not SETTINGS & set(names)


# -- what is said of the hooks --------------------------------------------------------------------


def test_every_hook_says_what_it_is_in_a_line() -> None:
    for name, line in hooks().items():
        assert len(line) > 8, name
        assert line.endswith((".", "?")), (name, line)
    for group in (*LISTS, *ERA_LISTS.values()):
        for name in public(group):
            assert vars(group)[name].__doc__.partition("\n")[0] == hooks()[name]


def test_list_hooks_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "hooks", "--json"]) == 0
    *items, summary = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert summary["count"] == len(items)
    assert {item["name"]: item["title"] for item in items} == hooks()
    for era in ERAS:
        assert {item["name"] for item in items if era in item["eras"]} == set(hooks(era))
    assert main(["list", "hooks"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in hooks())


# -- facts ----------------------------------------------------------------------------------------


def says_facts(_text: str, tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        # A machine of its own passes its listener on when it is made.
        if not isinstance(function, Function) or function.name == "__init__":
            continue
        for node in ast.walk(function):
            match node:
                case ast.Attribute(attr="emit") | ast.Name(id="emit"):
                    yield f":{node.lineno}: what happens is said where it happens, in model/"


def test_no_hook_says_a_fact() -> None:
    """Not even by a name of its own for ``emit``."""
    assert complaints(says_facts, *FOLDERS) == []


@pytest.mark.parametrize("statement", ["self.rt.emit(f)", "self.machine.emit(f)", "lambda: emit"])
def test_a_fact_that_is_said_is_seen(statement: str) -> None:
    assert on(says_facts, f"class A:\n    def wake_up(self): {statement}\n")


# -- patches --------------------------------------------------------------------------------------


def test_a_patch_changes_hooks_of_its_era_and_settings() -> None:
    for patch in patches().values():
        for era in ERAS:
            layer = patch.hooks_in(era)
            if isinstance(layer, str):
                assert len(layer) > 20, (patch.id, era)
                continue
            assert layer.__bases__ == (Hooks,), patch.id
            assert public(layer), patch.id
            assert public(layer) <= set(hooks(era)) | SETTINGS, patch.id


def calls_past(_text: str, tree: ast.Module) -> Iterator[str]:
    for cls in tops(tree):
        for function in cls.body:
            if not isinstance(function, Function):
                continue
            for node in own_nodes(function):
                match node:
                    case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
                        if name != function.name:
                            yield f":{node.lineno}: super().{name} in {function.name}"


def test_a_hook_calls_no_other_hook_past_who_changed_it() -> None:
    """So patches may be laid over an era in any order."""
    assert complaints(calls_past, *FOLDERS) == []
    assert on(calls_past, "class A:\n    async def flush(self): await super().sync()\n")
    assert on(calls_past, "class A:\n    async def flush(self): await super().flush()\n") == []
