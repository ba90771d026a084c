/* An SPI is routed to VCPU 1 while it is active on VCPU 0: it stays there until it is deactivated. */
#include "guest.h"

#define EDGE 51
#define LEVEL 53

static struct stage taken;

void guest_main(uint64_t vcpu, uint64_t argument)
{
    (void)argument;
    v3_start(0);
    if (vcpu == 1) {
        for (uint32_t n = 1; n <= 3; n++) {
            uint32_t intid = v3_take();
            say(0x300 + intid);
            if (intid == LEVEL)
                lower(LEVEL);
            v3_eoi(intid);
            reach(&taken, n);
        }
        for (;;)
            wait_for_interrupt();
    }
    v3_distributor();
    v3_spi(EDGE, 1, 0x80, 0);
    v3_spi(LEVEL, 0, 0x90, 0);

    pulse(EDGE);
    if (v3_take() != EDGE)
        end(1);
    say(0x100); /* active here */
    v3_route(EDGE, 1);
    pulse(EDGE); /* the next one: active and pending, still in this VCPU's list */
    say(0x101);
    v3_eoi(EDGE);
    say(0x102); /* an exit, at which it goes to VCPU 1 */
    await(&taken, 1);

    raise(LEVEL);
    if (v3_take() != LEVEL)
        end(2);
    say(0x200);
    v3_route(LEVEL, 1);
    say(0x201);
    v3_eoi(LEVEL); /* the line is still high: VCPU 1 takes it */
    say(0x202);
    await(&taken, 2);

    pulse(EDGE); /* and from now on there */
    await(&taken, 3);
    say(0x400);
    end(0);
}
