/* GICv2: three VCPUs send the same SGI to VCPU 0 before it takes one, and again while it is active. */
#include "guest.h"

#define SGI 3
#define SENDERS 3

static struct stage round, sent[SENDERS + 1];

static void all_sent(uint32_t number)
{
    reach(&round, number);
    for (uint32_t n = 1; n <= SENDERS; n++)
        await(&sent[n], number);
}

static void take_all(void)
{
    uint32_t sources = 0;

    for (uint32_t n = 1; n <= SENDERS; n++) {
        uint32_t iar = v2_take();
        if ((iar & 0x3ff) != SGI)
            end(1);
        sources |= 1u << (iar >> 10 & 7);
        say(0x300 + (iar >> 10));
        v2_eoi(iar);
    }
    if (sources != 0xe)
        end(2);
}

void guest_main(uint64_t vcpu, uint64_t argument)
{
    (void)argument;
    v2_start(0);
    if (vcpu) {
        for (uint32_t n = 1; n <= 2; n++) {
            await(&round, n);
            v2_sgi(SGI, 1);
            reach(&sent[vcpu], n);
        }
        for (;;)
            wait_for_interrupt();
    }
    v2_distributor();
    write8(DIST + IPRIORITYR + SGI, 0x90);
    set_bit(ISENABLER, SGI);
    all_sent(1);
    say(0x100);
    take_all();
    say(0x200);
    v2_sgi(SGI, 1);
    uint32_t own = v2_take();
    all_sent(2);
    say(0x201);
    v2_eoi(own);
    take_all();
    say(0x400);
    end(0);
}
