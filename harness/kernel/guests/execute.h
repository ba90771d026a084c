/*
 * Executions, one after the other, in one VM. A guest has three functions for each VCPU: set_up, once;
 * program, once in each execution; and clean_up, which leaves everything as set_up did and returns
 * what was wrong (0: nothing). Programs begin together. A VCPU whose program is over is out of its
 * guest until all are; VCPU 0 tells the VMM of the end, and nobody does anything else meanwhile.
 *
 * For who steers from outside: an execution begins where VCPU 0's CPU comes back from the exit by
 * which it told of the last one's end (kvm_handle_mmio_return), or that all are set up; it ends where
 * the VMM calls kvm_dev_ioctl. A VCPU that spins until another one does something calls guest_relax at each turn.
 */
#ifndef EXECUTE_H
#define EXECUTE_H
#include "board.h"
#include "gic.h"

static struct board *const board = (struct board *)BOARD_AT;

static void set_up(int v);
static void program(int v);
static uint32_t clean_up(int v);
void guest_irq(void);

__attribute__((noinline)) void guest_relax(void) { __asm__ volatile("yield" ::: "memory"); }

static inline uint64_t guest_count(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

static inline void ring(uint32_t bell, uint32_t value) { write32(DOOR_AT + bell, value); }
static inline void barrier(void) { __asm__ volatile("dmb sy" ::: "memory"); }
static inline int vcpus(void) { return board->vcpus; }

/* Waits until another VCPU has made it at least so much. */
static inline void wait_for(volatile uint64_t *count, uint64_t least)
{
    while (*count < least)
        guest_relax();
    barrier();
}

static inline void tell(volatile uint64_t *count, uint64_t value)
{
    barrier();
    *count = value;
}

/* A number that differs from execution to execution, and is the same in each of that number. */
static inline uint64_t draw(int v, uint64_t salt)
{
    uint64_t x = (board->first + board->go) * 0x9e3779b97f4a7c15ul + v * 0xbf58476d1ce4e5b9ul + salt;
    x ^= x >> 31;
    x *= 0x94d049bb133111ebul;
    return x ^ x >> 29;
}

/* How far the physical count, which is the host's as well, is ahead of the virtual one. */
static uint64_t physical_ahead(void)
{
    uint64_t before, physical, after;
    int tries = 1000;

    do {
        before = guest_count();
        physical = system_read("cntpct_el0");
        after = guest_count();
    } while (before != after && --tries);
    return physical - before;
}

/* again: after a reset an execution goes on, and with it what is said of it. */
static void begin(int v, uint64_t n, int again)
{
    if (!again)
        board->vcpu[v].count = 0;
    board->vcpu[v].began = n;
    board->vcpu[v].taken = 0;
    board->vcpu[v].ptaken = board->vcpu[v].seen[0] = board->vcpu[v].seen[1] = 0;
}

void guest_main(uint64_t v, uint64_t argument)
{
    uint64_t start = board->start, again = board->again;
    uint32_t bad;

    (void)argument;
    set_up(v);
    if (v == 0)
        board->ahead = physical_ahead();
    tell(&board->vcpu[v].arrived, start);
    for (uint64_t n = start;; n++) {
        if (v == 0) {
            bad = 0;
            for (int w = 0; w < vcpus(); w++) {
                wait_for(&board->vcpu[w].arrived, n);
                bad |= board->vcpu[w].wrong;
            }
            if (n != start)
                ring(BELL_END, bad);
            else if (!again)
                ring(BELL_START, 0);
            begin(v, n, again && n == start);
            tell(&board->go, n);
        } else {
            wait_for(&board->go, n);
            begin(v, n, again && n == start);
        }
        program(v);
        ring(BELL_HALT, 0);
        board->vcpu[v].wrong = clean_up(v);
        tell(&board->vcpu[v].arrived, n + 1);
    }
}
#endif
