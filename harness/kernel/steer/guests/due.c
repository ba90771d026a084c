/*
 * Findings F12 and F13: the guest's timer is due, and its VCPU sleeps for good. Argument 0: by WFI,
 * the timer's PPI disabled; 2: it is powered off (PSCI CPU_OFF). Bit 0, the controls: the timer is off.
 * Nothing is to happen; how often the thread of the VCPU is switched tells.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define PSCI_CPU_OFF 0x84000002u

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v == 0)
        v3_distributor();
}

static void program(int v)
{
    if (v)
        return;
    system_write("cntv_cval_el0", 0);
    system_write("cntv_ctl_el0", board->argument & 1 ? 0 : 1);
    if (board->argument & 2) {
        register uint64_t function __asm__("x0") = PSCI_CPU_OFF;
        __asm__ volatile("hvc #0" : "+r"(function)::"memory");
    }
    for (;;)
        wait_for_interrupt();
}

static uint32_t clean_up(int v)
{
    (void)v;
    return 0;
}
