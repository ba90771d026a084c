/*
 * What a bare-metal guest of vmm has: the doorbell of its VMM, and its GIC (gic.h). Interrupts stay
 * masked; a guest polls its acknowledge register, which needs no vectors.
 */
#ifndef GUEST_H
#define GUEST_H
#include "gic.h"

#define DOOR 0x09000000ul

enum { DOOR_SAY = 0x00, DOOR_RAISE = 0x04, DOOR_LOWER = 0x08, DOOR_PULSE = 0x0c, DOOR_END = 0x10, DOOR_LATER = 0x14 };

static inline void say(uint32_t value) { write32(DOOR + DOOR_SAY, value); }
static inline void end(uint32_t code) { for (;;) write32(DOOR + DOOR_END, code); }
static inline void raise(uint32_t intid) { write32(DOOR + DOOR_RAISE, intid); }
static inline void lower(uint32_t intid) { write32(DOOR + DOOR_LOWER, intid); }
static inline void pulse(uint32_t intid) { write32(DOOR + DOOR_PULSE, intid); }
static inline void raise_later(uint32_t intid) { write32(DOOR + DOOR_LATER, intid); }

void guest_main(uint64_t vcpu, uint64_t argument);

void guest_unexpected(uint64_t esr, uint64_t elr)
{
    say(0xbad);
    say(esr);
    say(elr);
    end(98);
}
#endif
