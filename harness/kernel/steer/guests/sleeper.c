/*
 * VCPU 0 holds SPI 48 active, whose priority it has dropped, and idles; VCPU 1 deactivates it for it
 * by DIR. Argument 0, finding F8: it makes the SPI pending again before, so VCPU 0 must wake.
 * Argument 1, the control: it makes it pending afterwards. Argument 2, exhibit 45: nothing is pending,
 * and ISACTIVER must read 0; argument 3, the control: VCPU 1 does that by ICACTIVER.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u
#define SGI 1u
#define ASLEEP_US 3000
#define PATIENCE_US 200000

enum { F8, F8_CONTROL, STAYS, STAYS_CONTROL };

static uint64_t dropped, woken;

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    v3_private(v, SGI, 0xa0);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 1, 0xa0, 0);
    }
}

static void sleeps(uint64_t n)
{
    write_part(0, PENDING, SPI, 1);
    eoi(0, take(0));
    tell(&dropped, n);
    wfi(0);
    tell(&woken, n);
    for (uint32_t intid; (intid = iar(0)) < 1020;) {
        eoi(0, intid);
        dir(0, intid);
    }
}

static uint32_t wakes(uint64_t n)
{
    uint64_t turns = 0;

    if (board->argument == F8)
        write_part(1, PENDING, SPI, 1);
    dir(1, SPI);
    if (board->argument == F8_CONTROL)
        write_part(1, PENDING, SPI, 1);
    while (*(volatile uint64_t *)&woken < n && turns++ < PATIENCE_US / 100)
        wait_us(100);
    return *(volatile uint64_t *)&woken < n;
}

static void program(int v)
{
    uint64_t n = board->go;
    uint32_t bad;
    struct event *e;

    if (v == 0) {
        sleeps(n);
        return;
    }
    wait_for(&dropped, n);
    wait_us(ASLEEP_US);
    if (board->argument <= F8_CONTROL) {
        bad = wakes(n);
    } else {
        if (board->argument == STAYS)
            dir(1, SPI);
        else
            write_part(1, ACTIVE, SPI, 0);
        bad = read_part(1, ACTIVE, SPI);
    }
    board->vcpu[1].taken = bad;
    e = said(1, EV_SGI, SGI, 0, 0);
    v3_sgi(SGI, 1);
    over(e);
}

static uint32_t clean_up(int v)
{
    if (v == 0) {
        clear_spis();
        end_all();
    }
    return v == 1 ? board->vcpu[1].taken : 0;
}
