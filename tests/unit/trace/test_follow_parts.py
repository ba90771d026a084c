"""The pieces of ``trace follow``: several VMs, what is known, contexts."""

import re

from harness.kvm.steps import Steps
from harness.trace.follow.context import Flight, Quiet, run
from harness.trace.follow.machine import TracedMachine, TracedRuntime
from harness.trace.follow.state import ACTIVE, ENABLED, LATCH, LINE, LISTED, SHOWN, TARGET
from tests.unit.trace.following import DATA, HEADER, follow, lines_of

# -- several VMs ---------------------------------------------------------------------------------


def other(line: bytes) -> bytes:
    """Return a line as another VM, on the CPUs 2 and 3 of the host, would have printed it."""
    head, _, rest = line.partition(b"]")
    head = re.sub(rb"-(\d+)(\s+)\[00(\d)", lambda m: b"-%d%b[00%d" % (
        int(m[1]) + 1000 if int(m[1]) else 0, m[2], int(m[3]) + 2,
    ), head)  # fmt: skip
    rest = re.sub(rb"(pid)=([1-9]\d*)", lambda m: b"%b=%d" % (m[1], int(m[2]) + 1000), rest)
    return head + b"]" + rest.replace(b"hrtimer=0", b"hrtimer=7")


def test_two_vms_with_the_same_vcpus_are_told_apart() -> None:
    lines = lines_of(DATA / "migrate-with-active-timer.txt.gz")[HEADER:]
    alone = follow(lines).tally
    both = follow([x for line in lines for x in (line, other(line))])
    assert len(both.vms) == 2
    pids = [sorted(vm.by_pid) for vm in both.vms]
    assert pids == [[166, 167, 168, 169], [1166, 1167, 1168, 1169]]
    assert [difference.text() for difference in both.tally.differences] == []
    assert both.tally.compared > 1.9 * alone.compared


def test_an_injection_by_a_vmm_with_several_vms_is_nobody_s() -> None:
    lines = lines_of(DATA / "migrate-with-active-timer.txt.gz")[HEADER:400]
    spi = b"  vmm-77  [001] .....  99.000000: vgic_update_irq_pending: VCPU: 0, IRQ 32, level: 1"
    both = follow([*(x for line in lines for x in (line, other(line))), spi])
    why = "several VMs: whose it is is not shown"
    assert both.tally.not_compared["injection accepted", why] == 1


# -- what is known -------------------------------------------------------------------------------


def test_a_fresh_interrupt_is_known_by_its_number_only() -> None:
    machine = TracedMachine()
    machine.need_vcpu(0)
    sgi, ppi, spi = (machine.irq(0, intid) for intid in (1, 27, 40))
    assert sgi.known & (ACTIVE | LATCH | ENABLED | LISTED) == 0
    assert (sgi.known & TARGET, sgi.level) == (TARGET, False)
    assert (ppi.known & SHOWN, ppi.level) == (0, True)
    assert spi.known & TARGET == 0
    spi.known |= LINE
    spi.line_level = True
    assert spi.told_state() == "line=1 latch=? active=? enabled=? hw=?, ap_list unknown"


def test_the_guest_s_gic_decides_group_and_sources() -> None:
    machine = TracedMachine()
    machine.need_vcpu(0)
    sgi = machine.irq(0, 3)
    assert (sgi.group, sgi.sourced) == (1, False)
    machine.set_version(2)
    assert (sgi.group, sgi.sourced) == (0, True)
    assert machine.irq(0, 4).group == 0


# -- contexts ------------------------------------------------------------------------------------


def test_a_coroutine_waits_only_where_the_trace_has_something_to_say() -> None:
    machine = TracedMachine()
    machine.need_cpu(0)
    machine.need_vcpu(0)
    context = Quiet(TracedRuntime(machine), 0, 0)
    made = []

    async def flow() -> None:
        for step in (Steps.irq_save, Steps.populate_lr, Steps.irq_unlock, Steps.flush_hcr):
            await context.step(step)
            made.append(step)

    flight = Flight(context, flow())
    waits = [flight.at]
    assert made == [Steps.irq_save]
    flight.go()
    waits.append(flight.at)
    flight.finish()
    waits.append(flight.at)
    assert waits == [Steps.populate_lr, Steps.flush_hcr, None]
    assert len(made) == 4
    run(flow())
    assert len(made) == 8


# -- the counter ---------------------------------------------------------------------------------
