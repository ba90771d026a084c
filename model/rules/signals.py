"""What a CPU is signalled, acknowledges and drops, and when an acknowledge may come back empty."""

from model import facts
from model.gic.lr import PENDING
from model.gic.registers import FIRST_LPI, IDLE, PRIORITY_MASK, SPURIOUS
from model.machine import Config
from model.rules.rule import SCENE, Rule
from model.rules.scene import is_special

__all__ = ["I13", "I16", "R16", "R7a"]

PPIS = 0xFFFF_0000
"""The level-sensitive ones of the banked interrupts."""


class R7a(Rule):
    """The host's acknowledge makes what it names active, before anything else happens there."""

    id = "R7a"
    section = "Life Cycle, item 1"
    title = "what the host acknowledges becomes active at the distributor"
    hardware = True
    needs = {
        facts.AckedByHost: "on_ack",
        facts.ActiveChanged: "on_active",
        facts.PriorityDropped: "on_drop",
    }

    def reset(self) -> None:
        self.acked = [-1] * self.config.pcpus

    def on_ack(self, f: facts.AckedByHost) -> None:
        self.check(f.pcpu)
        if f.intid < FIRST_LPI and not is_special(f.intid):
            self.acked[f.pcpu] = f.intid

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.cause != "ack":
            return
        # Of an SPI's state there is one; one CPU's acknowledge has won it.
        c = f.pcpu if f.pcpu >= 0 or f.intid not in self.acked else self.acked.index(f.intid)
        if c >= 0 and f.after and self.acked[c] == f.intid:
            self.acked[c] = -1
        else:
            self.fail(f"INTID {f.intid} changed its active state by an acknowledge not for it")

    def on_drop(self, f: facts.PriorityDropped) -> None:
        self.check(f.pcpu)

    def check(self, c: int) -> None:
        if self.acked[c] >= 0:
            intid, self.acked[c] = self.acked[c], -1
            self.fail(f"CPU {c} acknowledged INTID {intid}, which did not become active")


class Signal(Rule):
    """A rule about what the distributor has for a CPU."""

    hardware = True
    needs = {
        facts.Signalled: "on_signal",
        facts.AckedByHost: "on_ack",
        facts.ActiveChanged: SCENE,
        facts.LineChanged: SCENE,
        facts.PriorityDropped: SCENE,
        facts.HostMasked: SCENE,
    }

    @classmethod
    def applies(cls, config: Config) -> bool:
        # The erratum ends the delivery of whatever is pending.
        return config.lr_on_guest_deactivate != "erratum"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        cpus = range(self.config.pcpus)
        forwards = [x for x in self.config.forwards if x.intid < FIRST_LPI]
        self.levels = [[x.intid for x in forwards if x.level and x.target == c] for c in cpus]
        self.spis = [[x.intid for x in forwards if x.target == c] for c in cpus]
        self.spis[0] += [intid for intid, _ in self.config.devices]

    def level_for(self, c: int) -> int:
        """Return a level interrupt that CPU ``c`` is to be signalled, or -1."""
        scene = self.scene
        if not scene.idle[c]:
            return -1
        ready = scene.line[c] & ~scene.active[c] & PPIS
        if ready:
            return (ready & -ready).bit_length() - 1
        for intid in self.levels[c]:
            if intid in scene.high_spis and self.offered(intid):
                return intid
        return -1

    def offered(self, intid: int) -> bool:
        """Tell whether an SPI, if it is pending, is offered to the CPU it is routed to."""
        return intid not in self.scene.active_spis and intid not in self.scene.host_masked

    def pending_for(self, c: int) -> int:
        """Return an interrupt that CPU ``c`` is to be signalled, level or edge, or -1."""
        scene = self.scene
        level = self.level_for(c)
        if level >= 0 or not scene.idle[c]:
            return level
        ready = scene.latched[c] & ~scene.active[c]
        if ready:
            return (ready & -ready).bit_length() - 1
        for intid in self.spis[c]:
            if intid in scene.latched_spis and self.offered(intid):
                return intid
        return min(scene.latched_lpis[c] - scene.host_masked, default=-1)


