/*
 * Finding F41. VCPU 0 takes SPI 48, an edge, routes it to VCPU 1, makes it pending again, and completes
 * it: it is VCPU 1's then. Wrong: VCPU 0 gets it. The control (argument 1): VCPU 0 leaves its guest
 * once more before it looks, and KVM moves it.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_distributor();
    v3_spi(SPI, 1, 0xa0, 0);
}

static void program(int v)
{
    if (v)
        return;
    write_part(0, PENDING, SPI, 1);
    take(0);
    route(0, SPI, 1);
    write_part(0, PENDING, SPI, 1);
    eoi(0, SPI);
    if (board->argument)
        trap();
    board->vcpu[0].taken = iar(0) == SPI;
    if (board->vcpu[0].taken)
        eoi(0, SPI);
}

static uint32_t clean_up(int v)
{
    if (v == 1)
        wait_for(&board->vcpu[0].arrived, board->go + 1);
    trap();
    end_all();
    if (v == 1) {
        write32(DIST + ICPENDR + 4, ~0u);
        v3_route(SPI, 0);
    }
    return v ? 0 : board->vcpu[0].taken;
}
