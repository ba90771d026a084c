/* Looks on while the guests run: the end of the job, and executions that do not end. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define LOOK_US 5000
#define LONG 10 /* times hang_ms, for an execution in which guests do something all the while */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* What the guests have done so far. */
static uint64_t events(void)
{
    uint64_t sum = 0;

    for (int n = 0; n < job->vcpus; n++) {
        refresh(&board->vcpu[n].count, sizeof board->vcpu[n].count);
        sum += board->vcpu[n].count;
    }
    return sum;
}

/*
 * Waits until an execution has ended that had not, and as long as guests do something meanwhile (but
 * not for ever); whether it has.
 */
static int goes_on(uint64_t since)
{
    double patience = job->hang_ms * 1e-3, began = now(), quiet = began;
    uint64_t seen = events();

    while (now() - quiet < patience && now() - began < LONG * patience) {
        if (executed != since)
            return 1;
        usleep(LOOK_US);
        if (events() != seen) {
            seen = events();
            quiet = now();
        }
    }
    return executed != since;
}

static uint64_t distributor(uint64_t offset)
{
    return get_gic(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset);
}

static void tell_stuck_begins(void)
{
    printf("STUCK %llu\n", (unsigned long long)(job->first + executed + 1));
}

/* Where each VCPU is, and what its GIC says; all are out of their guests. */
static void tell_stuck(void)
{
    uint64_t core = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE;

    for (int n = 0; n < job->vcpus; n++) {
        printf("STUCK VCPU %d at %#llx, %llu events", n,
               (unsigned long long)get_register(n, core | KVM_REG_ARM_CORE_REG(regs.pc)),
               (unsigned long long)board->vcpu[n].count);
        printf(", timer CTL %#llx, due in %lld",
               (unsigned long long)get_register(n, KVM_REG_ARM_TIMER_CTL),
               (long long)(get_register(n, KVM_REG_ARM_TIMER_CVAL) -
                           get_register(n, KVM_REG_ARM_TIMER_CNT)));
        if (job->gic == 3) {
            uint64_t frame = (uint64_t)n << 32 | 0x10000;
            printf(", pending %#llx active %#llx",
                   (unsigned long long)get_gic(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, frame | 0x200),
                   (unsigned long long)get_gic(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, frame | 0x300));
        }
        printf("\n");
    }
    printf("STUCK SPIs pending %#llx active %#llx\n",
           (unsigned long long)(distributor(0x204) | distributor(0x208) << 32),
           (unsigned long long)(distributor(0x304) | distributor(0x308) << 32));
    fflush(stdout);
}

static void tell(const char *what, double began)
{
    printf("%s executions=%llu wrong=%llu distinct=%llu seconds=%.3f\n", what,
           (unsigned long long)executed, (unsigned long long)wrong,
           (unsigned long long)distinct, now() - began);
    fflush(stdout);
}

int watch(void)
{
    double began = now();

    while (executed < job->executions && now() - began < job->seconds) {
        uint64_t since = executed;
        if (goes_on(since))
            continue;
        note_symptoms();
        if (goes_on(since))
            continue;
        /* They leave their guests, for no reason of their own: do they go on with that? */
        tell_stuck_begins();
        tell_symptoms();
        pause_vcpus();
        tell_stuck();
        write_history("stuck", job->first + executed + 1);
        resume_vcpus(0);
        if (goes_on(since)) {
            printf("LATE\n");
            wrong++;
            continue;
        }
        printf("LOST\n");
        tell_devices();
        tell("HUNG", began);
        return HUNG;
    }
    tell_devices();
    tell("DONE", began);
    return 0;
}
