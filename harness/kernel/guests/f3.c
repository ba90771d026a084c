/*
 * Finding F3, and F2 with argument 1: VCPU 0 holds SPI 48 active, whose priority it has dropped, and
 * traps again and again; VCPU 1 deactivates it, by ICACTIVER, or by DIR. The write has taken effect
 * when VCPU 1 goes on: ISACTIVER must read 0 from there on. Wrong: bit 0 its second read, 1 its first.
 */
#include "execute.h"

#define SPI 48u

static uint64_t dropped, done;

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 1, 0xa0, 0);
    }
}

static void program(int v)
{
    uint64_t n = board->go;
    uint32_t bad;

    if (v == 0) {
        set_bit(ISPENDR, SPI);
        v3_eoi(v3_take());
        tell(&dropped, n);
        do
            read32(DIST + 4); /* GICD_TYPER: a trap */
        while (*(volatile uint64_t *)&done < n);
        return;
    }
    wait_for(&dropped, n);
    if (board->argument)
        v3_deactivate(SPI);
    else
        set_bit(ICACTIVER, SPI);
    bad = test_bit(ISACTIVER, SPI) << 1;
    spin(0x200);
    bad |= test_bit(ISACTIVER, SPI);
    board->vcpu[1].taken = bad;
    tell(&done, n);
}

static uint32_t clean_up(int v)
{
    if (v == 0) {
        set_bit(ICACTIVER, SPI);
        set_bit(ICPENDR, SPI);
        return 0;
    }
    return board->vcpu[1].taken;
}
