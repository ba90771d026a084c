/*
 * Finding F43. VCPU 0 has SPI 52 active and 48 to 51 pending, one more than there are List Registers,
 * and exits: what is active is sorted behind them. VCPU 1 routes 48 to itself and back. VCPU 0
 * completes 52, which is then not active. Wrong: it still is. The control (argument 1): what VCPU 1
 * routes is 53, which nobody has.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define MOVES 48u
#define PENDS 4u
#define HELD 52u
#define OTHER 53u

static uint64_t here, full, moved;

__attribute__((noinline)) void guest_at_exit(void) { __asm__ volatile("nop" ::: "memory"); }

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    if (v)
        return;
    v3_distributor();
    for (uint32_t n = 0; n < PENDS; n++)
        v3_spi(MOVES + n, 1, 0xa0, 0);
    v3_spi(HELD, 1, 0x80, 0);
    v3_spi(OTHER, 1, 0xa0, 0);
}

static void program(int v)
{
    uint64_t n = board->go;

    if (v == 1) {
        uint32_t intid = board->argument ? OTHER : MOVES;
        tell(&here, n);
        wait_for(&full, n);
        route(1, intid, 1);
        route(1, intid, 0);
        tell(&moved, n);
    }
    if (v)
        return;
    write_part(0, PENDING, HELD, 1);
    take(0);
    for (uint32_t k = 0; k < PENDS; k++)
        write_part(0, PENDING, MOVES + k, 1);
    wait_for(&here, n);
    tell(&full, n);
    guest_at_exit();
    trap();
    eoi(0, HELD);
    wait_for(&moved, n);
    trap();
    board->vcpu[0].taken = read_part(0, ACTIVE, HELD);
}

static uint32_t clean_up(int v)
{
    if (v == 1)
        return 0;
    wait_for(&board->vcpu[1].arrived, board->go + 1);
    clear_spis();
    trap();
    end_all();
    write32(DIST + ICPENDR + 4, ~0u);
    return board->vcpu[0].taken;
}
