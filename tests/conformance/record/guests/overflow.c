/*
 * More than four interrupts for one VCPU of a machine with four List Registers.
 *
 * First seven edges are pending at once, then six level interrupts are active at once, each having
 * interrupted the one before. With EOImode 1 (the argument) the seven are active at once as well, and
 * deactivated in another order than they were taken, every other one by VCPU 1.
 */
#include "guest.h"

#define FIRST 40
#define EDGES 7
#define NESTED 56
#define LEVELS 6

static struct stage asked, done;

static void take_edges(uint64_t eoimode)
{
    static const uint8_t order[EDGES] = {5, 0, 3, 6, 1, 4, 2};
    uint32_t taken[EDGES];

    for (uint32_t n = 0; n < EDGES; n++)
        set_bit(ISPENDR, FIRST + order[n]);
    say(0x100);
    for (uint32_t n = 0; n < EDGES; n++) {
        taken[n] = v3_take();
        v3_eoi(taken[n]);
        if (taken[n] != FIRST + n) /* numbered by priority */
            end(1);
        if (n == 3)
            say(0x200); /* an exit on the way */
    }
    say(0x300);
    for (uint32_t n = 0; eoimode && n < EDGES; n++) {
        if (n % 2) {
            reach(&asked, FIRST + order[n]);
            await(&done, FIRST + order[n]);
        } else {
            v3_deactivate(FIRST + order[n]);
        }
        asked.reached = done.reached = 0;
    }
    for (uint32_t n = 0; n < EDGES; n++)
        if (test_bit(ISACTIVER, FIRST + n))
            say(0xac00 + n);
}

static void nest_levels(uint64_t eoimode)
{
    for (uint32_t n = 0; n < LEVELS; n++) {
        raise(NESTED + n);
        if (v3_take() != NESTED + n)
            end(2);
        say(0x400 + n);
    }
    for (uint32_t n = LEVELS; n-- > 0;) {
        lower(NESTED + n);
        v3_eoi(NESTED + n);
        if (eoimode)
            v3_deactivate(NESTED + n);
        if (n == 2)
            say(0x500);
    }
}

void guest_main(uint64_t vcpu, uint64_t eoimode)
{
    v3_start(eoimode);
    if (vcpu == 1) {
        for (;;) {
            uint32_t intid = asked.reached;
            if (intid && done.reached != intid) {
                v3_deactivate(intid);
                reach(&done, intid);
            }
        }
    }
    v3_distributor();
    for (uint32_t n = 0; n < EDGES; n++)
        v3_spi(FIRST + n, 1, 0x60 + 8 * n, 0);
    for (uint32_t n = 0; n < LEVELS; n++)
        v3_spi(NESTED + n, 0, 0xd0 - 16 * n, 0);
    take_edges(eoimode);
    nest_levels(eoimode);
    say(0x600);
    end(0);
}
