/*
 * Finding F26. The guest has six SPIs active, each of a higher priority than the one before: two more
 * than there are List Registers. It completes them in reverse order; afterwards none is active. Wrong:
 * bit n says that the nth still is. The control (argument 1): there are four.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define FIRST 48u
#define MOST 6u

void guest_irq(void) {}

static uint32_t count(void) { return board->argument ? 4 : MOST; }

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_distributor();
    for (uint32_t n = 0; n < MOST; n++)
        v3_spi(FIRST + n, 1, 0xa0 - n * 0x10, 0);
}

static void program(int v)
{
    uint32_t bad = 0;

    if (v)
        return;
    for (uint32_t n = 0; n < count(); n++) {
        write_part(0, PENDING, FIRST + n, 1);
        take(0);
    }
    for (uint32_t n = count(); n-- > 0;)
        eoi(0, FIRST + n);
    trap();
    for (uint32_t n = 0; n < count(); n++)
        bad |= read_part(0, ACTIVE, FIRST + n) << n;
    board->vcpu[0].taken = bad;
}

static uint32_t clean_up(int v)
{
    if (v)
        return 0;
    clear_spis();
    return board->vcpu[0].taken;
}
