"""Where batches run: in this process, or in a pool of others.

Workers are started by a fork server (or spawned), never forked from a process that may run Trio,
and with Ctrl-C blocked from their first moment on: only the parent answers it.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Protocol

from harness.campaign import workers
from harness.campaign.plan import Plan
from harness.campaign.workers import Batch, BatchResult, Stop, Worker

__all__ = ["Pool", "make_pool"]


class Pool(Protocol):
    """Takes batches, and can be told to end early."""

    stop: Stop
    depth: int
    """How many batches to keep under way."""

    def submit(self, batch: Batch) -> "Future[BatchResult]":
        """Run a batch, now or later.

        Raises:
            BrokenProcessPool: a worker process has died; no more batches are taken.
        """

    def kill(self) -> None:
        """End workers that do not answer."""


def make_pool(plan: Plan) -> "AbstractContextManager[Pool]":
    """Make the pool for a plan: this process for one job, else one process per job."""
    return Inline(plan) if plan.jobs == 1 else Processes(plan)


class Inline:
    """One job: batches run where they are submitted."""

    depth = 1

    def __init__(self, plan: Plan) -> None:
        self.stop: Stop = threading.Event()
        self.worker = Worker(plan, self.stop)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def submit(self, batch: Batch) -> "Future[BatchResult]":
        """Run a batch at once."""
        future: Future[BatchResult] = Future()
        future.set_result(self.worker.run(batch))
        return future

    def kill(self) -> None:
        """There is nothing to end."""


class Processes:
    """Several jobs: batches run in worker processes."""

    def __init__(self, plan: Plan) -> None:
        known = multiprocessing.get_all_start_methods()
        method = "forkserver" if "forkserver" in known else "spawn"
        context = multiprocessing.get_context(method)
        if method == "forkserver":
            context.set_forkserver_preload(
                [workers.__name__, f"harness.engine.{plan.engine}_engine"]
            )
            # Starting it later would unblock what submit blocks.
            resource_tracker.ensure_running()
        self.stop: Stop = context.Event()
        self.depth = 2 * plan.jobs
        self.others = set(multiprocessing.active_children())
        self.executor = ProcessPoolExecutor(
            plan.jobs, context, workers.begin_worker, (plan, self.stop, os.getcwd())
        )

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        if error is not None:
            self.kill()
        self.executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, batch: Batch) -> "Future[BatchResult]":
        """Hand a batch to the workers; this is where they are started."""
        if not hasattr(signal, "pthread_sigmask"):
            return self.executor.submit(workers.run_batch, batch)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self.executor.submit(workers.run_batch, batch)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def kill(self) -> None:
        """End the workers, whatever they are doing."""
        for process in set(multiprocessing.active_children()) - self.others:
            process.terminate()
