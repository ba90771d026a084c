/* A device with an edge: out of WFI, twice before it is taken, while it is active, and while off. */
#include "guest.h"

#define SPI 52

static struct stage asked, done;

static void expect(int condition, uint32_t code)
{
    if (!condition)
        end(code);
}

void guest_main(uint64_t vcpu, uint64_t argument)
{
    (void)argument;
    v3_start(0);
    if (vcpu == 1) {
        for (uint32_t n = 1; n <= 2; n++) {
            await(&asked, n);
            pulse(SPI);
            reach(&done, n);
        }
        for (;;)
            wait_for_interrupt();
    }
    v3_distributor();
    v3_spi(SPI, 1, 0xa0, 0);

    say(0x100); /* out of WFI */
    raise_later(SPI);
    wait_for_interrupt();
    expect(v3_take() == SPI, 1);
    lower(SPI);
    v3_eoi(SPI);

    say(0x200); /* two edges before it is taken are one */
    pulse(SPI);
    pulse(SPI);
    expect(v3_take() == SPI, 2);
    v3_eoi(SPI);
    expect(v3_acknowledge() == NONE, 3);

    say(0x300); /* from another VCPU, while active: taken once more */
    pulse(SPI);
    expect(v3_take() == SPI, 4);
    reach(&asked, 1);
    await(&done, 1);
    say(0x301);
    v3_eoi(SPI);
    expect(v3_take() == SPI, 5);
    v3_eoi(SPI);

    say(0x400); /* while disabled: kept */
    set_bit(ICENABLER, SPI);
    reach(&asked, 2);
    await(&done, 2);
    expect(v3_acknowledge() == NONE, 6);
    set_bit(ISENABLER, SPI);
    expect(v3_take() == SPI, 7);
    v3_eoi(SPI);
    say(0x500);
    end(0);
}
