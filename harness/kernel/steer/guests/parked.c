/*
 * Finding F39. SPI 48 is pending for VCPU 0, in group 0, which the guest has not enabled; it idles until
 * its timer fires. Wrong: WFI completes more than so many times meanwhile. The control (argument 1): the
 * SPI is not pending.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u
#define IDLE_US 5000
#define MOST 20

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_private(v, VTIMER, 0xa0);
    v3_distributor();
    v3_spi(SPI, 1, 0xa0, 0);
    write32(DIST + IGROUPR + 4, read32(DIST + IGROUPR + 4) & ~(1u << (SPI - 32)));
}

static void program(int v)
{
    uint64_t until, turns = 0;

    if (v)
        return;
    if (!board->argument)
        write_part(0, PENDING, SPI, 1);
    until = arm(IDLE_US);
    for (; guest_count() < until; turns++)
        wait_for_interrupt();
    system_write("cntv_ctl_el0", 0);
    board->vcpu[0].taken = turns > MOST;
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
