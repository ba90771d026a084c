/* The VCPUs' threads: enter the guest, and answer what it asks by its door. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host.h"

volatile uint64_t executed, wrong;
static pthread_t threads[VCPUS_MAX];
static pid_t ids[VCPUS_MAX];

/*
 * The next execution begins. The ioctl does nothing: kvm_dev_ioctl is where what looks on from outside
 * learns of the last one's end, and kvm_handle_mmio_return on this CPU of the next one's begin.
 */
static void execution_begins(void)
{
    ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP);
    begin_devices();
    begin_moves();
    begin_monitor();
}

static void execution_over(uint32_t value)
{
    executed++;
    if (value) {
        wrong++;
        if (wrong <= job->say_max)
            printf("WRONG %llu %#x\n", (unsigned long long)(job->first + executed), value);
        write_history("wrong", job->first + executed);
    } else {
        keep_history();
    }
    execution_begins();
}

/* All programs are over. */
static void programs_over(void)
{
    end_monitor();
    end_devices();
    end_moves();
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static volatile int paused;
static int halted, out[VCPUS_MAX]; /* out: it does not enter its guest before it is let */
static uint64_t times;

/* A VCPU that has halted stays out until all have. */
static void wait_for_all(int n)
{
    pthread_mutex_lock(&lock);
    if (++halted == job->vcpus) {
        halted = 0;
        times++;
        pthread_mutex_unlock(&lock);
        programs_over();
        pthread_mutex_lock(&lock);
    } else {
        out[n] = 1;
        pthread_cond_broadcast(&changed);
        for (uint64_t now = times; now == times;)
            pthread_cond_wait(&changed, &lock);
        out[n] = 0;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_while_paused(int n)
{
    pthread_mutex_lock(&lock);
    out[n] = 1;
    pthread_cond_broadcast(&changed);
    while (paused)
        pthread_cond_wait(&changed, &lock);
    out[n] = 0;
    pthread_mutex_unlock(&lock);
}

/* Every VCPU is out of its guest, and KVM_RUN is not entered, until resume_vcpus. */
void pause_vcpus(void)
{
    pthread_mutex_lock(&lock);
    paused = 1;
    for (int n = 0; n < job->vcpus; n++) {
        run[n]->immediate_exit = 1;
        pthread_kill(threads[n], SIGUSR1);
    }
    for (int n = 0; n < job->vcpus; n++)
        while (!out[n])
            pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* restarted: all begin anew, whether they had halted or not. */
void resume_vcpus(int restarted)
{
    pthread_mutex_lock(&lock);
    paused = 0;
    for (int n = 0; n < job->vcpus; n++)
        run[n]->immediate_exit = 0;
    if (restarted) {
        halted = 0;
        times++;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void answer(int n, uint64_t place, uint32_t value)
{
    switch (place) {
    case BELL_END: execution_over(value); break;
    case BELL_START: execution_begins(); break;
    case BELL_USER: break;
    case BELL_HALT: wait_for_all(n); break;
    case BELL_RAISE: set_line(value, 1); break;
    case BELL_LOWER: set_line(value, 0); break;
    case BELL_PULSE: set_line(value, 1); set_line(value, 0); break;
    case BELL_SERVED: device_served(value); break;
    case BELL_BAD:
        printf("FAILED the guest of VCPU %d: an exception, ESR %#x\n", n, value);
        fflush(stdout);
        _exit(FAILED);
    }
}

/* Its thread runs on this CPU alone. */
void bind_vcpu(int vcpu, int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
    check(sched_setaffinity(ids[vcpu], sizeof set, &set), "sched_setaffinity");
}

int thread_of(int vcpu) { return ids[vcpu]; }

static void *vcpu_thread(void *argument)
{
    int n = (int)(uintptr_t)argument;
    struct kvm_run *r = run[n];
    char name[16];

    snprintf(name, sizeof name, "kvm-vcpu-%d", n);
    pthread_setname_np(pthread_self(), name);
    ids[n] = gettid();
    bind_vcpu(n, job->pin[n]);
    for (;;) {
        if (paused)
            wait_while_paused(n);
        r = run[n];
        if (ioctl(vcpu_fd[n], KVM_RUN, 0) < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            check(-1, "KVM_RUN");
        }
        if (r->exit_reason == KVM_EXIT_MMIO && r->mmio.phys_addr - DOOR_AT < 0x1000) {
            uint32_t value;
            memcpy(&value, r->mmio.data, sizeof value);
            if (r->mmio.is_write)
                answer(n, r->mmio.phys_addr - DOOR_AT, value);
            else
                memset(r->mmio.data, 0, sizeof r->mmio.data);
        } else if (r->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
            pause();
        } else {
            printf("FAILED VCPU %d left with reason %u at %#llx\n", n, r->exit_reason,
                   (unsigned long long)r->mmio.phys_addr);
            fflush(stdout);
            _exit(FAILED);
        }
    }
}

static void nothing(int signal) { (void)signal; }

void start_vcpus(void)
{
    struct sigaction action = {.sa_handler = nothing};

    check(sigaction(SIGUSR1, &action, NULL), "sigaction");
    for (long n = 0; n < job->vcpus; n++)
        check(-pthread_create(&threads[n], NULL, vcpu_thread, (void *)n), "pthread_create");
}
