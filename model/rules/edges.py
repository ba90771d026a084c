"""Edges are neither lost nor made from nothing on their way through KVM (I6)."""

from collections.abc import Iterator

from model import facts
from model.gic.lr import PENDING
from model.gic.registers import FIRST_SPI, SGIS
from model.rules.ap_list import key_of
from model.rules.rule import EVENTUALLY, SCENE, Rule
from model.rules.scene import is_special

__all__ = ["I6"]


class Edge:
    """Where the events of one virtual edge are.

    ``sure``: the software latch is certainly set; ``many``: how many events may be in it, one (or,
    for an SGI of a GICv2, one per sender) at the most, but a flush takes one out before it shows;
    ``shown``: it is pending in a List Register, and ``made_up``: nothing was accepted for that.
    """

    __slots__ = ("enabled", "made_up", "many", "shown", "sure", "target", "vintid")

    def __init__(self, vintid: int, target: int) -> None:
        self.vintid = vintid
        self.target = target
        self.sure = self.shown = self.made_up = False
        self.enabled = True
        self.many = 0


class I6(Rule):
    """Each edge that was accepted is represented once until its guest acknowledges it.

    From the host's acknowledge (before it, R20, R21 and R25 say so) through the software latch and
    List Registers to the guest's. Coalescing is legal, into the latch. A flush takes the latch
    before the List Register is seen to be written, so an event between the two can look as if it
    had been coalesced until the next fold tells.
    """

    id = "I6"
    section = "Edge and Level, paragraphs 3 and 4 (derived; Linux d42c79701a3e, Xen 394b7e587b)"
    title = "no accepted edge is lost, and a guest acknowledges none that was not accepted"
    kind = EVENTUALLY
    needs = {
        facts.AckedByHost: "on_host_ack",
        facts.IsrEnded: "on_isr_end",
        facts.SgiSent: "on_sgi",
        facts.Injected: "on_inject",
        facts.LrWritten: "on_written",
        facts.Folded: "on_fold",
        facts.AckedByGuest: "on_guest_ack",
        facts.RegisterWritten: "on_register",
        facts.Retargeted: "on_retarget",
        facts.Entered: "on_entry",
        facts.GuestMask: SCENE,
        facts.Halted: SCENE,
    }

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        edges = [x for x in self.config.forwards if not x.level]
        self.vcpu_of = {x.vintid: x.vcpu for x in edges}
        self.vintid_of = {x.intid: x.vintid for x in edges}
        self.sourced = self.config.gic_version == 2

    def reset(self) -> None:
        self.edges: dict[int, Edge] = {}
        # Per CPU: what its handler acknowledged and has not injected yet (a vINTID).
        self.acked = [-1] * self.config.pcpus
        # Per VCPU: the SGI its guest sent and KVM has not injected yet (target and vINTID).
        self.sent: list[tuple[int, int] | None] = [None] * self.config.vcpus

    def edge(self, v: int, vintid: int) -> Edge | None:
        """Return the events of an interrupt, or None if it is no edge."""
        if vintid >= SGIS and vintid not in self.vcpu_of:
            return None
        key = key_of(v, vintid)
        edge = self.edges.get(key)
        if edge is None:
            target = self.vcpu_of[vintid] if vintid >= FIRST_SPI else v
            edge = self.edges[key] = Edge(vintid, target)
        return edge

    # -- into KVM ------------------------------------------------------------------------------

    def on_host_ack(self, f: facts.AckedByHost) -> None:
        if f.intid in self.vintid_of:
            self.acked[f.pcpu] = self.vintid_of[f.intid]

    def on_isr_end(self, f: facts.IsrEnded) -> None:
        vintid, self.acked[f.pcpu] = self.acked[f.pcpu], -1
        if vintid >= 0:
            self.fail(
                f"CPU {f.pcpu} acknowledged INTID {f.intid} and ended its handler without "
                f"injecting vINTID {vintid}: that edge is nowhere"
            )

    def on_sgi(self, f: facts.SgiSent) -> None:
        self.sent[f.vcpu] = (f.target, f.vintid)

    def on_entry(self, f: facts.Entered) -> None:
        sent, self.sent[f.vcpu] = self.sent[f.vcpu], None
        if sent is not None:
            self.fail(
                f"VCPU {f.vcpu} entered its guest again and the SGI {sent[1]} that it sent to "
                f"VCPU {sent[0]} was not injected"
            )

    def on_inject(self, f: facts.Injected) -> None:
        edge = self.edge(f.vcpu, f.vintid)
        if edge is None or not f.accepted:
            return
        edge.sure = True
        edge.many += 1
        if self.acked[f.pcpu] == f.vintid:
            self.acked[f.pcpu] = -1
        if f.vintid < SGIS:
            # The sender runs here.
            v = self.scene.loaded[f.pcpu]
            if v >= 0 and self.sent[v] == (f.vcpu, f.vintid):
                self.sent[v] = None

    def on_register(self, f: facts.RegisterWritten) -> None:
        edge = self.edge(f.vcpu, f.vintid)
        if edge is None:
            return
        if f.register == "ispendr":
            edge.sure = True
            edge.many += 1
        elif f.register == "icpendr":
            # A flush may have taken it before, and will show it.
            edge.sure = False
        elif f.register in ("isenabler", "icenabler"):
            edge.enabled = f.register == "isenabler"
        elif f.register == "reset":
            edge.sure = edge.shown = edge.made_up = False
            edge.enabled = True
            edge.many = 0
            edge.target = self.vcpu_of.get(f.vintid, f.vcpu)

    def on_retarget(self, f: facts.Retargeted) -> None:
        edge = self.edge(f.vcpu, f.vintid)
        if edge is not None:
            edge.target = f.target

    # -- through the List Registers --------------------------------------------------------------

    def on_written(self, f: facts.LrWritten) -> None:
        v = self.scene.loaded[f.pcpu]
        if v < 0:
            return
        if f.before.state & PENDING:
            edge = self.edge(v, f.before.vintid)
            if edge is not None and edge.shown:
                # Read back: the fold owes it to the latch.
                edge.shown = False
                edge.sure = not edge.made_up
                edge.many += not edge.made_up
                edge.made_up = False
        if f.after.state & PENDING:
            edge = self.edge(v, f.after.vintid)
            if edge is not None:
                edge.shown = True
                edge.sure = False
                edge.made_up = edge.many == 0
                edge.many -= edge.many > 0

    def on_fold(self, f: facts.Folded) -> None:
        edge = self.edge(f.vcpu, f.vintid)
        if edge is None:
            return
        if edge.sure and not f.pending_latch:
            self.fail(
                f"VCPU {f.vcpu} folded vINTID {f.vintid} as not pending, but an edge was accepted "
                "that its guest has not acknowledged: it is lost"
            )
        if not f.pending_latch:
            edge.many = 0
        elif not self.sourced or f.vintid >= SGIS:
            edge.many = min(edge.many, 1)
        edge.sure = edge.many > 0

    def on_guest_ack(self, f: facts.AckedByGuest) -> None:
        if is_special(f.vintid):
            return
        v = self.scene.guest[f.pcpu]
        edge = self.edge(v, f.vintid)
        if edge is None:
            return
        if not edge.shown or edge.made_up:
            self.fail(
                f"the guest of VCPU {v} acknowledged vINTID {f.vintid} on CPU {f.pcpu}, for which "
                "no edge was accepted since it acknowledged the last one"
            )
        edge.shown = edge.made_up = False

    def at_rest(self) -> Iterator[str]:
        scene = self.scene
        for edge in self.edges.values():
            v = edge.target
            if not (edge.sure or edge.shown) or not edge.enabled or scene.halted[v]:
                continue
            if scene.takes_irqs(v):
                yield f"an edge of vINTID {edge.vintid}, accepted for VCPU {v}"
