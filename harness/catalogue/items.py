"""What ``vgic-race list NAME`` says of a rule or a scenario, whoever wrote it."""

from typing import Any

from harness.catalogue.words import paragraphs
from harness.scenarios.schema import Scenario
from model.check.rule import Rule

__all__ = ["Item", "rule_item", "scenario_item"]

Item = dict[str, Any]


def rule_item(cls: type[Rule]) -> Item:
    """Return what a rule says, and what it needs."""
    return {
        "type": "rule",
        "name": cls.id,
        "title": cls.title,
        "says": paragraphs(cls.__doc__),
        "section": cls.section,
        "kind": cls.kind,
        "about": "a guest" if cls.guest else "the hardware" if cls.hardware else "KVM",
        "eras": list(cls.eras),
        "needs": sorted(fact.__name__ for fact in cls.needs()),
        "alarms": {tag: alarm.template for tag, alarm in cls.alarms.items()},
    }


def scenario_item(name: str, scenario: Scenario) -> Item:
    """Return what a scenario has: sizes, programs, devices."""
    return {
        "type": "scenario",
        "name": name,
        "title": scenario.title,
        "pcpus": scenario.pcpus,
        "vcpus": scenario.vcpus or len(scenario.vcpu),
        "lrs": scenario.lrs,
        "grows": scenario.grows,
        "programs": ["; ".join(vcpu.program) for vcpu in scenario.vcpu],
        "devices": [f"{f.what} as vINTID {f.vintid} for VCPU {f.vcpu}" for f in scenario.forward]
        + [f"host device {d.intid}, up to {d.edges} edges" for d in scenario.device],
    }
