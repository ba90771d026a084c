/*
 * Finding F19. VCPU 1 writes ISACTIVER of VCPU 0's redistributor for the timer's PPI: that is to
 * have no effect on VCPU 1's own timer. Its output is asserted then (CNTV_CTL.ISTATUS), and VCPU 1
 * asks for its interrupt so many times, without leaving its guest. Wrong: it did not come. The control
 * (argument 1): it writes PPI 26's bit.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define OTHER 26u
#define TURNS 5000
#define DUE_US 50

static uint64_t served;

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    v3_private(v, VTIMER, 0xa0);
    if (v == 0)
        v3_distributor();
}

static void program(int v)
{
    uint64_t of_vcpu_0 = REDIST + 0x10000 + ISACTIVER, n = board->go;
    uint32_t intid = 1023;
    struct event *e;

    if (v == 0) {
        wait_for(&served, n);
        return;
    }
    e = said(1, EV_WRITE + ACTIVE, board->argument ? OTHER : VTIMER, 1, 1);
    write32(of_vcpu_0, 1u << (board->argument ? OTHER : VTIMER));
    over(e);
    arm(DUE_US);
    wait_due();
    e = said(1, EV_IAR, 0, 1023, 0);
    for (int turn = 0; turn < TURNS && (intid = cpu_iar()) == 1023; turn++)
        spin(10);
    e->value = intid;
    over(e);
    board->vcpu[1].taken = intid != VTIMER;
    system_write("cntv_ctl_el0", 0);
    if (intid < 1020)
        cpu_eoir(intid);
    tell(&served, n);
}

static uint32_t clean_up(int v)
{
    trap();
    write32(REDIST + v * 0x20000ul + 0x10000 + ICACTIVER, ~0u);
    end_all();
    return v == 1 ? board->vcpu[1].taken : 0;
}
