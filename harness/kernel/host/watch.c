/* Looks on while the guests run: the end of the job, and executions that do not end. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define LOOK_US 5000

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Waits until an execution has ended that had not, for so long; whether it has. */
static int goes_on(uint64_t since, double until)
{
    while (now() < until) {
        if (executed != since)
            return 1;
        usleep(LOOK_US);
    }
    return executed != since;
}

/* Where each VCPU is, and what its GIC says; without stopping it this is of some moment. */
static void tell_stuck(void)
{
    printf("STUCK %llu\n", (unsigned long long)(job->first + executed + 1));
    for (int n = 0; n < job->vcpus; n++)
        printf("STUCK vcpu %d events %llu taken %llu arrived %llu\n", n,
               (unsigned long long)board->vcpu[n].count, (unsigned long long)board->vcpu[n].taken,
               (unsigned long long)board->vcpu[n].arrived);
    printf("STUCK pending %#llx active %#llx\n",
           (unsigned long long)get_gic(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x204),
           (unsigned long long)get_gic(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x304));
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
        if (goes_on(since, now() + job->hang_ms * 1e-3))
            continue;
        tell_stuck();
        write_history("stuck", job->first + executed + 1);
        tell_symptoms();
        /* An exit for another reason: does it go on with that? */
        kick_vcpus();
        if (goes_on(since, now() + job->hang_ms * 1e-3)) {
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
