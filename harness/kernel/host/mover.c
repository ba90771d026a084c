/*
 * The host's scheduler, as far as it is asked: in each execution a drawn number of times, at most
 * ``preemptions``, a VCPU's thread goes to another CPU, or is kept from its own for a while.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define WAIT_MAX 200 /* between two, in ns of the scenario's clock */
#define KEPT_NS 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static uint64_t turn, random_state;
static int moved[VCPUS_MAX];

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Of a higher priority than all VCPUs, it takes a CPU from them. */
static void keep_from(int cpu)
{
    struct timespec t;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (int64_t until = t.tv_sec * 1000000000ll + t.tv_nsec + KEPT_NS, now = 0; now < until;) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        now = t.tv_sec * 1000000000ll + t.tv_nsec;
    }
}

static void disturb(void)
{
    int vcpu = draw() % job->vcpus;

    if (job->cpus > 1 && draw() & 1) {
        moved[vcpu] = 1;
        bind_vcpu(vcpu, draw() % job->cpus);
    } else {
        keep_from(draw() % job->cpus);
    }
}

static void *mover_thread(void *unused)
{
    struct sched_param first = {.sched_priority = 1};
    uint64_t mine = 0;

    (void)unused;
    check(sched_setscheduler(0, SCHED_FIFO, &first), "SCHED_FIFO");
    for (;;) {
        pthread_mutex_lock(&lock);
        while (turn == mine)
            pthread_cond_wait(&begun, &lock);
        mine = turn;
        pthread_mutex_unlock(&lock);
        for (int left = draw() % (job->preemptions + 1); left; left--) {
            usleep(1 + draw() % WAIT_MAX * job->scale / 1000);
            pthread_mutex_lock(&lock);
            if (turn == mine)
                disturb();
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

void begin_moves(void)
{
    if (!job->preemptions)
        return;
    pthread_mutex_lock(&lock);
    turn++;
    pthread_cond_signal(&begun);
    pthread_mutex_unlock(&lock);
}

/* Every VCPU is back where the job has it. */
void end_moves(void)
{
    if (!job->preemptions)
        return;
    pthread_mutex_lock(&lock);
    turn++;
    for (int n = 0; n < job->vcpus; n++)
        if (moved[n])
            bind_vcpu(n, job->pin[n]);
    for (int n = 0; n < job->vcpus; n++)
        moved[n] = 0;
    pthread_mutex_unlock(&lock);
}

void start_mover(void)
{
    pthread_t thread;

    random_state = (job->first + 1) * 0xbf58476d1ce4e5b9ull;
    if (job->preemptions)
        check(-pthread_create(&thread, NULL, mover_thread, NULL), "pthread_create");
}
