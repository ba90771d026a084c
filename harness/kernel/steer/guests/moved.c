/*
 * Finding F37. VCPU 0 sleeps. VCPU 1 makes SPI 48 pending for it, routes it to itself and disables it,
 * and enables it some time later: it must get it. Wrong: it does not, in 50 ms. The control (argument
 * 1): it routes it to itself first.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u
#define SGI 1u
#define ASLEEP_US 3000
#define LATER_US 1000
#define PATIENCE_US 50000

static uint64_t here, over_there;

__attribute__((noinline)) void guest_at_pend(void) { __asm__ volatile("nop" ::: "memory"); }
__attribute__((noinline)) void guest_at_disabled(void) { __asm__ volatile("nop" ::: "memory"); }

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    v3_private(v, SGI, 0xa0);
    if (v)
        return;
    v3_distributor();
    v3_spi(SPI, 1, 0xa0, 0);
}

static void program(int v)
{
    uint64_t n = board->go;

    if (v == 0) {
        tell(&here, n);
        wfi(0);
        wait_for(&over_there, n);
        return;
    }
    wait_for(&here, n);
    wait_us(ASLEEP_US);
    if (board->argument)
        route(1, SPI, 1);
    guest_at_pend();
    write_part(1, PENDING, SPI, 1);
    if (!board->argument)
        route(1, SPI, 1);
    write_part(1, ENABLED, SPI, 0);
    guest_at_disabled();
    wait_us(LATER_US);
    write_part(1, ENABLED, SPI, 1);
    board->vcpu[1].taken = !comes_within(1, SPI, PATIENCE_US);
    tell(&over_there, n);
    v3_sgi(SGI, 1);
}

static uint32_t clean_up(int v)
{
    if (v == 1)
        wait_for(&board->vcpu[0].arrived, board->go + 1);
    trap();
    end_all();
    if (v == 0)
        return 0;
    write32(DIST + ICPENDR + 4, ~0u);
    v3_route(SPI, 0);
    return board->vcpu[1].taken;
}
