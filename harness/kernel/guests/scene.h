/*
 * What programs of scenarios are compiled to: a function for each instruction, which says on the
 * board what it did. Before it is included: GIC, EOIMODE, HANDLER, EOI_FIRST, NESTED, TWICE,
 * TIMER_PRIORITY, SGI_PRIORITY, CHANGES (programs change the GIC's registers),
 * DEACTIVATE, DEVICES and DEVICE_TABLE (harness/kernel/compile.py).
 */
#ifndef SCENE_H
#define SCENE_H
#include "execute.h"
#include "cpu.h"
#include "devices.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* a program calls some of them */

enum { BY_HANDLER, BY_LATER, BY_OTHER }; /* DEACTIVATE */
#define VTIMER 27u
#define PTIMER 30u
#define TURN 10 /* a turn of spin and work takes so many ns of the scenario's clock */

/* -- the distributor, and the redistributor of VCPU of (of = v: its own) -- */

static uint64_t frame_of(int of, uint32_t intid)
{
    return GIC == 3 && intid < 32 ? REDIST + of * 0x20000ul + 0x10000 : DIST;
}

static inline uint32_t bit_of(uint32_t intid) { return 1u << intid % 32; }

static const uint16_t set_group[] = {ISENABLER, ISPENDR, ISACTIVER};
static const uint16_t clear_group[] = {ICENABLER, ICPENDR, ICACTIVER};

/* Writes a part of an interrupt's state, quietly. */
static void put_part(int of, int part, uint32_t intid, uint32_t value)
{
    uint64_t frame = frame_of(of, intid);

    if (part == TARGET && GIC == 3)
        write64(frame + IROUTER + intid * 8, value);
    else if (part == TARGET)
        write8(frame + ITARGETSR + intid, 1u << value);
    else if (part == PRIORITY)
        write8(frame + IPRIORITYR + intid, value);
    else
        write32(frame + (value ? set_group : clear_group)[part] + intid / 32 * 4, bit_of(intid));
}

static uint32_t get_part(int of, int part, uint32_t intid)
{
    uint64_t frame = frame_of(of, intid);

    if (part == TARGET && GIC == 3)
        return read32(frame + IROUTER + intid * 8);
    if (part == TARGET)
        return __builtin_ctz(read8(frame + ITARGETSR + intid) | 0x100);
    if (part == PRIORITY)
        return read8(frame + IPRIORITYR + intid);
    return read32(frame + set_group[part] + intid / 32 * 4) >> intid % 32 & 1;
}

static void write_part(int v, int part, uint32_t intid, uint32_t value, int of)
{
    struct event *e = said(v, EV_WRITE + part, intid, value, of < 0 ? 0 : of + 1);
    put_part(of < 0 ? v : of, part, intid, value);
    over(e);
}

static void read_part(int v, int part, uint32_t intid, int of)
{
    struct event *e = said(v, EV_READ + part, intid, 0, of < 0 ? 0 : of + 1);
    e->value = get_part(of < 0 ? v : of, part, intid);
    over(e);
}

#define DIST_ON (GIC == 3 ? 0x12u : 1u)  /* GICD_CTLR, with affinity routing */
#define DIST_OFF (GIC == 3 ? 0x10u : 0u)

static void dist(int v, int on)
{
    struct event *e = said(v, EV_DIST, 0, on, 0);
    write32(DIST + CTLR, on ? DIST_ON : DIST_OFF);
    over(e);
}

static void read_dist(int v)
{
    struct event *e = said(v, EV_READ_DIST, 0, 0, 0);
    e->value = (read32(DIST + CTLR) & DIST_ON & ~DIST_OFF) != 0;
    over(e);
}

static void sgi(int v, uint32_t intid, int target)
{
    struct event *e = said(v, EV_SGI, intid, target, 0);
    if (GIC == 3)
        v3_sgi(intid, 1u << target);
    else
        v2_sgi(intid, 1u << target);
    over(e);
}

/* -- the timers -- */

