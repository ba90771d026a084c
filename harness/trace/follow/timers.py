"""The timer: its level and the physical active state at a load, what stands in for it at a put."""

from harness.actors.soft_timer import expire
from harness.kvm.steps import Steps
from harness.trace.counter import Counter
from harness.trace.events import (
    Event,
    HostTimerIrq,
    HrtimerCancel,
    HrtimerStart,
    MapIsActive,
    PhysSet,
    ResetMapped,
    TimerLoad,
    TimerMap,
    TimerPut,
    TimerRestore,
    TimerSave,
    TimerUpdate,
    VcpuWakeUp,
)
from harness.trace.follow.base import Base, Shared
from harness.trace.follow.context import Flight, run
from harness.trace.follow.kernels import LOADED_TIMER
from harness.trace.follow.state import ACTIVE, LATCH, LINE, Flow, Vcpu
from model.identity import BG_TIMER, VTIMER
from model.timer import ENABLE, ISTATUS, VTIMER_PPI
from model.timer_context import TimerContext
from model.vgic.irq import VgicIrq

__all__ = ["BG_FUNCTION", "Timers"]

BG_FUNCTION = "kvm_bg_timer_expire"
SLACK = 100_000
"""A deadline is not judged within so many ns: trace and counter are not read at one moment."""
FEW = 2
"""So many deadlines tell the counter's frequency well enough to set the model's clock."""
AHEAD = 200_000
"""A background timer set for less than so many ns ahead may have been set for "now"."""


