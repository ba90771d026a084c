"""Variants as a user writes them, each with one mistake. Not a test: read as a file by path."""

import asyncio
import os
import time
from typing import Any

import trio
import trio.lowlevel

from harness.context import Context
from harness.kvm.steps import Steps
from harness.kvm.v7_2 import V7_2
from harness.runtime import Runtime

CALLS = 0
SEEN: dict[str, list[int]] = {}


class Clean(V7_2):
    LIMITS = (1, 2)

    async def timer_isr(self, h: Context) -> bool | None:
        return await super().timer_isr(h)


class Attribute(V7_2):
    def __init__(self, rt: Any) -> None:
        super().__init__(rt)
        self.taken: list[int] = []

    async def timer_isr(self, h: Context) -> bool | None:
        self.taken.append(h.c)
        return await super().timer_isr(h)


class ClassAttribute(V7_2):
    taken = 0

    async def timer_isr(self, h: Context) -> bool | None:
        type(self).taken += 1
        return await super().timer_isr(h)


class Global(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        global CALLS
        CALLS += 1
        return await super().timer_isr(h)


class DeepGlobal(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        SEEN.setdefault("x", []).append(h.c)
        return await super().timer_isr(h)


class Default(V7_2):
    async def timer_isr(self, h: Context, _seen: list[int] = []) -> bool | None:  # noqa: B006
        _seen.append(h.c)
        return await super().timer_isr(h)


class Sleeps(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        await trio.sleep(0)  # noqa: ASYNC115  # as a user writes it
        return await super().timer_isr(h)


class SleepsElsewhere(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        await asyncio.sleep(0)
        return await super().timer_isr(h)


class Forgets(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        super().timer_isr(h)  # type: ignore[unused-coroutine]
        return None


class ForgetsStep(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        h.step(Steps.host_eoir)
        return await super().timer_isr(h)


class Touches(V7_2):
    async def vcpu_load(self, t: Context) -> None:
        self.machine.clock.now += 0
        await super().vcpu_load(t)


class Unlocked(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        irq = self.machine.private[0, 27]
        await h.step(Steps.inject, h.at(0, irq))
        irq.pending_latch = irq.pending_latch
        return await super().timer_isr(h)


class Raises(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        self.machine.irq(99, 99)
        return None


class Leaves(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        os._exit(0)


class LeavesByName(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        raise SystemExit(0)


class Waits(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        time.sleep(1_000)  # noqa: ASYNC251  # on purpose
        return None


class WaitsWhenMade(V7_2):
    def __init__(self, rt: Runtime) -> None:
        super().__init__(rt)
        time.sleep(1_000)


class Loops(V7_2):
    async def timer_isr(self, h: Context) -> bool | None:
        while h.c < 1_000:
            pass
        return None


class LoopsForgetting(V7_2):
    async def run_once(self, t: Context) -> str:
        return super().run_once(t)  # type: ignore[return-value]  # on purpose
