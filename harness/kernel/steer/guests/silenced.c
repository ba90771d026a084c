/*
 * Finding F31. VCPU 0 has SPIs 48 to 51 pending, as many as there are List Registers, when its timer
 * fires. It turns the timer off, exits, and takes the SPIs. Wrong: the timer's interrupt comes as well.
 * The control (argument 1): 51 is not pending, so that the timer's has a List Register.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define FIRST 48u
#define DUE_US 50
#define TAKEN_US 300
#define PATIENCE_US 1000

void guest_irq(void) {}

static uint32_t count(void) { return board->argument ? 3 : 4; }

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_private(v, VTIMER, 0xa0);
    v3_distributor();
    for (uint32_t n = 0; n < 4; n++)
        v3_spi(FIRST + n, 1, 0x80, 0);
}

static void program(int v)
{
    if (v)
        return;
    for (uint32_t n = 0; n < count(); n++)
        write_part(0, PENDING, FIRST + n, 1);
    arm(DUE_US);
    wait_due();
    wait_us(TAKEN_US);
    trap();
    system_write("cntv_ctl_el0", 0);
    trap();
    for (uint32_t n = 0; n < count(); n++)
        eoi(0, take(0));
    board->vcpu[0].taken = comes_within(0, VTIMER, PATIENCE_US);
}

static uint32_t clean_up(int v)
{
    if (v)
        return 0;
    write32(DIST + ICPENDR + 4, ~0u);
    trap();
    end_all();
    return board->vcpu[0].taken;
}