static void write_timer_ctl(int v, uint32_t timer, uint64_t ctl)
{
    struct event *e = said(v, EV_TIMER_CTL, timer, ctl, 0);
    if (timer == VTIMER)
        system_write("cntv_ctl_el0", ctl);
    else
        system_write("cntp_ctl_el0", ctl);
    over(e);
}

static void timer(int v, uint64_t ns)
{
    struct event *e = said(v, EV_TIMER_CVAL, VTIMER, 0, 0);
    e->value = e->began + ticks(v, ns);
    system_write("cntv_cval_el0", e->value);
    over(e);
    write_timer_ctl(v, VTIMER, 1);
}

static void tval(int v, uint64_t ns)
{
    struct event *e = said(v, EV_TIMER_CVAL, VTIMER, 0, 0);
    system_write("cntv_tval_el0", ticks(v, ns));
    e->value = system_read("cntv_cval_el0");
    over(e);
    write_timer_ctl(v, VTIMER, 1);
}

static void ptimer(int v, uint64_t ns)
{
    struct event *e = said(v, EV_TIMER_CVAL, PTIMER, 0, 0);
    system_write("cntp_tval_el0", ticks(v, ns));
    e->value = system_read("cntp_cval_el0") - board->ahead;
    over(e);
    write_timer_ctl(v, PTIMER, 1);
}

static void read_register(int v, int number)
{
    struct event *e = said(v, number < 3 || number == 5 ? EV_READ_REGISTER : EV_READ_TIME, number, 0, 0);
    switch (number) {
    case 0: e->value = cpu_rpr(); break;
    case 1: e->value = cpu_hppir(); break;
    case 2: e->value = system_read("cntv_ctl_el0"); break;
    case 3: e->value = system_read("cntv_cval_el0"); break;
    case 4: e->value = system_read("cntv_tval_el0"); break;
    case 5: e->value = system_read("cntp_ctl_el0"); break;
    case 6: e->value = system_read("cntp_cval_el0") - board->ahead; break;
    case 7: e->value = system_read("cntp_tval_el0"); break;
    }
    over(e);
}

/* -- the CPU interface -- */

static void count_handled(int v, uint32_t iar)
{
    uint32_t intid = iar & 0x3ff;
    board->vcpu[v].taken += intid == VTIMER;
    board->vcpu[v].ptaken += intid == PTIMER;
    if (intid < 128)
        board->vcpu[v].seen[intid / 64] |= 1ul << intid % 64;
}

static uint32_t acknowledge(int v)
{
    struct event *e = said(v, EV_IAR, 0, 0, 0);
    uint32_t iar = cpu_iar();
    e->value = iar;
    over(e);
    return iar;
}

static int is_special(uint32_t iar) { return (iar & 0x3ff) >= 1020; }

/* IAR by a program: what it gives counts as handled. */
static uint32_t iar(int v)
{
    uint32_t value = acknowledge(v);
    if (!is_special(value))
        count_handled(v, value);
    return value;
}

static void eoi(int v, uint32_t iar)
{
    struct event *e = said(v, EV_EOIR, iar & 0x3ff, iar, 0);
    cpu_eoir(iar);
    over(e);
}

static void dir(int v, uint32_t iar)
{
    struct event *e;
    if (is_special(iar))
        return;
    e = said(v, EV_DIR, iar & 0x3ff, iar, 0);
    cpu_dir(iar);
    over(e);
}

static void silence(int v, uint32_t iar)
{
    uint32_t intid = iar & 0x3ff;
    if (intid == VTIMER || intid == PTIMER)
        write_timer_ctl(v, intid, 0);
    else if (intid >= 32)
        serve(v, intid);
}

#define CONTROL(name, kind)                                                                       \
    static void name(int v, uint32_t value)                                                       \
    {                                                                                             \
        struct event *e = said(v, kind, 0, value, 0);                                             \
        cpu_##name(value);                                                                        \
        over(e);                                                                                  \
    }
CONTROL(pmr, EV_PMR)
CONTROL(bpr, EV_BPR)
CONTROL(group, EV_GROUP)

