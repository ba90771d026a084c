/*
 * More than four interrupts for one VCPU of a machine with four List Registers.
 *
 * First seven edges are pending at once, then six level interrupts are active at once, each having
 * interrupted the one before. With EOImode 1 (the argument) the seven are active at once as well, and
 * deactivated in another order than they were taken, every other one by VCPU 1. Last, seven edges that
 * are pending push an active interrupt out of the registers, and it is completed there.
 *
 * Kernels before the overflow's rework put what is active first, and do not present what is pending
 * beside four active ones: what does not come in time is said (0x2e0, 0x4e0), and taken later.
 * 0x3ac00 says what stayed active.
 */
#include "guest.h"

#define FIRST 40
#define EDGES 7
#define NESTED 56
#define LEVELS 6

static struct stage asked, done;

/* What is presented within 20 ms, or NONE. */
static uint32_t take_in_time(void)
{
    uint64_t end = system_read("cntvct_el0") + system_read("cntfrq_el0") / 50;
    uint32_t intid;

    while ((intid = v3_acknowledge()) == NONE && system_read("cntvct_el0") < end)
        ;
    return intid;
}

static void deactivate(uint32_t intid, int by_the_other)
{
    if (by_the_other) {
        reach(&asked, intid);
        await(&done, intid);
        asked.reached = done.reached = 0;
    } else {
        v3_deactivate(intid);
    }
}

static void take_edges(uint64_t eoimode)
{
    static const uint8_t order[EDGES] = {5, 0, 3, 6, 1, 4, 2};
    uint32_t taken = 0;
    int late = 0;

    for (uint32_t n = 0; n < EDGES; n++)
        set_bit(ISPENDR, FIRST + order[n]);
    say(0x100);
    while (taken != (1u << EDGES) - 1) {
        uint32_t intid = take_in_time();
        if (intid == NONE) {
            say(0x2e0);
            if (late++ || !eoimode)
                end(1);
            for (uint32_t n = 0; n < EDGES; n++)
                if (taken & 1u << n)
                    deactivate(FIRST + n, 0);
            continue;
        }
        v3_eoi(intid);
        if (taken >> (intid - FIRST)) /* numbered by priority */
            end(2);
        taken |= 1u << (intid - FIRST);
        if (intid == FIRST + 3)
            say(0x200); /* an exit on the way */
    }
    say(0x300);
    for (uint32_t n = 0; eoimode && n < EDGES; n++)
        deactivate(FIRST + order[n], n % 2);
    for (uint32_t n = 0; n < EDGES; n++)
        if (test_bit(ISACTIVER, FIRST + n))
            say(0x3ac00 + n);
}

static void complete(uint32_t intid, uint64_t eoimode)
{
    lower(intid);
    v3_eoi(intid);
    if (eoimode)
        v3_deactivate(intid);
}

static void nest_levels(uint64_t eoimode)
{
    uint32_t deep = 0;
    int late = 0;

    while (deep < LEVELS && !late) {
        raise(NESTED + deep);
        if (take_in_time() == NESTED + deep) {
            say(0x400 + deep++);
        } else {
            say(0x4e0 + deep);
            late = 1;
        }
    }
    for (uint32_t n = deep; n-- > 0;) {
        complete(NESTED + n, eoimode);
        if (n == 2)
            say(0x500);
        if (late && take_in_time() == NESTED + deep) {
            say(0x580 + deep);
            complete(NESTED + deep, eoimode);
            late = 0;
        }
    }
    if (late)
        end(3);
}

static void complete_outside(uint64_t eoimode)
{
    uint32_t first = NESTED + LEVELS - 1;

    for (uint32_t n = 0; n < EDGES; n++)
        write8(DIST + IPRIORITYR + FIRST + n, 0xe0);
    raise(first);
    if (take_in_time() != first)
        end(4);
    for (uint32_t n = 0; n < EDGES; n++)
        set_bit(ISPENDR, FIRST + n);
    lower(first);
    say(0x700);
    v3_eoi(first);
    if (eoimode)
        v3_deactivate(first);
    say(0x701);
    for (uint32_t n = 0; n < EDGES; n++) {
        uint32_t intid = take_in_time();
        if (intid == NONE) {
            say(0x7e0 + n); /* stuck active, as 0x3ac00 said */
            break;
        }
        if (intid < FIRST || intid >= FIRST + EDGES)
            end(5);
        v3_eoi(intid);
        if (eoimode)
            v3_deactivate(intid);
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
    complete_outside(eoimode);
    say(0x800);
    end(0);
}
