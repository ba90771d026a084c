/* The virtual timer: taken while the guest runs, and out of WFI. Level, forwarded: HW List Registers. */
#include "guest.h"

#define TIMER 27

static void arm_timer(uint64_t ticks)
{
    system_write("cntv_tval_el0", ticks);
    system_write("cntv_ctl_el0", 1);
}

void guest_main(uint64_t vcpu, uint64_t gic)
{
    if (gic == 3) {
        v3_start(0);
        v3_distributor();
        v3_private(vcpu, TIMER, 0x80);
    } else {
        v2_start(0);
        v2_distributor();
        configure(TIMER, 0, 0x80);
        set_bit(ISENABLER, TIMER);
    }
    for (uint32_t n = 0; n < 6; n++) {
        uint32_t intid;
        arm_timer(n % 2 ? 0x100000 : 0x8000);
        if (n % 2)
            wait_for_interrupt();
        intid = gic == 3 ? v3_take() : v2_take();
        if (intid != TIMER)
            end(1);
        say(0x100 + n);
        system_write("cntv_ctl_el0", 0);
        gic == 3 ? v3_eoi(intid) : v2_eoi(intid);
    }
    end(0);
}
