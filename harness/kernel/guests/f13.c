/*
 * Finding F13: VCPU 1 is powered off by PSCI with its timer due (argument 0), or with it off (1).
 * Nobody waits for it but the VMM, which tells how often its thread was woken.
 */
#include "execute.h"

#define CPU_OFF 0x84000002ul

void guest_irq(void) {}

static void set_up(int v) { (void)v; }

static void program(int v)
{
    register uint64_t x0 __asm__("x0") = CPU_OFF;

    if (v != 1)
        return;
    system_write("cntv_cval_el0", 0);
    system_write("cntv_ctl_el0", board->argument ? 0 : 1);
    __asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
}

static uint32_t clean_up(int v)
{
    (void)v;
    return 0;
}
