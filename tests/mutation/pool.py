"""Runs functions in forked processes, a few at a time, each call in a process of its own."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

__all__ = ["CPU_SECONDS_MAX", "run_all"]

A = TypeVar("A")
R = TypeVar("R")

CPU_SECONDS_MAX = 300
"""After so many CPU seconds a process is ended."""
PR_SET_PDEATHSIG = 1
"""prctl: which signal a process gets when its parent ends."""
MEMORY_MAX = 2 << 30
"""In bytes: what grows without end shall not take the machine with it."""


class Running(Generic[A]):
    """A process, what it works on, and where its answer comes."""

    def __init__(self, argument: A, process: BaseProcess, answer: Connection) -> None:
        self.argument = argument
        self.process = process
        self.answer = answer


def run_all(
    function: Callable[[A], R], arguments: Iterable[A], jobs: int
) -> Iterator[tuple[A, R | None]]:
    """Call ``function`` for each argument, ``jobs`` at a time, and give the answers as they come.

    The answer of a process that dies is None. However this ends, all processes end with it.
    """
    context = get_context("fork")
    left = iter(arguments)
    running: list[Running[A]] = []

    def start() -> None:
        for argument in left:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=work, args=(function, argument, theirs, os.getpid()), daemon=True
            )
            process.start()
            theirs.close()
            running.append(Running(argument, process, ours))
            return

    try:
        for _ in range(jobs):
            start()
        while running:
            ready = wait([x.answer for x in running])
            for one in [x for x in running if x.answer in ready]:
                try:
                    answer: R | None = one.answer.recv()
                except EOFError:
                    answer = None
                one.process.join()
                one.answer.close()
                running.remove(one)
                start()
                yield one.argument, answer
    finally:
        for one in running:
            one.process.kill()
        for one in running:
            one.process.join()


def work(function: Callable[[A], R], argument: A, answer: Connection, parent: int) -> None:
    """Be the process: make the call within limits, and send what it gives; end with ``parent``."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    try:
        answer.send(function(argument))
    except KeyboardInterrupt:
        os._exit(130)
    finally:
        answer.close()
