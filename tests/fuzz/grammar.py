"""Scenarios and variants made up from their grammar: mostly right, each with something odd."""

from random import Random
from typing import Any

from harness.scenarios.program import FORMS
from harness.scenarios.schema import DeviceSpec, ForwardSpec, Scenario, VcpuSpec
from model.rules.sometimes import NAMES

__all__ = ["scenario", "variant"]

USUAL = (0, 0, 0, 1, 1, 3, 27, 80)
INTS = (0, 1, 2, 3, 4, 8, 15, 16, 27, 30, 31, 32, 33, 80, 100, 200, 1019, 1020, 8192, 16383, -1)
ODD: tuple[Any, ...] = ("x", "", 1.5, True, [], {}, 10**30, "handler", [1], float("inf"))


def number(rng: Random) -> int:
    return rng.choice(USUAL if rng.random() < 0.8 else INTS)


def instruction(rng: Random) -> str:
    """A line of a program: of a known form, with numbers of any size."""
    form = rng.choice(list(FORMS.values())).split(" or ")[0].partition(" (")[0]
    words = [str(number(rng)) if word.strip("[]").isupper() else word for word in form.split()]
    if rng.random() < 0.03:
        rng.shuffle(words)
    if rng.random() < 0.03:
        words.append(str(number(rng)))
    return " ".join(words)


def program(rng: Random) -> list[str]:
    lines = rng.choice((["timer 20", "idle 1"], ["work 2"], ["wait"], ["serve"], []))
    return [*lines, *(instruction(rng) for _ in range(rng.randrange(4)))]


def value(rng: Random, kind: Any, name: str) -> Any:
    """A value for a field: of about the right kind."""
    if rng.random() < 0.015:
        return rng.choice(ODD)
    if name in ("name", "title"):
        return rng.choice(("x", "a b", "ü", "x" * 3_000))
    if name == "kind":
        return rng.choice((*["level", "edge"] * 9, "lpi", "edg"))
    if name == "deactivate":
        return rng.choice((*["handler", "later", "other"] * 6, "never"))
    if name in ("eoi_first", "nested", "grows"):
        return rng.random() < 0.5
    if name == "program" or (name == "handler" and kind is VcpuSpec):
        return program(rng) or ["work 1"]
    if name == "sometimes":
        return {rng.choice(("v4.14", "v7.2")): rng.sample([*NAMES, "x"], 2)}
    if name.endswith("priority"):
        return rng.choice((*[0, 8, 0x60, 0xA0, 0xF8] * 4, 0xFF, 3))
    if name in ("pcpus", "vcpus", "lrs"):
        return rng.choice((1, 2, 2, 3, 4, 16, number(rng)))
    return rng.choice((0, 0, 1, 1, 1, 2, number(rng)))


def table(rng: Random, kind: Any, always: tuple[str, ...]) -> dict[str, Any]:
    names = [n for n in kind.__struct_fields__ if n in always or rng.random() < 0.1]
    if rng.random() < 0.01:
        names.append(rng.choice(("unknown", "pcpu", "vcpu", "")))
    return {name: value(rng, kind, name) for name in names}


def scenario(rng: Random) -> bytes:
    """A scenario file."""
    made = table(rng, Scenario, ("name", "title"))
    for name in ("vcpu", "device", "forward"):
        made.pop(name, None)
    lines = [f"{key} = {toml(v)}" for key, v in made.items()]
    tables = (("vcpu", VcpuSpec, ("program",)), ("forward", ForwardSpec, ("intid", "kind")),
              ("device", DeviceSpec, ("intid",)))  # fmt: skip
    for name, kind, always in tables:
        count = rng.choice((1, 1, 2, 3)) if name == "vcpu" else rng.choice((*[0, 0, 1, 2] * 6, 40))
        for n in range(count):
            lines.append(f"[[{name}]]")
            made = table(rng, kind, always)
            if name != "vcpu" and rng.random() < 0.9:
                made["intid"] = (8192 if made.get("kind") == "lpi" else 40) + n
                made |= {"vintid": 80 + n} if name == "forward" else {}
            lines += [f"{key} = {toml(v)}" for key, v in made.items()]
    return "\n".join(lines).encode()


def toml(v: Any) -> str:
    """A value as TOML has it."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(v, list):
        return "[" + ", ".join(map(toml, v)) + "]"
    if isinstance(v, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(x)}" for key, x in v.items()) + "}"
    return str(v)


# -- variants --------------------------------------------------------------------------------------

HEAD = "import os, sys, time\nimport trio\n"
BASES = ("V7_2", "V4_14", "Kvm", "object", "Hooks")
HOOKS = (
    "vcpu_load", "vcpu_put", "timer_isr", "run_once", "fold_lr", "flush_lrs", "handle_wfi", "prune",
    "queue_irq_unlock", "target_oracle", "era", "machine_class", "vm_state", "__init__", "no_hook",
)  # fmt: skip
BODIES = (
    "return await super().{hook}(*a)", "return super().{hook}(*a)", "raise ValueError('x\\ny')",
    "self.x = getattr(self, 'x', 0) + 1", "await trio.sleep(0)", "sys.exit(0)", "os._exit(0)",
    "raise KeyboardInterrupt", "return None", "yield 1", "while True: pass", "time.sleep(99)",
    "self.machine.clock.now = -1", "return 1 / 0", "raise BaseException", "raise StopIteration",
    "assert False", "del self.machine", "print('x'); return await super().{hook}(*a)",
    "return self.{hook}(*a)", "raise RecursionError", "raise MemoryError", "a[99]",
    "self.machine.parts = ()", "return 'x'", "await None", "raise SystemExit('x')",
)  # fmt: skip
TOPS = (
    "", "", "", "1 / 0", "sys.exit(1)", "os._exit(1)", "raise KeyboardInterrupt", "import nowhere",
    "def (", "while True: pass", "X = 3", "from harness.kvm import *", "raise BaseException('x')",
)  # fmt: skip


def variant(rng: Random) -> bytes:
    """A file with a class ``X`` that may be a variant."""
    hook = rng.choice(HOOKS)
    body = rng.choice(BODIES).format(hook=hook)
    kind = rng.choice(("async def", "async def", "async def", "def"))
    lines = [HEAD, "from harness.kvm.v7_2 import V7_2", "from harness.kvm.v4_14 import V4_14"]
    lines += ["from harness.kvm.kvm import Kvm", "from harness.kvm.hooks import Hooks"]
    base = rng.choice(BASES[:2] if rng.random() < 0.9 else BASES)
    lines += [rng.choice(TOPS if rng.random() < 0.3 else TOPS[:1]), f"class X({base}):"]
    if hook in ("era", "machine_class", "vm_state"):
        lines.append(f"    {hook} = {rng.choice(('3', 'object', repr('v7.2'), '{1: 2}', '[]'))}")
    else:
        lines.append(f"    {kind} {hook}(self, *a, **k):\n        {body}")
    return "\n".join(lines).encode()