class R16(Signal):
    """A level interrupt that is not active stays pending while its line is high.

    Nothing but the acknowledge takes it away from an idle CPU: no write to ICPENDR, and no access
    that is about something else.
    """

    id = "R16"
    section = "Edge and Level, paragraph 2"
    title = "a level interrupt stays pending as long as its line is high, whatever is written"

    def on_signal(self, f: facts.Signalled) -> None:
        if not f.level:
            self.check(f.pcpu, "was signalled it no more")

    def on_ack(self, f: facts.AckedByHost) -> None:
        if f.intid == SPURIOUS:
            self.check(f.pcpu, "could not acknowledge it")

    def check(self, c: int, what: str) -> None:
        intid = self.level_for(c)
        if intid >= 0:
            self.fail(
                f"the line of INTID {intid} is high and it is not active, but CPU {c}, idle, {what}"
            )


class I13(Rule):
    """No CPU is deaf: whatever it took, or failed to take, has left it able to take the next."""

    id = "I13"
    section = "Life Cycle, note (*) (derived; Xen 8aa276235b)"
    title = "after each interrupt of the host the running priority is idle again"
    needs = {
        facts.AckedByHost: SCENE,
        facts.PriorityDropped: SCENE,
        facts.IsrEnded: "on_later",
        facts.Entered: "on_later",
    }

    def on_later(self, f: facts.IsrEnded | facts.Entered) -> None:
        if not self.scene.idle[f.pcpu]:
            self.fail(
                f"CPU {f.pcpu} has handled an interrupt and its running priority was not dropped: "
                "it takes nothing of default priority any more"
            )


class I16(Signal):
    """Each empty acknowledge is justified: what raised the signal is gone, and nothing else waits.

    The host's: the CPU was signalled for something, and now nothing is pending for it. The guest's:
    no List Register is pending with a priority that its mask and its running priority let through.
    """

    id = "I16"
    section = "Edge and Level (derived; IHI0069 ICC_IAR1_EL1, ICV_IAR1_EL1)"
    title = "an acknowledge returns 1023 only if nothing can be taken any more"
    needs = {
        **Signal.needs,
        facts.PendingChanged: SCENE,
        facts.AckedByGuest: "on_guest",
        facts.LrMoved: "on_moved",
        facts.LrWritten: SCENE,
        facts.Completed: "on_eoi",
        facts.GuestMask: SCENE,
        facts.Entered: SCENE,
        facts.VmReset: "on_reset",
    }

    def reset(self) -> None:
        self.raised = [False] * self.config.pcpus
        self.running: list[list[int]] = [[] for _ in range(self.config.vcpus)]

    def on_signal(self, f: facts.Signalled) -> None:
        if f.level:
            self.raised[f.pcpu] = self.pending_for(f.pcpu) >= 0

    def on_ack(self, f: facts.AckedByHost) -> None:
        if f.intid != SPURIOUS:
            return
        intid = self.pending_for(f.pcpu)
        if intid >= 0:
            self.fail(f"CPU {f.pcpu} read 1023 from IAR although INTID {intid} is pending for it")
        elif not self.raised[f.pcpu]:
            self.fail(f"CPU {f.pcpu} read 1023 from IAR, and nothing had been pending for it")

    def on_reset(self, f: facts.VmReset) -> None:
        self.running[f.vcpu].clear()

    def on_moved(self, f: facts.LrMoved) -> None:
        if f.access == "iar":
            self.running[self.scene.guest[f.pcpu]].append(f.before.priority)

    def on_eoi(self, f: facts.Completed) -> None:
        running = self.running[self.scene.guest[f.pcpu]]
        if running:
            running.remove(min(running))

    def on_guest(self, f: facts.AckedByGuest) -> None:
        if f.vintid != SPURIOUS:
            return
        v = self.scene.guest[f.pcpu]
        limit = min(self.scene.pmr[v] & PRIORITY_MASK, *self.running[v], IDLE)
        for lr in self.scene.used[f.pcpu].values():
            if lr.state == PENDING and lr.priority < limit:
                self.fail(
                    f"the guest of VCPU {v} read 1023 from IAR on CPU {f.pcpu} although vINTID "
                    f"{lr.vintid} is pending with priority {lr.priority:#x}, above {limit:#x}"
                )
                return
