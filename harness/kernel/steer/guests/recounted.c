/*
 * Finding F28. VCPU 0 takes SPI 48, a level whose line stays high, and VCPU 1 deactivates it (EOImode 1),
 * twice, the first time when VCPU 0 is out of its guest. It is not active then. Wrong: it still is. The
 * control (argument 1): the line falls before the first deactivation, and rises behind it.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u

static uint64_t held, ended;

__attribute__((noinline)) void guest_at_exit(void) { __asm__ volatile("nop" ::: "memory"); }

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v)
        return;
    v3_distributor();
    v3_spi(SPI, 0, 0xa0, 0);
}

static void hold(uint64_t turn)
{
    take(0);
    eoi(0, SPI);
    if (board->argument && turn % 2 == 0)
        ring(BELL_LOWER, SPI);
    tell(&held, turn);
    if (turn % 2 == 0)
        guest_at_exit();
    trap();
    wait_for(&ended, turn);
    trap();
}

static void program(int v)
{
    uint64_t first = 2 * board->go;

    for (uint64_t turn = first; v == 1 && turn < first + 2; turn++) {
        wait_for(&held, turn);
        trap();
        dir(1, SPI);
        tell(&ended, turn);
    }
    if (v)
        return;
    ring(BELL_RAISE, SPI);
    hold(first);
    if (board->argument)
        ring(BELL_RAISE, SPI);
    hold(first + 1);
    ring(BELL_LOWER, SPI);
    board->vcpu[0].taken = read_part(0, ACTIVE, SPI);
}

static uint32_t clean_up(int v)
{
    if (v == 1)
        return 0;
    write32(DIST + ICACTIVER + 4, ~0u);
    trap();
    end_all();
    return board->vcpu[0].taken;
}
