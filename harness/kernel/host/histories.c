/*
 * What the guests did, execution by execution. Of those that went well each different one is kept
 * once: the same accesses with the same results in the same order, whenever that was. A history is
 * a head (struct head) and its events, as they are on the board: each VCPU's, then the VMM's.
 */
#include <stdio.h>
#include <string.h>

#include "host.h"

#define SEEN (1 << 16)
#define VOLATILE 0x100 /* in an event's kind: its value tells the time, and makes no difference */

struct head {
    char why[8];
    uint64_t execution, vcpus, counts[VCPUS_MAX + 1];
};

uint64_t distinct;
static long handle = -1;
static uint64_t seen[SEEN];

/* Drops what the caches have of it: the guest writes past them. */
void refresh(const void *at, uint64_t size)
{
    const char *p = (const char *)((uint64_t)at & ~63ull);

    for (; p < (const char *)at + size; p += 64)
        __asm__ volatile("dc civac, %0" ::"r"(p) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
}

static uint64_t count_of(int n)
{
    uint64_t count = board->vcpu[n].count;
    return count < EVENTS_MAX ? count : EVENTS_MAX;
}

/* Whose events there are: the VCPUs, and the VMM. */
static int who(int n) { return n < job->vcpus ? n : VCPUS_MAX; }

static void refresh_all(void)
{
    for (int n = 0; n < job->vcpus; n++) {
        refresh(&board->vcpu[n], sizeof board->vcpu[n] - sizeof board->vcpu[n].events);
        refresh(board->vcpu[n].events, count_of(n) * sizeof(struct event));
    }
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3ull;
}

/* Of the events in the order in which they began. */
static uint64_t digest(void)
{
    uint64_t at[VCPUS_MAX + 1] = {0}, hash = 0xcbf29ce484222325ull;

    for (;;) {
        int first = -1;
        for (int n = 0; n <= job->vcpus; n++)
            if (at[n] < count_of(who(n)) &&
                (first < 0 || board->vcpu[who(n)].events[at[n]].began <
                                  board->vcpu[who(first)].events[at[first]].began))
                first = n;
        if (first < 0)
            return hash ? hash : 1;
        struct event *e = &board->vcpu[who(first)].events[at[first]++];
        hash = mix(hash, (uint64_t)e->kind << 40 | (uint64_t)e->a << 16 | (uint64_t)e->of << 8 | (e->flags & DONE) << 7 | first);
        hash = mix(hash, e->kind & VOLATILE ? 0 : e->value);
    }
}

/* The guests' count. */
static uint64_t guest_now(void)
{
    uint64_t now;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now)::"memory");
    refresh(&board->ahead, sizeof board->ahead);
    return now - board->ahead;
}

/* An event of the VMM's own; one thread at a time. */
struct event *said_by_vmm(uint32_t kind, uint32_t intid)
{
    struct vcpu_board *mine = &board->vcpu[VCPUS_MAX];
    uint64_t n = mine->count++;
    struct event *e = &mine->events[n < EVENTS_MAX ? n : EVENTS_MAX - 1];

    *e = (struct event){.kind = kind, .a = intid, .began = guest_now(), .flags = DONE};
    e->ended = e->began;
    return e;
}

void over_by_vmm(struct event *e) { e->ended = guest_now(); }

void open_histories(void)
{
    if (*job->out)
        handle = check(host_open(job->out, 1), job->out);
}

void write_history(const char *why, uint64_t execution)
{
    struct head head = {.execution = execution, .vcpus = job->vcpus};

    if (handle < 0)
        return;
    refresh_all();
    strncpy(head.why, why, sizeof head.why - 1);
    for (int n = 0; n <= job->vcpus; n++)
        head.counts[n] = count_of(who(n));
    host_write(handle, &head, sizeof head);
    for (int n = 0; n <= job->vcpus; n++)
        host_write(handle, board->vcpu[who(n)].events, count_of(who(n)) * sizeof(struct event));
}

void keep_history(void)
{
    uint64_t hash;

    if (handle < 0)
        return;
    refresh_all();
    hash = digest();
    for (uint64_t n = hash; !job->all; n++) {
        if (seen[n % SEEN] == hash)
            return;
        if (!seen[n % SEEN]) {
            if (distinct >= SEEN / 2)
                return;
            seen[n % SEEN] = hash;
            break;
        }
    }
    distinct++;
    write_history("well", job->first + executed);
}

void close_histories(void)
{
    if (handle >= 0)
        host_close(handle);
}
