"""The states that a scenario exists to reach: how rare they are, and which are out of reach.

A state that was not reached says little if a few schedules were run: some are rare by nature. How
rare was measured (``python -m tests.rare`` prints the table); what is not in it is more frequent
than one schedule in twenty.
"""

import math
from typing import Final

from harness.spec import RunSpec

__all__ = ["RARE", "enough_for", "out_of_reach"]

LOW: Final = 0.05
"""A state that is not in the table comes in at least such a share of the schedules."""

RARE: Final = {
    ("overflow-dir", "v7.2", "a maintenance interrupt forced an exit"): 0.034,
    ("smp-mix", "v4.14", "an SPI moved to another VCPU"): 0.013,
    ("smp-mix", "v7.2", "an SPI moved to another VCPU"): 0.023,
}
"""Scenario, era, state: the share of schedules of mix that reach it, where it is below 5 %."""

NEEDED: Final[dict[str, dict[str, int]]] = {
    "moved while pending": {"pcpus": 2},
    "moved while active": {"pcpus": 2},
    "host handled a device on another CPU": {"pcpus": 2},
    "a kick forced the guest out": {"pcpus": 2},
    "two VCPUs took turns on a CPU": {"vcpus": 2},
    "an SPI moved to another VCPU": {"vcpus": 2},
    "deactivated by another VCPU": {"vcpus": 2},
}
"""The sizes without which a state cannot be reached."""


def enough_for(scenario: str, era: str, state: str) -> int:
    """Return how many schedules reach a state with 95 % confidence (rule of three)."""
    return math.ceil(3 / RARE.get((scenario, era, state), LOW))


def out_of_reach(spec: RunSpec, state: str) -> str:
    """Say which size or knob makes a state impossible; "" if none is known to."""
    for size, least in NEEDED.get(state, {}).items():
        if getattr(spec, size) < least:
            return f"{size}={getattr(spec, size)}"
    if state == "deactivation in flight at fold" and ("gic_messages", "synchronous") in spec.knobs:
        return "gic_messages=synchronous"
    return ""
