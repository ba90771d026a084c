/*
 * Finding F44. VCPU 0 has taken SPI 52, has made SPI 53, which is more urgent, active by ISACTIVER, and
 * has 48 to 51 pending, as many as there are List Registers. It completes 52, which is then not active,
 * and 53 still is. Wrong: 1: 52 is active; 2: 53 is not. The control (argument 1): it makes none active.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define PENDS 48u
#define COUNT 4u
#define HELD 52u
#define BY_HAND 53u

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_distributor();
    for (uint32_t n = 0; n < COUNT; n++)
        v3_spi(PENDS + n, 1, 0xa0, 0);
    v3_spi(HELD, 1, 0x80, 0);
    v3_spi(BY_HAND, 1, 0x60, 0);
}

static void program(int v)
{
    if (v)
        return;
    write_part(0, PENDING, HELD, 1);
    take(0);
    if (!board->argument)
        write_part(0, ACTIVE, BY_HAND, 1);
    for (uint32_t n = 0; n < COUNT; n++)
        write_part(0, PENDING, PENDS + n, 1);
    eoi(0, HELD);
    trap();
    board->vcpu[0].taken = read_part(0, ACTIVE, HELD);
    if (!board->argument && !read_part(0, ACTIVE, BY_HAND))
        board->vcpu[0].taken |= 2;
}

static uint32_t clean_up(int v)
{
    if (v)
        return 0;
    clear_spis();
    trap();
    end_all();
    return board->vcpu[0].taken;
}
