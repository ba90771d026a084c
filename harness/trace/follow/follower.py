"""The records of a trace, one by one: which VM each is about."""

from collections.abc import Iterable

from harness.trace import events as ev
from harness.trace.follow.base import Shared
from harness.trace.follow.kernels import Kernel
from harness.trace.follow.state import Flow
from harness.trace.follow.tally import Excuser, Tally
from harness.trace.follow.timers import BG_FUNCTION
from harness.trace.follow.vm import Vm
from harness.trace.line import Record

__all__ = ["Follower"]

MONOTONIC = 1_000_000
"""Clocks that differ by less than so many ns are one and the same."""
IGNORED = (ev.IrqEntry, ev.IrqExit, ev.HrtimerDone, ev.IpiEntry, ev.IpiExit, ev.Mark, ev.Migrate)


class Follower:
    """The model in lock step with a trace; ``feed`` it the records, then ``end``.

    ``tally`` has what was compared. ``over`` are hooks to lay over the hypervisor.
    """

    def __init__(self, kernel: Kernel, excuser: Excuser, over: Iterable[type] = ()) -> None:
        self.tally = Tally(excuser)
        self.shared = Shared(kernel, self.tally, over)
        self.flows: dict[int, Flow] = {}
        self.vm = Vm(self.shared)
        self.vm.flows = self.flows
        self.last: Record | None = None

    def feed(self, record: Record) -> None:
        """Follow one event of the trace."""
        event = record.event
        kind = type(event)
        where = record.where
        if kind is ev.Lost or kind is ev.BufferStarted:
            self.forget()
            return
        self.tally.record = record
        shared = self.shared
        shared.kinds.add(kind)
        flow = self.flows.get(where.context)
        if flow is None:
            flow = self.flows[where.context] = Flow(where.context)
        if shared.due:
            due = shared.due.get(where.cpu)
            if due is not None:
                vm, vc = due
                if not self.vm.within_exit(vc, flow, event):
                    self.vm.at, self.vm.time = record.line, record.time
                    self.vm.settle(vc)
        if kind is ev.HrtimerExpire:
            self.expired(flow, record)
        self.vm.feed(flow, record)

    def expired(self, flow: Flow, record: Record) -> None:
        """Learn the host's clock; follow the expiry of a background timer."""
        event = record.event
        assert isinstance(event, ev.HrtimerExpire), "one"
        ahead = event.now - record.time
        self.shared.ahead = 0 if abs(ahead) < MONOTONIC else ahead

    def forget(self) -> None:
        """Know nothing any more: events were lost."""
        self.shared.due.clear()
        self.vm.forget()
        for flow in self.flows.values():
            flow.forget()

    def end(self) -> None:
        """The trace is over; what is still under way is not judged."""


assert BG_FUNCTION
