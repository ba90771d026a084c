/*
 * The GIC as a bare-metal guest sees it, and what orders accesses of several VCPUs. The guest's MMU is
 * off, so memory is uncached and strongly ordered.
 */
#ifndef GIC_H
#define GIC_H
#include <stdint.h>

#define DIST 0x08000000ul
#define CPUIF 0x08010000ul  /* GICv2 */
#define REDIST 0x080A0000ul /* GICv3: 128 KiB for each VCPU; the second half is for its SGIs and PPIs */

enum { CTLR = 0x000, IGROUPR = 0x080, ISENABLER = 0x100, ICENABLER = 0x180, ISPENDR = 0x200,
       ICPENDR = 0x280, ISACTIVER = 0x300, ICACTIVER = 0x380, IPRIORITYR = 0x400, ITARGETSR = 0x800,
       ICFGR = 0xc00, SGIR = 0xf00, IROUTER = 0x6000 };

enum { GICC_CTLR = 0x00, GICC_PMR = 0x04, GICC_IAR = 0x0c, GICC_EOIR = 0x10, GICC_DIR = 0x1000 };

#define NONE 1023u

/* Written out, since KVM emulates no access with write-back or of a pair. */
#define ACCESS_WRITE(name, type, instruction) \
    static inline void name(uint64_t address, type value) \
    { __asm__ volatile(instruction ", [%1]" ::"r"(value), "r"(address) : "memory"); }
ACCESS_WRITE(write8, uint8_t, "strb %w0")
ACCESS_WRITE(write32, uint32_t, "str %w0")
ACCESS_WRITE(write64, uint64_t, "str %x0")
static inline uint32_t read8(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}
static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

#define system_read(name) ({ uint64_t v_; __asm__ volatile("mrs %0, " name : "=r"(v_)); v_; })
#define system_write(name, value) __asm__ volatile("msr " name ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")

#define ICC_PMR "S3_0_C4_C6_0"
#define ICC_IAR1 "S3_0_C12_C12_0"
#define ICC_EOIR1 "S3_0_C12_C12_1"
#define ICC_CTLR "S3_0_C12_C12_4"
#define ICC_SRE "S3_0_C12_C12_5"
#define ICC_IGRPEN1 "S3_0_C12_C12_7"
#define ICC_DIR "S3_0_C12_C11_1"
#define ICC_SGI1R "S3_0_C12_C11_5"

static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void spin(uint32_t turns) { while (turns--) __asm__ volatile("" ::: "memory"); }

/* A register with one bit for each interrupt, in the distributor. */
static inline void set_bit(uint32_t group, uint32_t intid) { write32(DIST + group + intid / 32 * 4, 1u << intid % 32); }
static inline int test_bit(uint32_t group, uint32_t intid) { return read32(DIST + group + intid / 32 * 4) >> intid % 32 & 1; }

static inline void configure(uint32_t intid, int edge, uint8_t priority)
{
    uint64_t icfgr = DIST + ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << intid % 16 * 2;
    write32(icfgr, edge ? read32(icfgr) | bit : read32(icfgr) & ~bit);
    write8(DIST + IPRIORITYR + intid, priority);
}

/* -- GICv3 -- */

static inline void v3_start(int eoimode)
{
    system_write(ICC_SRE, 7);
    system_write(ICC_PMR, 0xf0);
    system_write(ICC_CTLR, eoimode ? 2 : 0);
    system_write(ICC_IGRPEN1, 1);
}
/* On, with INTIDs 32 to 63 in group 1. */
static inline void v3_distributor(void)
{
    write32(DIST + CTLR, 0x12);
    write32(DIST + IGROUPR + 4, ~0u);
}
static inline void v3_route(uint32_t intid, uint32_t vcpu) { write64(DIST + IROUTER + intid * 8, vcpu); }
/* An SPI, enabled, to a VCPU. */
static inline void v3_spi(uint32_t intid, int edge, uint8_t priority, uint32_t vcpu)
{
    configure(intid, edge, priority);
    v3_route(intid, vcpu);
    set_bit(ISENABLER, intid);
}
/* An SGI or PPI of group 1, enabled, of this VCPU. */
static inline void v3_private(uint32_t vcpu, uint32_t intid, uint8_t priority)
{
    uint64_t frame = REDIST + vcpu * 0x20000ul + 0x10000;
    write32(frame + IGROUPR, read32(frame + IGROUPR) | 1u << intid);
    write8(frame + IPRIORITYR + intid, priority);
    write32(frame + ISENABLER, 1u << intid);
}
static inline uint32_t v3_acknowledge(void) { return system_read(ICC_IAR1); }
static inline void v3_eoi(uint32_t intid) { system_write(ICC_EOIR1, intid); }
static inline void v3_deactivate(uint32_t intid) { system_write(ICC_DIR, intid); }
static inline void v3_sgi(uint32_t intid, uint32_t targets) { system_write(ICC_SGI1R, (uint64_t)intid << 24 | targets); }
static inline uint32_t v3_take(void)
{
    uint32_t intid;
    while ((intid = v3_acknowledge()) == NONE)
        ;
    return intid;
}

/* -- GICv2 -- */

static inline void v2_start(int eoimode)
{
    write32(CPUIF + GICC_PMR, 0xf0);
    write32(CPUIF + GICC_CTLR, eoimode ? 0x201 : 1);
}
static inline void v2_distributor(void) { write32(DIST + CTLR, 1); }
static inline void v2_spi(uint32_t intid, int edge, uint8_t priority, uint8_t targets)
{
    configure(intid, edge, priority);
    write8(DIST + ITARGETSR + intid, targets);
    set_bit(ISENABLER, intid);
}
static inline void v2_sgi(uint32_t intid, uint8_t targets) { write32(DIST + SGIR, (uint32_t)targets << 16 | intid); }
static inline uint32_t v2_acknowledge(void) { return read32(CPUIF + GICC_IAR); }
static inline void v2_eoi(uint32_t iar) { write32(CPUIF + GICC_EOIR, iar); }
static inline void v2_deactivate(uint32_t iar) { write32(CPUIF + GICC_DIR, iar); }
static inline uint32_t v2_take(void)
{
    uint32_t iar;
    while (((iar = v2_acknowledge()) & 0x3ff) == NONE)
        ;
    return iar;
}

/* -- between VCPUs -- */

/* A count in memory that a VCPU raises and others wait for. */
struct stage { volatile uint32_t reached; };
static inline void reach(struct stage *s, uint32_t value)
{
    __asm__ volatile("dmb sy" ::: "memory");
    s->reached = value;
}
static inline void await(struct stage *s, uint32_t value)
{
    while (s->reached < value)
        ;
    __asm__ volatile("dmb sy" ::: "memory");
}
#endif