class Timers(Base):
    """kvm_timer_vcpu_load and _put, the host's handler, and the background timer."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.counter = Counter(FEW)
        self.levels: set[int] = set()
        self.raw: dict[int, tuple[int, int]] = {}
        self.hrtimers: dict[int, Vcpu] = {}
        self.told_level: tuple[VgicIrq, bool] | None = None
        self.told_active: tuple[int, bool] | None = None
        self.told_expiry: int | None = None
        self.told_wake: int | None = None
        self.asked: dict[int, int] = {}

    def forget(self) -> None:
        """Know no timer any more; the counter runs on."""
        super().forget()
        self.raw.clear()
        self.levels.clear()
        self.asked.clear()

    # -- what the hypervisor tells ---------------------------------------------------------------

    def injects(self, irq: VgicIrq, level: bool) -> None:
        """Note the level that a timer would give."""
        self.told_level = (irq, level)

    def phys_active(self, v: int, intid: int, active: bool) -> None:
        """Note the physical active state that would be written."""
        super().phys_active(v, intid, active)
        self.told_active = (intid, active)

    def arms(self, v: int, expiry: int) -> None:
        """Note for when the background timer would be set."""
        self.told_expiry = expiry

    def wakes(self, v: int) -> None:
        """Note who would be woken."""
        self.told_wake = v

    def last_level(self) -> tuple[VgicIrq, bool] | None:
        """Return the level that was noted."""
        return self.told_level

    def last_wake(self) -> int | None:
        """Return who it was noted would be woken."""
        return self.told_wake

    # -- small things ----------------------------------------------------------------------------

    def vtimer(self, v: int) -> TimerContext:
        """Return the virtual timer of VCPU ``v``."""
        return self.machine.timers[v][VTIMER]

    def host_time(self) -> int | None:
        """Return the present time on the host's monotonic clock; None: not known."""
        return None if self.shared.ahead is None else self.time + self.shared.ahead

    def set_clock(self) -> bool:
        """Set the machine's clock to the present time; return whether that is known."""
        now = self.host_time()
        self.machine.clock.now = now or 0
        return now is not None

    def take_timer(self, v: int, ctl: int, cval: int) -> None:
        """Take over the registers of the virtual timer, as the trace shows them."""
        self.raw[v] = (ctl, cval)
        timer = self.vtimer(v)
        timer.ctl = ctl & ~ISTATUS
        timer.cval = self.counter.due(cval) or 0

    def near(self, v: int) -> str:
        """Return why it cannot be said whether the virtual timer of ``v`` fires; "": it can."""
        if v not in self.raw:
            return "the timer's registers are not known"
        ctl, cval = self.raw[v]
        if ctl & ~ISTATUS != ENABLE:
            return ""
        due, now = self.counter.due(cval), self.host_time()
        if due is None or now is None:
            return "the counter's offset is not known"
        return "within the precision of the clocks" if abs(due - now) < SLACK else ""

    def check_level(self, v: int, level: bool | None) -> None:
        """Compare the level that KVM remembers of a timer with the one given last."""
        if level is None:
            return
        timer = self.vtimer(v)
        if v in self.levels:
            self.tally.compare("remembered level", timer.irq_level, level, v, VTIMER_PPI)
        timer.irq_level = level
        self.levels.add(v)

    # -- load ------------------------------------------------------------------------------------

    def on_timer_load(self, flow: Flow, ev: TimerLoad) -> None:
        """Begin the load of the timer."""
        vc = self.thread(flow, ev.vcpu)
        vc.cpu = self.cpu
        self.check_level(vc.v, ev.vlevel)
        if vc.load is not None:
            vc.load.drop()
        vc.load = None
        if self.shared.kernel.has(LOADED_TIMER):
            vc.load = Flight(vc.t, self.kvm.load_timer(vc.t))

    def on_level(self, flow: Flow, ev: TimerUpdate) -> None:
        """The level of a timer is given: at a load, or by the host's handler."""
        if ev.intid != VTIMER_PPI:
            self.tally.unknown("level at load", "the model has no direct physical timer (VHE)")
            return
        vc = flow.vcpu
        load = None if vc is None or vc.v != ev.vcpu else vc.load
        if vc is not None and load is not None and load.at is Steps.timer_update:
            self.level_at_load(vc, load, ev.level)
        self.vcpu(ev.vcpu)
        self.vtimer(ev.vcpu).irq_level = ev.level
        self.levels.add(ev.vcpu)

    def level_at_load(self, vc: Vcpu, flight: Flight, seen: bool) -> None:
        """Compare the level at a load."""
        v = vc.v
        self.set_clock()
        if v in self.raw:
            self.take_timer(v, *self.raw[v])
        self.told_level = None
        flight.go()
        why, told_level = self.near(v), self.last_level()
        if told_level is None:
            self.tally.differ("level at load", "none given", f"level {int(seen)}", v, VTIMER_PPI)
        elif why:
            self.tally.unknown("level at load", why)
        else:
            told = "timer ctl={} cval={:#x}".format(*self.raw[v])
            self.tally.compare("level at load", told_level[1], seen, v, VTIMER_PPI, told)

    def on_map_is_active(self, flow: Flow, ev: MapIsActive) -> None:
        """The load looks whether the guest has the interrupt active."""
        self.asked[flow.key] = ev.vintid
        vc = flow.vcpu
        if vc is None or vc.load is None or ev.vintid != VTIMER_PPI:
            return
        if vc.load.at is Steps.map_is_active:
            vc.load.go()

    def load_phys_set(self, flow: Flow, ev: PhysSet) -> bool:
        """Compare the physical active state written at a load; return whether this is one."""
        vc = flow.vcpu
        if vc is None or vc.load is None or ev.which != 1:
            return False
        flight = vc.load
        if self.asked.get(flow.key, VTIMER_PPI) != VTIMER_PPI:
            self.asked.pop(flow.key, None)
            self.tally.unknown("physical active at load", "the model has no direct physical timer")
            return True
        self.asked.pop(flow.key, None)
        if flight.at is Steps.map_is_active:
            flight.go()
        if flight.at is not Steps.phys_active:
            return False
        irq = self.machine.irq(vc.v, VTIMER_PPI)
        self.told_active = None
        flight.go()
        if vc.v not in self.levels or not irq.known & ACTIVE:
            self.tally.unknown("physical active at load", "level or active state are not known")
            return True
        expected = "none" if self.told_active is None else int(self.told_active[1])
        level = int(self.vtimer(vc.v).irq_level)
        told = f"level={level} {irq.told_state()}"
        self.tally.compare("physical active at load", expected, int(ev.val), vc.v, VTIMER_PPI, told)
        return True

    def on_timer_restore(self, flow: Flow, ev: TimerRestore) -> None:
        """End the load: the registers go to the hardware."""
        vc = flow.vcpu
        if vc is None or ev.timer != VTIMER:
            return
        v = vc.v
        if v in self.raw:
            have, seen = self.raw[v], (ev.ctl, ev.cval)
            self.tally.situation.from_user = vc.from_user
            self.tally.compare("timer restored", have, seen, v, VTIMER_PPI)
        vc.from_user = False
        self.take_timer(v, ev.ctl, ev.cval)
        flight, vc.load = vc.load, None
        if flight is None:
            return
        if flight.at is Steps.timer_update and TimerUpdate in self.kinds:
            self.tally.differ("level at load", "one given", "none given", v, VTIMER_PPI)
        elif flight.at is not Steps.timer_restore:
            if PhysSet in self.kinds and MapIsActive in self.kinds:
                self.tally.differ("physical active at load", "a write", "no write", v, VTIMER_PPI)
            else:
                why = "the physical active state was not written"
                self.tally.unknown("physical active at load", why)
        flight.finish()

    # -- put -------------------------------------------------------------------------------------

    def on_timer_put(self, flow: Flow, ev: TimerPut) -> None:
        """The timer is put."""
        vc = self.thread(flow, ev.vcpu)
        if vc.load is not None:
            vc.load.drop()
            vc.load = None
        self.check_level(vc.v, ev.vlevel)

    def on_timer_save(self, flow: Flow, ev: TimerSave) -> None:
        """The registers come back to memory; what stands in for them follows in this flow."""
        vc = flow.vcpu
        if vc is None:
            return
        if ev.timer != VTIMER:
            # A physical timer in hardware (VHE), which the model does not have.
            vc.ptimer = ev.ctl & ~ISTATUS == ENABLE
            return
        self.take_timer(vc.v, ev.ctl, ev.cval)
        if not self.shared.kernel.has(LOADED_TIMER):
            return
        vc.ptimer = False
        self.set_clock()
        self.told_expiry = None
        thread = self.machine.threads[vc.v]
        thread.waiting = bool(vc.blocking)
        run(self.kvm.vcpu_put(vc.t))
        expiry, saved = self.told_expiry, self.time
        known = self.counter.offset is not None and self.shared.ahead is not None

        def end(flow: Flow, ev: Event) -> bool:
            if type(ev) in (TimerMap, HrtimerCancel, TimerSave):
                return False
            if self.end_put(vc, ev, expiry) and isinstance(ev, HrtimerStart):
                self.check_expiry(vc, ev, expiry if known else None, saved)
            return True

        flow.owed.append(end)

    def end_put(self, vc: Vcpu, ev: Event, expiry: int | None) -> bool:
        """Compare whether the background timer was set; return whether it was."""
        armed = type(ev) is HrtimerStart and ev.function == BG_FUNCTION
        why = ""
        if HrtimerStart not in self.kinds:
            why = "no hrtimer_start in this trace"
        elif vc.blocking is None:
            why = "whether the VCPU blocks is not known"
        elif vc.ptimer:
            why = "the model has no direct physical timer (VHE)"
        if why:
            self.tally.unknown("background timer", why)
        else:
            words = ("not set", "set")
            ctl, cval = self.raw[vc.v]
            told = f"blocking={int(bool(vc.blocking))} ctl={ctl} cval={cval:#x}"
            self.tally.compare(
                "background timer", words[expiry is not None], words[armed], vc.v, VTIMER_PPI, told
            )
        return armed

    def check_expiry(self, vc: Vcpu, ev: HrtimerStart, expiry: int | None, saved: int) -> None:
        """Compare when the background timer is to expire with the compare value.

        KVM computes how long it is until then, and then sets the timer that long from "now": what
        passes in between makes it late. The registers had been saved at ``saved``.
        """
        self.hrtimers[ev.hrtimer] = vc
        now = self.host_time()
        ctl, cval = self.raw[vc.v]
        if expiry is None:
            self.tally.unknown("background timer's expiry", "the counter's offset is not known")
        else:
            late = ev.expires - expiry
            same = -SLACK <= late <= self.time - saved + SLACK
            seen = "as expected" if same else f"{late} ns later"
            told = f"ctl={ctl} cval={cval:#x}, expected at {expiry}"
            self.tally.compare(
                "background timer's expiry", "as expected", seen, vc.v, VTIMER_PPI, told
            )
        if now is not None and ev.expires - now > AHEAD and not vc.ptimer:
            self.counter.learn(cval, ev.expires)

    # -- interrupts ------------------------------------------------------------------------------

    def on_host_timer(self, flow: Flow, ev: HostTimerIrq) -> None:
        """The host's handler of the timer: what it read of the timer, the next event tells."""
        if ev.vcpu < 0:
            return
        vc = self.vcpu(ev.vcpu)
        self.check_level(vc.v, ev.vlevel)
        if ev.vloaded is not False and self.shared.kernel.has(LOADED_TIMER):
            flow.hrtimer = vc.v
            flow.owed.append(self.end_handler)

    def end_handler(self, flow: Flow, ev: Event) -> bool:
        """Compare what the handler gives, if the timer fired."""
        if type(ev) is TimerMap:
            return False
        v = flow.hrtimer
        if type(ev) is not TimerUpdate:
            self.tally.unknown(
                "handler's injection", "the line as the handler read it is not shown"
            )
            return True
        machine = self.machine
        handler = self.context(flow)
        handler.p.running_vcpu = v
        hardware = machine.hw_timers[handler.c]
        hardware.ctl, hardware.cval, hardware.cntvoff = ENABLE, 0, 0
        machine.clock.now = 1
        self.vtimer(v).loaded = True
        self.told_level = None
        run(self.kvm.timer_isr(handler))
        told = self.told_level
        expected = "none" if told is None else (told[0].intid, told[1])
        if ev.intid == VTIMER_PPI:
            self.tally.compare("handler's injection", expected, (ev.intid, ev.level), v, ev.intid)
        return True

    def on_bg_expire(self, flow: Flow, vc: Vcpu) -> None:
        """A background timer expires: it wakes its VCPU, if it has not come too early."""
        self.told_wake = None
        self.set_clock()
        hrtimer = self.machine.hrtimers[vc.v, BG_TIMER]
        early = self.near(vc.v)
        if vc.v in self.raw:
            self.take_timer(vc.v, *self.raw[vc.v])
        if expire(self.rt, self.kvm, hrtimer):  # type: ignore[arg-type]  # Followed is laid over one
            run(self.kvm.soft_timer_expired(self.context(flow), vc.v))
        told = self.last_wake()

        def end(flow: Flow, ev: Event) -> bool:
            seen = ev.vcpu if type(ev) is VcpuWakeUp else None
            if VcpuWakeUp not in self.kinds:
                self.tally.unknown("expiry to wake-up", "no vcpu_wake_up in this trace")
            elif told is None and seen is None:
                self.tally.equal["expiry to wake-up"] += 1
            elif (told is None or seen is None) and early:
                self.tally.unknown("expiry to wake-up", early)
            else:
                expected, found = (
                    f"VCPU {v} woken" if v is not None else "nobody" for v in (told, seen)
                )
                self.tally.compare("expiry to wake-up", expected, found, vc.v)
            return True

        flow.owed.append(end)

    def on_reset_mapped(self, flow: Flow, ev: ResetMapped) -> None:
        """kvm_vgic_reset_mapped_irq: neither active nor pending; the timer is reset, too."""
        irq = self.irq(ev.vcpu, ev.vintid)
        irq.active = irq.pending_latch = irq.line_level = False
        irq.known |= ACTIVE | LATCH | LINE
        irq.touched = self.at
        self.raw.pop(ev.vcpu, None)
        self.levels.discard(ev.vcpu)
