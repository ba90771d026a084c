/*
 * Finding F23. Level SPI 48, the only one there is, becomes pending for VCPU 0, which acknowledges it
 * and drops its priority; VCPU 1, which has not left its guest meanwhile, deactivates it. ISACTIVER must
 * read 0 from there on. Wrong: it reads 1. VCPU 0 deactivates it then, so that KVM counts it down and
 * the next one is the first again. The control (argument 1): VCPU 1 traps before its DIR.
 *
 * guest_at_dir is one block of code: who is held at its beginning reads what VCPU 0 has told and
 * writes DIR before it takes an interrupt of the host.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u

static uint64_t ready, wanted, done;

uint64_t guest_at_dir(volatile uint64_t *intid);
__asm__("guest_at_dir:\n\tldr x1, [x0]\n\tmsr " ICC_DIR ", x1\n\tisb\n\tmov x0, x1\n\tret\n");
__attribute__((noinline)) void guest_at_end(void) { __asm__ volatile("nop" ::: "memory"); }
__attribute__((noinline)) void guest_at_told(void) { __asm__ volatile("nop" ::: "memory"); }

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 0, 0xa0, 0);
        wanted = NONE;
    }
}

static void program(int v)
{
    uint64_t n = board->go, intid = NONE;
    struct event *e;

    if (v == 0) {
        wait_for(&ready, n);
        write_part(0, PENDING, SPI, 1);
        eoi(0, take(0));
        *(volatile uint64_t *)&wanted = SPI;
        guest_at_told();
        wait_for(&done, n);
        return;
    }
    tell(&ready, n);
    if (board->argument) {
        wait_for(&wanted, 0);
        while (*(volatile uint64_t *)&wanted != SPI)
            guest_relax();
        trap();
    }
    e = said(1, EV_DIR, SPI, SPI, 0);
    while (intid != SPI)
        intid = guest_at_dir(&wanted);
    over(e);
    guest_at_end();
    board->vcpu[1].taken = read_part(1, ACTIVE, SPI);
    tell(&done, n);
}

static uint32_t clean_up(int v)
{
    if (v == 0) {
        *(volatile uint64_t *)&wanted = NONE;
        trap();
        cpu_dir(SPI);
        trap();
        clear_spis();
    }
    return v == 1 ? board->vcpu[1].taken : 0;
}
