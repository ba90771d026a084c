/* Accesses of a guest that come into its history. Before it is included: GIC, EOIMODE. */
#ifndef ACCESSES_H
#define ACCESSES_H
#include "cpu.h"

#define VTIMER 27u

static const uint16_t set_group[] = {ISENABLER, ISPENDR, ISACTIVER};
static const uint16_t clear_group[] = {ICENABLER, ICPENDR, ICACTIVER};

static inline void write_part(int v, int part, uint32_t intid, int value)
{
    struct event *e = said(v, EV_WRITE + part, intid, value, 0);
    set_bit((value ? set_group : clear_group)[part], intid);
    over(e);
}

static inline uint32_t read_part(int v, int part, uint32_t intid)
{
    struct event *e = said(v, EV_READ + part, intid, 0, 0);
    e->value = test_bit(set_group[part], intid);
    over(e);
    return e->value;
}

static inline uint32_t iar(int v)
{
    struct event *e = said(v, EV_IAR, 0, 0, 0);
    e->value = cpu_iar();
    over(e);
    return e->value;
}

/* Until there is one: the priority of the interrupt is dropped, or it is over (EOImode 0). */
static inline uint32_t take(int v)
{
    struct event *e = said(v, EV_IAR, 0, 0, 0);
    while ((e->value = cpu_iar()) == NONE)
        guest_relax();
    over(e);
    return e->value;
}

static inline void eoi(int v, uint32_t intid)
{
    struct event *e = said(v, EV_EOIR, intid, intid, 0);
    cpu_eoir(intid);
    over(e);
}

static inline void dir(int v, uint32_t intid)
{
    struct event *e = said(v, EV_DIR, intid, intid, 0);
    cpu_dir(intid);
    over(e);
}

static inline void wfi(int v)
{
    struct event *e = said(v, EV_WFI, 0, 0, 0);
    wait_for_interrupt();
    over(e);
}

/* To VCPU `to`. */
static inline void route(int v, uint32_t intid, uint32_t to)
{
    struct event *e = said(v, EV_WRITE + TARGET, intid, to, 0);
    v3_route(intid, to);
    over(e);
}

static inline void trap(void) { read32(DIST + 4); } /* GICD_TYPER */

static inline uint64_t count_in(uint64_t us)
{
    return guest_count() + us * (system_read("cntfrq_el0") / 1000000);
}

static inline void wait_us(uint64_t us)
{
    uint64_t until = count_in(us);
    while (guest_count() < until)
        guest_relax();
}

/* Programs the virtual timer; returns at which count it fires. */
static inline uint64_t arm(uint64_t us)
{
    uint64_t until = count_in(us);
    system_write("cntv_cval_el0", until);
    system_write("cntv_ctl_el0", 1);
    return until;
}

/* Until its output is asserted (CNTV_CTL.ISTATUS). */
static inline void wait_due(void)
{
    while (!(system_read("cntv_ctl_el0") & 4))
        guest_relax();
}

/* Takes whatever comes, and ends it. */
static inline void end_all(void)
{
    for (uint32_t intid; (intid = cpu_iar()) < 1020;) {
        cpu_eoir(intid);
        if (EOIMODE == 1)
            cpu_dir(intid);
    }
}

/* SPIs 32 to 63 are neither active nor pending, as far as the distributor knows. */
static inline void clear_spis(void)
{
    write32(DIST + ICACTIVER + 4, ~0u);
    write32(DIST + ICPENDR + 4, ~0u);
}

/* Whether this interrupt comes within so long; it is over then (EOImode 0). Each look traps. */
static inline int comes_within(int v, uint32_t wanted, uint64_t us)
{
    for (uint64_t turn = 0; turn < us / 100; turn++) {
        uint32_t intid = cpu_iar();
        if (intid == wanted) {
            struct event *e = said(v, EV_IAR, 0, intid, 0);
            cpu_eoir(intid);
            over(e);
            return 1;
        }
        trap();
        wait_us(100);
    }
    return 0;
}
#endif
