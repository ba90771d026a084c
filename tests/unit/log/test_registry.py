"""The registry: every fact kind has a text, is flat in the log, and comes back as it was."""

from typing import get_type_hints

import msgspec
import pytest

from harness.log.flat import fact_fields, fact_from
from harness.log.registry import REGISTRY, describe
from model.facts import KINDS, Fact
from model.gic.lr import ACTIVE, EMPTY, PENDING, Lr
from model.identity import AP_LIST, CONFIG, IRQ, VTIMER, Actor, LockId

SAMPLES = {
    int: 3,
    bool: True,
    str: "irq",
    bool | None: None,
    Lr: Lr(vintid=27, state=PENDING, hw=True, pintid=27, priority=0xA0),
    Actor: Actor("soft-timer", vcpu=1, n=VTIMER),
    LockId: LockId(IRQ, 1, 27),
}


def sample(kind: str) -> Fact:
    cls = KINDS[kind]
    hints = get_type_hints(cls)
    values = {field.name: SAMPLES[hints[field.name]] for field in msgspec.structs.fields(cls)}
    if "timer" in values:
        values["timer"] = VTIMER
    if kind == "fold":
        values["state"] = ACTIVE
    if "before" in values and isinstance(values["before"], Lr):
        values["before"] = EMPTY
    return cls(**values)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_and_text(kind: str) -> None:
    fact = sample(kind)
    line = fact_fields(fact)
    assert all(value is None or isinstance(value, int | str) for value in line.values())
    assert "cpu" not in line
    decoded = msgspec.json.decode(msgspec.json.encode({"event": kind, **line}))
    assert fact_from(decoded) == fact
    text = describe(fact)
    assert "\n" not in text
    assert "{" not in text


def test_one_registry_for_everything() -> None:
    assert set(REGISTRY) == {"header", "step", "rest", "violation", "footer", *KINDS}
    assert all(name == kind.name for name, kind in REGISTRY.items())


def test_before_and_after() -> None:
    assert fact_fields(sample("active"))["before"] is False
    assert describe(sample("active")) == "INTID 3: inactive -> active (irq)"
    assert describe(sample("line")) == "line of INTID 3 low -> high"
    lr = fact_fields(sample("lr-written"))
    assert (lr["before_state"], lr["after_state"], lr["vintid"]) == (0, PENDING, 27)
    assert describe(sample("lr-written")).endswith("empty -> pending vINTID 27 HW 27")


def test_actors_and_locks() -> None:
    line = fact_fields(sample("lock"))
    assert line == {
        "actor_kind": "soft-timer", "actor_pcpu": -1, "actor_vcpu": 1, "actor_n": VTIMER,
        "lock_kind": "irq", "lock_vcpu": 1, "lock_intid": 27, "irqs_off": True, "in_irq": True,
    }  # fmt: skip
    text = describe(sample("lock-missing"))
    assert text == f"{SAMPLES[Actor]} does not hold irq_lock of vINTID 27 of VCPU 1 (irq)"
    assert [str(LockId(CONFIG)), str(LockId(AP_LIST, 2)), str(LockId(IRQ, -1, 80))] == [
        "config_lock", "ap_list_lock of VCPU 2", "irq_lock of vINTID 80",
    ]  # fmt: skip
