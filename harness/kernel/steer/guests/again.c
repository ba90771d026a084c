/*
 * What comes to VCPU 0 once more than it may, of SPI 48 (EOImode 1). Wrong: IAR gives it at the end.
 * Argument 0, finding F35: it is pending in a List Register when VCPU 1 clears it by ICPENDR; 1, the
 * control: VCPU 0 clears it, and leaves its guest for that. 2, F40: a level that ISPENDR made pending is
 * taken, and ended by ICACTIVER; 3, the control: by DIR.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u

enum { CLEARED, CLEARED_CONTROL, ENDED, ENDED_CONTROL };

static uint64_t pended, cleared;

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v)
        return;
    v3_distributor();
    v3_spi(SPI, board->argument < ENDED, 0xa0, 0);
}

static void clears(uint64_t n)
{
    write_part(0, PENDING, SPI, 1);
    if (board->argument == CLEARED_CONTROL)
        write_part(0, PENDING, SPI, 0);
    tell(&pended, n);
    wait_for(&cleared, n);
}

static void ends(void)
{
    write_part(0, PENDING, SPI, 1);
    take(0);
    trap();
    eoi(0, SPI);
    if (board->argument == ENDED)
        write_part(0, ACTIVE, SPI, 0);
    else
        dir(0, SPI);
}

static void program(int v)
{
    uint64_t n = board->go;

    if (v == 1 && board->argument <= CLEARED_CONTROL) {
        wait_for(&pended, n);
        if (board->argument == CLEARED)
            write_part(1, PENDING, SPI, 0);
        tell(&cleared, n);
    }
    if (v)
        return;
    if (board->argument <= CLEARED_CONTROL)
        clears(n);
    else
        ends();
    trap();
    board->vcpu[0].taken = iar(0) == SPI;
    if (board->vcpu[0].taken) {
        eoi(0, SPI);
        dir(0, SPI);
    }
}

static uint32_t clean_up(int v)
{
    if (v == 0)
        wait_for(&board->vcpu[1].arrived, board->go + 1);
    trap();
    end_all();
    if (v)
        return 0;
    clear_spis();
    return board->vcpu[0].taken;
}
