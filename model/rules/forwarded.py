"""What the document says of passthrough devices: the host acknowledges, the guest ends."""

from collections.abc import Iterator

from model import facts
from model.gic.registers import FIRST_LPI, FIRST_SPI
from model.machine import Config, Forward
from model.messages import VTIMER_PPI
from model.rules.rule import EVENTUALLY, SCENE, Rule

__all__ = ["R4", "R13", "R20", "R21", "R24", "R25", "R26", "R27", "R2b"]


class R2b(Rule):
    """A virtual interrupt is in one List Register at most, on one CPU at most."""

    id = "R2b"
    section = "The HW bit, paragraph 1 (IHI0069 ICH_LR<n>_EL2)"
    title = "at an entry no virtual interrupt is in two List Registers"
    needs = {facts.Entered: "on_entry", facts.LrWritten: SCENE}

    def on_entry(self, f: facts.Entered) -> None:
        seen: list[int] = []
        for lr in self.scene.used[f.pcpu].values():
            if lr.vintid in seen:
                self.fail(
                    f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {lr.vintid} in "
                    "two List Registers"
                )
            seen.append(lr.vintid)
        for c in range(self.config.pcpus):
            if c == f.pcpu or self.scene.guest[c] < 0:
                continue
            for lr in self.scene.used[c].values():
                if lr.vintid >= FIRST_SPI and lr.vintid in seen:
                    self.fail(
                        f"VCPU {f.vcpu} entered its guest on CPU {f.pcpu} with vINTID {lr.vintid} "
                        f"in a List Register while CPU {c} has it in one too"
                    )


class R4(Rule):
    """A HW register names the physical interrupt that its virtual one is mapped to."""

    id = "R4"
    section = "The HW bit, paragraph 2"
    title = "KVM writes the mapped physical INTID into each HW List Register"
    needs = {facts.LrWritten: "on_written"}

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.mapped = {VTIMER_PPI: VTIMER_PPI}
        self.mapped.update({f.vintid: f.intid for f in self.config.forwards})

    def on_written(self, f: facts.LrWritten) -> None:
        lr = f.after
        if lr.state and lr.hw and self.mapped.get(lr.vintid) != lr.pintid:
            self.fail(
                f"KVM wrote LR{f.index} of CPU {f.pcpu}: vINTID {lr.vintid} linked to INTID "
                f"{lr.pintid}, but it is mapped to {self.mapped.get(lr.vintid)}"
            )


class R13(Rule):
    """Not shared: the host leaves it active when its handler ends; the guest deactivates it."""

    id = "R13"
    section = "Life Cycle, note (*), non-shared interrupts"
    title = "the host never deactivates a forwarded SPI: its guest does"
    needs = {
        facts.ActiveChanged: "on_active",
        facts.DeactivationSent: "on_sent",
        facts.Emulated: "on_sent",
    }

    @classmethod
    def applies(cls, config: Config) -> bool:
        return bool(config.forwards)

    def reset(self) -> None:
        self.forwarded = tuple(f.intid for f in self.config.forwards)
        self.under_way: list[int] = []

    def on_sent(self, f: facts.DeactivationSent | facts.Emulated) -> None:
        # By its List Register, or by KVM in its stead where it has none.
        self.under_way.append(f.intid)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.intid not in self.forwarded or f.after or f.cause != "deactivate":
            return
        if f.intid in self.under_way:
            self.under_way.remove(f.intid)
        else:
            self.fail(f"the host deactivated INTID {f.intid}, which is forwarded to a guest")


class R20(Rule):
    """While it is active an edge only marks it pending: no CPU is interrupted."""

    id = "R20"
    section = "Edge and Level, paragraph 3"
    title = "a CPU never acknowledges a forwarded interrupt that is active"
    hardware = True
    needs = {facts.AckedByHost: "on_ack", facts.ActiveChanged: "on_active"}

    def reset(self) -> None:
        self.forwarded = tuple(f.intid for f in self.config.forwards if f.intid < FIRST_LPI)
        self.acks: dict[int, int] = dict.fromkeys(self.forwarded, 0)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.intid in self.acks and not f.after:
            self.acks[f.intid] = 0

    def on_ack(self, f: facts.AckedByHost) -> None:
        # The acknowledge itself makes it active; a second one before it ends is the fault.
        if f.intid in self.acks:
            self.acks[f.intid] += 1
            if self.acks[f.intid] > 1:
                self.fail(f"CPU {f.pcpu} acknowledged INTID {f.intid} while it was active")


