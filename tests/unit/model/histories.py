"""Histories of a machine: every operation there is, as data, so that two machines can do the same.

An operation is a name and its arguments; ``TABLE`` lists for each name the values of each argument
and the function that does it. What an operation returns is compared, and so are its facts.
"""

import random
from collections.abc import Callable, Sequence

import msgspec
from hypothesis import strategies as st

from model.device import Device, ForwardedDevice
from model.facts import Fact
from model.gic.lr import Lr
from model.guest import HALT, WORK, Instruction
from model.identity import Actor
from model.machine import Config, Forward, Machine
from model.part import Part
from model.timer import VTIMER_PPI, HwTimer
from model.vgic.decide import fold_edge_or_level, populate, resample_needed, target_oracle

Operation = tuple[object, ...]
Action = Callable[..., object]

CPUS, BOOLS, GROUPS = (0, 1), (False, True), (0, 1)
INTIDS = (3, 16, 27, 40, 41, 8192, 8193)
LINES = (16, 27, 40, 41)
PRIORITIES = (0x40, 0x80, 0xA0, 0xA8, 0xF8)
VINTIDS = (3, 27, 40, 8192, 1021)
TIMES = (0, 1, 5_900, 6_000, 6_001, 7_000, (1 << 64) - 1)
LRS = tuple(
    Lr(vintid, state, hw=hw, pintid=pintid, priority=priority, group=group, eoi=eoi)
    for vintid, state, hw, pintid, priority, group, eoi in (
        (27, 1, True, 27, 0xA0, 1, False), (27, 2, True, 27, 0xA0, 1, False),
        (40, 1, True, 40, 0x80, 1, False), (40, 3, True, 40, 0x80, 0, False),
        (3, 1, False, 0, 0xA0, 1, True), (3, 2, False, 0, 0x40, 0, True),
        (8192, 1, False, 0, 0xA0, 1, False), (0, 0, False, 0, 0, 1, False),
    )
)  # fmt: skip
HCRS = (0, 1, 3, 5, 9, 0xF1, 1 | 31 << 27, 1 | 1 << 14)


def of_gic(name: str) -> Action:
    def act(m: Machine, *arguments: object) -> object:
        operation: Action = getattr(m.gic, name)
        return operation(*arguments)

    return act


def guest_ends(m: Machine, c: int, vintid: int, group: int) -> int:
    """A guest's EOIR, its deactivation sent on its way."""
    pintid = m.gic.veoir(c, vintid, group)
    if pintid >= 0:
        m.messages.send_deactivation(c, pintid)
    return pintid


def deliver(m: Machine, c: int) -> None:
    """Whatever of CPU ``c`` is in flight, its oldest deactivation first."""
    if m.messages.channels[c].has_deactivation():
        m.messages.deliver_deactivation(c)
    else:
        m.messages.deliver_pin(c)


def of_messages(name: str) -> Action:
    def act(m: Machine, c: int) -> object:
        operation: Action = getattr(m.messages, name)
        return operation(c)

    return act


def of_timer(act: Callable[..., object]) -> Action:
    return lambda m, c, *arguments: act(m.hw_timers[c], *arguments)


def timer_state(t: HwTimer) -> object:
    return (t.output(), t.read_ctl(), t.read_tval(), t.count(), t.deadline())


def move_clock(m: Machine, ns: int) -> int:
    m.clock.now += ns
    return m.clock.now


def device_sends(m: Machine, n: int) -> int:
    device: Device = m.devices[0]
    device.edges += n
    return device.edges


def device_delivers(m: Machine) -> None:
    if m.devices[0].has_edge():
        m.messages.deliver_edge(m.devices[0])


def of_forward(act: Callable[[Machine, ForwardedDevice], object]) -> Action:
    return lambda m, n: act(m, m.forwards[n % len(m.forwards)])


def forward_delivers(m: Machine, forward: ForwardedDevice) -> None:
    if m.messages.event_differs(forward):
        m.messages.deliver_event(forward)


def software(m: Machine, v: int, i: int, on: bool) -> object:
    """KVM's decisions about one interrupt of a VCPU; some consume its state."""
    irq = m.private[v, VTIMER_PPI]
    lr = LRS[i]
    if i == 0:
        return populate(irq, observe_edges_only=on)
    if i == 1:
        deactivated = fold_edge_or_level(irq, lr, acked_clears_latch=on)
        return (deactivated, resample_needed(irq, lr, deactivated=deactivated))
    vgic = m.vgics[v]
    vgic.lrs = (lr, *vgic.lrs[1:])
    vgic.ap_list = (*vgic.ap_list[-2:], i)
    return target_oracle(irq)


FREE = (
    "pcpu", "signal", "thread", "vtimer_irq", "vtimer", "bg_timer", "guest", "spi_irq5", "dist",
    "vm", "monitor",
)  # fmt: skip
"""Parts of which any field may be written at any time."""


