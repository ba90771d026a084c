"""A pool of workers of a Dask cluster (dask.distributed; the extra ``vgic-race[dask]``).

The same batches go to whoever has time, and the same results come back: a worker needs this version
of vgic-race and, for a variant or a scenario of the user's, its file at the same path. A batch
whose worker is gone is run again by another: Dask sees to that. Time is told by each machine's own
clock, so a batch is sent with the seconds that it may take.
"""

import contextlib
import importlib
import logging
import os
import queue
import threading
import time
from types import TracebackType
from typing import Any

import msgspec

from harness.campaign.batches import Batch, BatchResult, Lost
from harness.campaign.plan import Plan
from harness.campaign.pool import Found, Pool
from harness.campaign.workers import Worker
from harness.errors import UsageError

__all__ = ["DaskPool", "run_there"]

CONNECT_SECONDS = 10
IN_HAND = 2
"""Batches under way for each thread of the cluster."""


class DaskPool:
    """Batches run on the workers of a scheduler.

    Raises:
        UsageError: Dask is not installed, or there is no scheduler at the address, or no worker.
    """

    def __init__(self, plan: Plan, found: Found) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise UsageError(
                "--dask needs dask.distributed: install vgic-race[dask] (pip install distributed)"
            ) from None
        self.plan = plan
        self.found = found
        logging.getLogger("distributed").setLevel(logging.ERROR)  # what matters is told here
        try:
            self.client = distributed.Client(
                plan.dask, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (TimeoutError, OSError, ValueError, TypeError) as error:
            why = str(error).partition("\n")[0] or type(error).__name__
            raise UsageError(f"--dask {plan.dask!r}: no scheduler there: {why}") from None
        threads = sum(self.client.nthreads().values())
        if not threads:
            self.client.close()
            raise UsageError(f"--dask {plan.dask!r}: the scheduler has no workers")
        self.depth = IN_HAND * threads
        self.sent = msgspec.structs.replace(plan, deadline=None, dask="", jobs=1)
        self.results: queue.SimpleQueue[tuple[Batch, Any]] = queue.SimpleQueue()
        self.futures: dict[Batch, Any] = {}
        self.stopping = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self.client.close()

    def submit(self, batch: Batch) -> None:
        """Send a batch to the scheduler."""
        left = None
        if self.plan.deadline is not None:
            left = max(self.plan.deadline - time.monotonic(), 0.0)
        future = self.client.submit(run_there, self.sent, batch, left, os.getcwd(), pure=False)
        self.futures[batch] = future
        future.add_done_callback(lambda done: self.results.put((batch, done)))

    def take(self, seconds: float) -> "list[BatchResult | Lost]":
        """Return what has come in, after at most so many seconds."""
        out: list[BatchResult | Lost] = []
        if self.stopping:
            self.kill()
        wait: float | None = seconds
        with contextlib.suppress(queue.Empty):
            while True:
                batch, future = self.results.get(block=wait is not None, timeout=wait)
                wait = None
                if future is None:
                    out.append(BatchResult(batch.entry, batch.first, batch.count, batch.stride))
                elif self.futures.pop(batch, None) is not None:
                    out.append(self.result(batch, future))
        return out

    def result(self, batch: Batch, future: Any) -> "BatchResult | Lost":
        """Return what became of a batch."""
        error = future.exception()
        if error is not None:
            spec = self.plan.specs[batch.entry]
            said = str(error).partition("\n")[0]
            return Lost(
                batch,
                f"the Dask cluster could not run a batch of scenario {spec.scenario!r}, variant "
                f"{spec.variant!r}: {type(error).__name__}: {said}",
            )
        result: BatchResult = future.result()
        for finding in result.findings:
            self.found(batch.entry, finding)
        return result

    def stop(self) -> None:
        """Give up everything when results are taken in next."""
        self.stopping = True

    def kill(self) -> None:
        """Give up everything."""
        futures = list(self.futures.items())
        self.futures.clear()
        with contextlib.suppress(Exception):
            self.client.cancel([future for _, future in futures], force=True)
        for batch, _ in futures:
            self.results.put((batch, None))


class There:
    """The workers of this process, by plan: the worlds that they have built stay."""

    lock = threading.Lock()
    workers: "dict[bytes, Worker]" = {}


def run_there(plan: Plan, batch: Batch, seconds: float | None, folder: str) -> BatchResult:
    """Run a batch in a process of the cluster; one at a time, as an engine is one thread's.

    Args:
        plan: the campaign.
        batch: what to run.
        seconds: how long it may take (its first schedule is run in any case); None: as it takes.
        folder: from where paths are meant, if that exists here.
    """
    key = msgspec.msgpack.encode(plan)
    with There.lock:
        here = os.getcwd()
        with contextlib.suppress(OSError):
            os.chdir(folder)
        try:
            worker = There.workers.get(key)
            if worker is None:
                There.workers.clear()
                worker = There.workers[key] = Worker(plan, threading.Event())
            deadline = None if seconds is None else time.monotonic() + seconds
            worker.plan = msgspec.structs.replace(plan, deadline=deadline)
            return worker.run(batch)
        finally:
            os.chdir(here)
