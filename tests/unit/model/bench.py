"""A machine without any task, to send messages on."""

from model.facts import (
    Fact,
)
from model.machine import Config, Machine
from model.timer import ENABLE, VTIMER_PPI

SPI = 40


class Bench:
    """A machine of two CPUs without any task, and the facts it tells."""

    def __init__(
        self,
        lag: int = 1,
        mode: str = "queued",
        cls: type[Machine] = Machine,
        *,
        posted: bool = False,
        ipis: str = "at-once",
    ) -> None:
        self.facts: list[Fact] = []
        config = Config(
            pcpus=2,
            gic_lag=lag,
            gic_messages=mode,
            devices=((SPI, 4),),
            posted_writes=posted,
            ipis=ipis,
        )
        self.machine = cls(config, self.facts.append)
        self.gic = self.machine.gic
        self.messages = self.machine.messages
        self.facts.clear()

    def fire(self, c: int = 0, on: bool = True) -> None:
        """Raise or lower the output of a CPU's timer; the distributor has not seen it yet."""
        self.machine.hw_timers[c].ctl = ENABLE if on else 0

    def line(self, c: int = 0) -> bool:
        return self.gic.line(c, VTIMER_PPI)

    def pin(self, c: int = 0) -> bool:
        return self.machine.signals[c].pin

    def deactivate_later(self, c: int = 0, intid: int = VTIMER_PPI) -> None:
        """The guest's deactivation, of an interrupt that is active."""
        self.gic.set_active(c, intid, True)
        self.messages.send_deactivation(c, intid)

    def active(self, c: int = 0) -> bool:
        return self.gic.is_active(c, VTIMER_PPI)