class EdgeLedger(Rule):
    """What has arrived is acknowledged once, and nothing is acknowledged that has not arrived."""

    kind = EVENTUALLY
    hardware = True
    needs = {facts.EdgeArrived: "on_edge", facts.AckedByHost: "on_ack"}

    @classmethod
    def counts(cls, forward: Forward) -> bool:
        """Tell whether the rule is about this device."""
        raise NotImplementedError

    @classmethod
    def applies(cls, config: Config) -> bool:
        return any(cls.counts(f) for f in config.forwards)

    def reset(self) -> None:
        self.intids = tuple(f.intid for f in self.config.forwards if self.counts(f))
        self.owed: list[int] = []

    def on_edge(self, f: facts.EdgeArrived) -> None:
        if f.intid in self.intids and f.intid not in self.owed:
            self.owed.append(f.intid)

    def on_ack(self, f: facts.AckedByHost) -> None:
        if f.intid not in self.intids:
            return
        if f.intid in self.owed:
            self.owed.remove(f.intid)
        else:
            self.fail(f"CPU {f.pcpu} took INTID {f.intid} although nothing had arrived since")

    def at_rest(self) -> Iterator[str]:
        for intid in self.owed:
            if not self.scene.is_active(-1, intid):
                yield f"the host's interrupt for INTID {intid}, which had arrived"


class R21(EdgeLedger):
    """Edges in the window from the host's acknowledge to the deactivation: one more interrupt."""

    id = "R21"
    section = "Edge and Level, paragraph 3"
    title = "after the deactivation the host takes an edge again iff one came while it was active"

    @classmethod
    def counts(cls, forward: Forward) -> bool:
        return not forward.level and forward.intid < FIRST_LPI


class R24(Rule):
    """LPIs have no active state."""

    id = "R24"
    section = "Forwarded LPIs, paragraph 1"
    title = "an LPI is never active at the distributor"
    hardware = True
    needs = {facts.ActiveChanged: "on_active"}

    @classmethod
    def applies(cls, config: Config) -> bool:
        return any(f.intid >= FIRST_LPI for f in config.forwards)

    def on_active(self, f: facts.ActiveChanged) -> None:
        if f.intid >= FIRST_LPI:
            self.fail(f"LPI {f.intid} became {'active' if f.after else 'inactive'}")


class R25(EdgeLedger):
    """An LPI is pending from a message to the acknowledge; a new message makes it so again."""

    id = "R25"
    section = "Forwarded LPIs, paragraph 1"
    title = "each LPI that has arrived is acknowledged, once"

    @classmethod
    def counts(cls, forward: Forward) -> bool:
        return forward.intid >= FIRST_LPI


class R26(Rule):
    """The HW bit links PPIs and SPIs only."""

    id = "R26"
    section = "Forwarded LPIs, paragraph 2"
    title = "no HW List Register is linked to an SGI or an LPI"
    needs = {facts.LrWritten: "on_written"}

    def on_written(self, f: facts.LrWritten) -> None:
        lr = f.after
        if lr.state and lr.hw and not 16 <= lr.pintid <= 1019:
            self.fail(
                f"KVM wrote LR{f.index} of CPU {f.pcpu}: vINTID {lr.vintid} in a HW List Register "
                f"linked to INTID {lr.pintid}"
            )


class R27(Rule):
    """An LPI that comes while its guest runs is queued, and the VCPU is made to take it."""

    id = "R27"
    section = "Forwarded LPIs, paragraph 3"
    title = "the guest of an LPI gets it, by a kick if it runs"
    kind = EVENTUALLY
    needs = {facts.DeviceRaised: SCENE, facts.DeviceServed: SCENE}

    @classmethod
    def applies(cls, config: Config) -> bool:
        return any(f.intid >= FIRST_LPI for f in config.forwards)

    def at_rest(self) -> Iterator[str]:
        for f in self.config.forwards:
            waits = f.vintid in self.scene.device_work[f.vcpu]
            if f.intid >= FIRST_LPI and waits and not self.scene.halted[f.vcpu]:
                yield f"LPI {f.intid}, which is vINTID {f.vintid} of VCPU {f.vcpu}"
