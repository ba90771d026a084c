/*
 * Findings F2 and F3. VCPU 0 holds SPI 48 active, whose priority it has dropped, and traps again and
 * again; VCPU 1 deactivates it, by ICACTIVER, or (argument bit 0) by DIR. That has taken effect when
 * VCPU 1 goes on: ISACTIVER must read 0 from there on. Wrong: bit 0 its second read, bit 1 its first.
 *
 * The control (argument bit 1): SPI 48 is VCPU 1's own, and VCPU 0 holds SPI 49 instead. What VCPU 1
 * has in its List Registers was folded when it left its guest for the deactivation.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u
#define OTHER 49u

static uint64_t dropped, done;

void guest_irq(void) {}

static int by_dir(void) { return board->argument & 1; }
static int is_control(void) { return board->argument >> 1 & 1; }

static void set_up(int v)
{
    v3_start(1);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 1, 0xa0, is_control());
        v3_spi(OTHER, 1, 0xa0, 0);
    }
}

static void hold(int v, uint32_t intid)
{
    write_part(v, PENDING, intid, 1);
    eoi(v, take(v));
}

static void program(int v)
{
    uint64_t n = board->go;
    uint32_t bad;

    if (v == 0) {
        hold(0, is_control() ? OTHER : SPI);
        tell(&dropped, n);
        do
            trap();
        while (*(volatile uint64_t *)&done < n);
        return;
    }
    wait_for(&dropped, n);
    if (is_control())
        hold(1, SPI);
    if (by_dir())
        dir(1, SPI);
    else
        write_part(1, ACTIVE, SPI, 0);
    bad = read_part(1, ACTIVE, SPI) << 1;
    spin(0x200);
    bad |= read_part(1, ACTIVE, SPI);
    board->vcpu[1].taken = bad;
    tell(&done, n);
}

static uint32_t clean_up(int v)
{
    if (v == 0) {
        clear_spis();
    }
    return v == 1 ? board->vcpu[1].taken : 0;
}
