/*
 * Finding F18. VCPU 0 has acknowledged level SPI 48 and completes it; meanwhile VCPU 1 makes it pending
 * again (ISPENDR), so VCPU 0 must get it again. Wrong: it did not in 20 ms. The control (argument 1):
 * the SPI is an edge, of which a fold keeps what is pending.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u
#define WORK_US 200
#define PATIENCE_US 20000

static uint64_t taken, pended;

void guest_irq(void) {}

/* Where VCPU 0 is about to complete. */
__attribute__((noinline)) void guest_at_eoi(void) { __asm__ volatile("nop" ::: "memory"); }

static void set_up(int v)
{
    v3_start(0);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, board->argument, 0xa0, 0);
    }
}

static void program(int v)
{
    uint64_t n = board->go;
    uint32_t intid;

    if (v) {
        wait_for(&taken, n);
        write_part(1, PENDING, SPI, 1);
        tell(&pended, n);
        return;
    }
    write_part(0, PENDING, SPI, 1);
    intid = take(0);
    tell(&taken, n);
    wait_us(WORK_US);
    guest_at_eoi();
    eoi(0, intid);
    wait_for(&pended, n);
    board->vcpu[0].taken = !comes_within(0, SPI, PATIENCE_US);
}

static uint32_t clean_up(int v)
{
    if (v)
        return 0;
    write32(DIST + ICPENDR + 4, ~0u);
    write32(DIST + ICACTIVER + 4, ~0u);
    return board->vcpu[0].taken;
}