/* -- the CPU -- */

static void mask(int v, int masked)
{
    struct event *e = said(v, EV_MASK, 0, masked, 0);
    e->flags = masked ? MASKED : 0;
    over(e);
}

static void mask_irqs(int v) { mask(v, 1); }
static void unmask_irqs(int v) { mask(v, 0); }

static void wfi(int v)
{
    struct event *e = said(v, EV_WFI, 0, 0, 0);
    wait_for_interrupt();
    over(e);
}

static void user(int v)
{
    struct event *e = said(v, EV_USER, 0, 0, 0);
    ring(BELL_USER, 0);
    over(e);
}

static void turn(void)
{
    uint64_t until = guest_count() + ticks_of(TURN);
    while (guest_count() < until)
        guest_relax();
}

static inline void work(int v, uint32_t n)
{
    (void)v;
    while (n--)
        turn();
}

static void settle(int v);
static int has_left(int v);

#define WAIT_UNTIL(name, type, condition)                                                         \
    static void name(int v, type n)                                                               \
    {                                                                                             \
        for (;;) {                                                                                \
            settle(v);                                                                            \
            mask_irqs(v);                                                                         \
            if (condition)                                                                        \
                break;                                                                            \
            if (!has_left(v))                                                                     \
                wfi(v);                                                                           \
            unmask_irqs(v);                                                                       \
        }                                                                                         \
        unmask_irqs(v);                                                                           \
    }
WAIT_UNTIL(idle, uint64_t, *(volatile uint64_t *)&board->vcpu[v].taken >= n)
WAIT_UNTIL(pidle, uint64_t, *(volatile uint64_t *)&board->vcpu[v].ptaken >= n)
WAIT_UNTIL(await_intid, uint32_t, *(volatile uint64_t *)&board->vcpu[v].seen[n / 64] >> n % 64 & 1)

WAIT_UNTIL(wait_for_devices, int, quiet(n))

static void spin_until(int v, uint64_t n, uint32_t most)
{
    while (most-- && *(volatile uint64_t *)&board->vcpu[v].taken < n) {
        settle(v);
        turn();
    }
}

#include "driver.h"

/* -- executions -- */

static void programs(int v);
static void handlers(int v);

/* The state that set_up leaves: all that the scenario's programs may change is written here. */
static void restore(int v)
{
    for (uint32_t intid = 0; intid < 16; intid++)
        put_part(v, PRIORITY, intid, SGI_PRIORITY);
    put_part(v, PRIORITY, VTIMER, TIMER_PRIORITY);
    put_part(v, PRIORITY, PTIMER, TIMER_PRIORITY);
    write32(frame_of(v, 0) + ISENABLER, 0xffffu | bit_of(VTIMER) | bit_of(PTIMER));
    if (v == 0)
        write32(DIST + CTLR, DIST_ON);
    for (int n = 0; v == 0 && n < DEVICES; n++) {
        configure(devices[n].intid, devices[n].edge, devices[n].priority);
        put_part(v, TARGET, devices[n].intid, devices[n].home);
        put_part(v, ENABLED, devices[n].intid, 1);
    }
}

static void set_up(int v)
{
    if (GIC == 3)
        v3_start(EOIMODE);
    else
        v2_start(EOIMODE);
    if (v == 0 && GIC == 3)
        v3_distributor();
    else if (v == 0)
        v2_distributor();
    if (GIC == 3)
        write32(frame_of(v, 0) + IGROUPR, ~0u);
    restore(v);
    forget_left(v);
}

static void program(int v)
{
    uint64_t until = guest_count() + (board->jitter ? draw(v, 1) % (ticks_of(100) + 1) : 0);

    while (guest_count() < until)
        guest_relax();
    unmask_irqs(v);
    programs(v);
    settle(v);
    mask_irqs(v);
    over(said(v, EV_HALT, 0, 0, 0));
}

#include "clean.h"

void guest_irq(void)
{
    int v = system_read("tpidr_el1");
    handlers(v);
}
#endif
