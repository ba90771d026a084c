/*
 * ISPENDR and ICPENDR on a level interrupt: with the line low the latch alone keeps it pending; with
 * the line high as well it stays pending after the latch is cleared.
 */
#include "guest.h"

#define SPI 50

static uint64_t gic;

static uint32_t take(void) { return gic == 3 ? v3_take() : v2_take(); }
static void eoi(uint32_t intid) { gic == 3 ? v3_eoi(intid) : v2_eoi(intid); }
static uint32_t acknowledge(void) { return gic == 3 ? v3_acknowledge() : v2_acknowledge(); }

static void expect(int condition, uint32_t code)
{
    if (!condition)
        end(code);
}

void guest_main(uint64_t vcpu, uint64_t argument)
{
    (void)vcpu;
    gic = argument;
    if (gic == 3) {
        v3_start(0);
        v3_distributor();
        v3_spi(SPI, 0, 0x70, 0);
    } else {
        v2_start(0);
        v2_distributor();
        v2_spi(SPI, 0, 0x70, 1);
    }
    say(0x100); /* the latch alone */
    set_bit(ISPENDR, SPI);
    expect(take() == SPI, 1);
    eoi(SPI);
    say(0x101);
    expect(acknowledge() == NONE, 2);

    say(0x200); /* latch and line; the line goes first */
    raise(SPI);
    set_bit(ISPENDR, SPI);
    lower(SPI);
    expect(test_bit(ISPENDR, SPI), 3);
    expect(take() == SPI, 4);
    eoi(SPI);

    say(0x300); /* the latch is taken back */
    set_bit(ISPENDR, SPI);
    set_bit(ICPENDR, SPI);
    expect(!test_bit(ISPENDR, SPI), 5);
    expect(acknowledge() == NONE, 6);

    say(0x400); /* ICPENDR with the line high: still pending */
    set_bit(ISPENDR, SPI);
    raise(SPI);
    set_bit(ICPENDR, SPI);
    expect(take() == SPI, 7);
    say(0x401);
    set_bit(ISPENDR, SPI); /* again, while it is active: what becomes of it is KVM's answer */
    lower(SPI);
    eoi(SPI);
    say(0x402);
    say(test_bit(ISPENDR, SPI) ? 0x411 : 0x410);
    say(0x500);
    end(0);
}