def write_field(m: Machine, kind: str, v: int, field: int, value: int) -> str:
    """Write any field of a software part, with a value of its type."""
    names = (f"{kind}{v}", kind)
    part: Part = next(part for each, part in m.parts if each in names)
    attribute = part.FIELDS[field % len(part.FIELDS)]
    old = getattr(part, attribute)
    new: object = value
    if isinstance(old, bool):
        new = bool(value & 1)
    elif attribute == "holder":
        new = (None, Actor("vcpu", vcpu=0), Actor("vcpu", vcpu=1))[value % 3]
    elif isinstance(old, tuple):
        new = (*old[-2:], value)
    setattr(part, attribute, new)
    return attribute


def queries(m: Machine, c: int) -> object:
    """Everything that a CPU and its GIC show."""
    gic, messages = m.gic, m.messages
    shown = [
        getattr(gic, read)(c)
        for read in (
            "irq_signal", "fiq_signal", "hppir", "rpr", "virq_signal", "vfiq_signal", "vhppir",
            "vrpr", "elrsr", "eisr", "misr", "maintenance", "eoicount", "save_vmcr", "save_apr",
        )
    ]  # fmt: skip
    flight = (messages.in_flight(c), messages.line_differs(c), messages.pin_differs(c))
    return (*shown, *flight, m.pcpus[c].can_switch_in(), m.signals[c].any())


TABLE: dict[str, tuple[Action, tuple[Sequence[object], ...]]] = {
    "set_line": (of_gic("set_line"), (CPUS, LINES, BOOLS)),
    "edge": (of_gic("edge"), (CPUS, INTIDS)),
    "msi": (of_gic("msi"), (CPUS, (8192, 8193))),
    "send_sgi": (of_gic("send_sgi"), (CPUS, CPUS, (3, 5))),
    "set_sgi_pending": (of_gic("set_sgi_pending"), (CPUS, (3, 5), CPUS, BOOLS)),
    **{
        name: (of_gic(name), (CPUS, INTIDS, BOOLS))
        for name in ("set_enable", "set_pending", "set_active", "set_edge", "set_group")
    },
    "set_priority": (of_gic("set_priority"), (CPUS, INTIDS, PRIORITIES)),
    "set_targets": (of_gic("set_targets"), (CPUS, (40, 41), (1, 2, 3))),
    "iar": (of_gic("iar"), (CPUS, GROUPS)),
    "eoir": (of_gic("eoir"), (CPUS, INTIDS, GROUPS)),
    "dir": (of_gic("dir"), (CPUS, INTIDS)),
    "deactivate": (of_gic("deactivate"), (CPUS, INTIDS)),
    "set_pmr": (of_gic("set_pmr"), (CPUS, PRIORITIES)),
    "set_bpr": (of_gic("set_bpr"), (CPUS, GROUPS, (0, 4, 6, 7))),
    "set_cbpr": (of_gic("set_cbpr"), (CPUS, BOOLS)),
    "set_eoimode": (of_gic("set_eoimode"), (CPUS, (0, 1))),
    "set_group_enable": (of_gic("set_group_enable"), (CPUS, GROUPS, BOOLS)),
    "write_lr": (of_gic("write_lr"), (CPUS, (0, 1, 2), LRS)),
    "write_hcr": (of_gic("write_hcr"), (CPUS, HCRS)),
    "restore_apr": (of_gic("restore_apr"), (CPUS, ((0, 0), (1 << 20, 0), (1 << 8, 1 << 16)))),
    "set_vpmr": (of_gic("set_vpmr"), (CPUS, PRIORITIES)),
    "set_vbpr": (of_gic("set_vbpr"), (CPUS, GROUPS, (0, 4, 6, 7))),
    "set_vcbpr": (of_gic("set_vcbpr"), (CPUS, BOOLS)),
    "set_veoimode": (of_gic("set_veoimode"), (CPUS, (0, 1))),
    "set_vgroup_enable": (of_gic("set_vgroup_enable"), (CPUS, GROUPS, BOOLS)),
    "viar": (of_gic("viar"), (CPUS, GROUPS)),
    "veoir": (of_gic("veoir"), (CPUS, VINTIDS, GROUPS)),
    "vdir": (of_gic("vdir"), (CPUS, VINTIDS)),
    "guest_ends": (guest_ends, (CPUS, VINTIDS, GROUPS)),
    "deliver": (deliver, (CPUS,)),
    **{
        name: (of_messages(name), (CPUS,))
        for name in ("deliver_line", "before_access", "at_exit", "at_entry", "at_interrupt")
    },
    "timer_cval": (of_timer(lambda t, cval: setattr(t, "cval", cval)), (CPUS, TIMES)),
    "timer_tval": (of_timer(HwTimer.write_tval), (CPUS, (0, 7, 1 << 31, -1))),
    "timer_ctl": (of_timer(lambda t, ctl: setattr(t, "ctl", ctl)), (CPUS, (0, 1, 2, 3))),
    "timer_offset": (of_timer(lambda t, off: setattr(t, "cntvoff", off)), (CPUS, (0, 4_000))),
    "timer_state": (of_timer(timer_state), (CPUS,)),
    "move_clock": (move_clock, ((1, 100, 1_000),)),
    "device_sends": (device_sends, ((1, 2),)),
    "device_delivers": (device_delivers, ()),
    "forward_happens": (of_forward(lambda _m, f: f.happen()), ((0, 1, 2),)),
    "forward_served": (of_forward(lambda _m, f: f.serve(f.vcpu)), ((0, 1, 2),)),
    "forward_delivers": (of_forward(forward_delivers), ((0, 1, 2),)),
    "software": (software, (CPUS, (0, 1, 4, 5), BOOLS)),
    "write_field": (write_field, (FREE, CPUS, range(8), range(3))),
    "queries": (queries, (CPUS,)),
}

