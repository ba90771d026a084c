/* The CPU interface of either GIC, the scenario's clock, and how events come on the board. */
#ifndef CPU_H
#define CPU_H
#include "execute.h"

#define ICC_RPR "S3_0_C12_C11_3"
#define ICC_HPPIR1 "S3_0_C12_C12_2"
#define ICC_BPR1 "S3_0_C12_C12_3"
enum { GICC_BPR = 0x08, GICC_RPR = 0x14, GICC_HPPIR = 0x18 };

static inline uint32_t cpu_iar(void) { return GIC == 3 ? v3_acknowledge() : v2_acknowledge(); }
static inline void cpu_eoir(uint32_t iar) { if (GIC == 3) v3_eoi(iar); else v2_eoi(iar); }
static inline void cpu_dir(uint32_t iar) { if (GIC == 3) v3_deactivate(iar); else v2_deactivate(iar); }
static inline uint64_t cpu_rpr(void) { return GIC == 3 ? system_read(ICC_RPR) : read32(CPUIF + GICC_RPR); }
static inline uint64_t cpu_hppir(void) { return GIC == 3 ? system_read(ICC_HPPIR1) : read32(CPUIF + GICC_HPPIR) & 0x3ff; }

static inline void cpu_pmr(uint32_t value)
{
    if (GIC == 3)
        system_write(ICC_PMR, value);
    else
        write32(CPUIF + GICC_PMR, value);
}

static inline void cpu_bpr(uint32_t value)
{
    if (GIC == 3)
        system_write(ICC_BPR1, value);
    else
        write32(CPUIF + GICC_BPR, value);
}

static inline void cpu_group(int on)
{
    if (GIC == 3)
        system_write(ICC_IGRPEN1, on);
    else
        write32(CPUIF + GICC_CTLR, (EOIMODE ? 0x200 : 0) | on);
}

static inline uint64_t ticks_of(uint64_t ns)
{
    return ns * board->scale * (system_read("cntfrq_el0") / 1000000) / 1000;
}

/* So many ns of the scenario's clock; a quarter to twice that where executions are to differ. */
static inline uint64_t ticks(int v, uint64_t ns)
{
    uint64_t all = ticks_of(ns);
    if (board->jitter)
        all = all / 4 + all * (draw(v, ns) % 1024) * 7 / 4096;
    return all;
}

/*
 * A new event, which begins now, and ends with over. No interrupt comes in between: what is done and
 * what is said of it are one. What does not fit goes to the last place.
 */
static struct event *said(int v, uint32_t kind, uint32_t a, uint64_t value, int of)
{
    struct vcpu_board *mine = &board->vcpu[v];
    uint64_t daif = system_read("daif");
    struct event *e;

    __asm__ volatile("msr daifset, #2" ::: "memory");
    e = &mine->events[mine->count < EVENTS_MAX ? mine->count : EVENTS_MAX - 1];
    mine->count++;
    e->kind = kind;
    e->a = a;
    e->of = of;
    e->flags = daif & MASKED;
    e->value = value;
    e->began = e->ended = guest_count();
    return e;
}

/* Interrupts are masked from here on if they were before, or as the event says (mask_irqs). */
static inline void over(struct event *e)
{
    e->ended = guest_count();
    e->flags |= DONE;
    if (!(e->flags & MASKED))
        __asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
}
#endif