OPERATIONS = st.one_of(
    *(
        st.tuples(st.just(name), *(st.sampled_from(values) for values in domains))
        for name, (_, domains) in TABLE.items()
    )
)


def drawn(seed: int, length: int, names: Sequence[str] = tuple(TABLE)) -> list[Operation]:
    """A history that depends on a number alone; ``names`` restricts it."""
    rng = random.Random(seed)
    chosen = [rng.choice(names) for _ in range(length)]
    return [(name, *(rng.choice(values) for values in TABLE[name][1])) for name in chosen]


HISTORIES = st.builds(
    lambda seed, length, last: [*drawn(seed, length), *last],
    st.integers(0, 10**6),
    st.sampled_from((0, 10, 60, 150)),
    st.lists(OPERATIONS, max_size=20),
)
"""Lists of operations are short on average, so most begin with a longer history of their own."""


PROGRAM = (Instruction(WORK, 2), Instruction(HALT))


def config(version: int = 3, setting: str = "arch", messages: str = "queued") -> Config:
    """Two CPUs, two VCPUs, and devices of every kind that the GIC's version has."""
    forwards: tuple[Forward, ...] = (
        Forward(41, 50, 0, 1, True, 2),
        Forward(42, 51, 1, 0, False, 2),
    )
    if version == 3:
        forwards = (*forwards, Forward(8193, 52, 0, 1, False, 2))
    return Config(
        pcpus=2, vcpus=2, lrs=3, gic_version=version, gic_messages=messages,
        lr_on_guest_deactivate=setting, devices=((40, 2),), forwards=forwards,
        programs=(PROGRAM, PROGRAM),
    )  # fmt: skip


CONFIGS = st.builds(
    config,
    st.sampled_from((2, 3)),
    st.sampled_from(("arch", "polled", "quirk", "erratum")),
    st.sampled_from(("queued", "lagging")),
)


class Run:
    """A machine with the facts that it has told."""

    def __init__(self, of: Config, kind: type[Machine] = Machine) -> None:
        self.facts: list[Fact] = []
        self.machine = kind(of, self.facts.append)

    def copy(self) -> "Run":
        other = object.__new__(Run)
        other.facts = []
        other.machine = self.machine.copy(other.facts.append)
        return other

    def apply(self, operation: Operation) -> object:
        name, *arguments = operation
        if self.machine.config.gic_version == 2:
            if name == "msi" or any(a in arguments for a in (8192, 8193)):
                return None  # GICv2 has no LPIs
        elif name == "set_sgi_pending":
            return None  # nor GICv3 registers for the sources of an SGI
        return TABLE[str(name)][0](self.machine, *arguments)

    def play(self, history: Sequence[Operation]) -> None:
        for operation in history:
            self.apply(operation)


def caches(machine: Machine) -> list[object]:
    """What the parts keep beside their state, derived from it."""
    return [
        getattr(part, name) for _, part in machine.parts for name in getattr(part, "CACHES", ())
    ]


def wiring(machine: Machine) -> list[object]:
    """What the parts hold beside their state and what is derived from it."""
    held: list[object] = []
    for name, part in machine.parts:
        slots = {slot for cls in type(part).__mro__ for slot in getattr(cls, "__slots__", ())}
        for slot in sorted(slots - {*part.FIELDS, *getattr(part, "CACHES", ())}):
            held.append((name, slot, getattr(part, slot)))
    return held


def immutable(value: object) -> bool:
    """Whether a value can neither change nor hide one that can."""
    if value is None or isinstance(value, int | str):
        return True
    if isinstance(value, tuple):
        return all(immutable(each) for each in value)
    if isinstance(value, msgspec.Struct):
        return value.__struct_config__.frozen and all(
            immutable(getattr(value, field)) for field in value.__struct_fields__
        )
    return False
