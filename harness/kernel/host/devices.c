/*
 * Devices of software: what they do in an execution is drawn for each. An edge is a pulse of
 * KVM_IRQ_LINE, or an irqfd; a level is held by KVM_IRQ_LINE until its driver's access, which comes
 * here; with resample an irqfd raises it and KVM lowers it when its guest ends the interrupt, says so
 * by the resamplefd, and it is raised again if the device still asks for something.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define POLL_US 50
#define WAIT_MAX 200 /* a device waits so many ns of the scenario's clock at most */

struct made {
    int fd, resampled, signalled_by_fd; /* the last: in this execution */
    uint64_t signalled, notified, random;
};

static struct made made[DEVICES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static uint64_t turn; /* counts executions; odd while one runs */

void set_line(uint32_t intid, int level)
{
    uint32_t irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid;
    struct kvm_irq_level line = {.irq = irq, .level = level};
    check(ioctl(vm_fd, KVM_IRQ_LINE, &line), "KVM_IRQ_LINE");
}

static uint64_t draw(struct made *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    return m->random ^= m->random << 17;
}

static void write_event(int fd)
{
    uint64_t one = 1;
    check(write(fd, &one, sizeof one), "an eventfd");
}

/* Tells KVM of an event, or that its device still asks for something (again); the lock is held, so that what is seen of it is in order. */
static void signal_event(int n, int again)
{
    struct device *device = &job->device[n];
    struct event *e = said_by_vmm(EV_RAISED, device->intid);

    e->value = again;
    made[n].signalled += !again;
    if (device->signals == RESAMPLE || (device->signals == EDGE && draw(&made[n]) & 1)) {
        write_event(made[n].fd);
        made[n].signalled_by_fd = 1;
    } else {
        set_line(device->intid, 1);
        if (device->signals == EDGE)
            set_line(device->intid, 0);
    }
    over_by_vmm(e);
}

static void *device_thread(void *argument)
{
    int n = (int)(uintptr_t)argument;
    struct device_board *mine = &board->device[n];
    uint64_t mine_turn = 0;

    for (;;) {
        pthread_mutex_lock(&lock);
        while (turn == mine_turn || !(turn & 1))
            pthread_cond_wait(&begun, &lock);
        mine_turn = turn;
        pthread_mutex_unlock(&lock);
        while (turn == mine_turn) {
            if (job->device[n].follows < 0 && mine->raised == mine->planned)
                break;
            usleep(1 + draw(&made[n]) % WAIT_MAX * job->scale / 1000);
            pthread_mutex_lock(&lock);
            refresh(mine, sizeof *mine);
            int due = turn == mine_turn && mine->raised < mine->planned;
            if (due && (job->device[n].signals == EDGE || !mine->work)) {
                mine->work = 1;
                mine->raised++;
                refresh(mine, sizeof *mine);
                signal_event(n, 0);
            }
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

/* Told of the end of an interrupt: the device's own line decides whether it comes again. */
static void *resample_thread(void *argument)
{
    int n = (int)(uintptr_t)argument;
    uint64_t times;

    while (read(made[n].resampled, &times, sizeof times) == sizeof times) {
        pthread_mutex_lock(&lock);
        made[n].notified += times;
        said_by_vmm(EV_NOTIFIED, job->device[n].intid);
        refresh(&board->device[n], sizeof board->device[n]);
        if (board->device[n].work && turn & 1)
            signal_event(n, 1);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Its driver's access; the guest says what there was to do. */
void device_served(uint32_t number)
{
    if (number >= (uint32_t)job->devices)
        return;
    pthread_mutex_lock(&lock);
    board->device[number].work = 0;
    refresh(&board->device[number], sizeof board->device[number]);
    set_line(job->device[number].intid, 0);
    pthread_mutex_unlock(&lock);
}

void begin_devices(void)
{
    board->vcpu[VCPUS_MAX].count = 0;
    if (!job->devices)
        return;
    pthread_mutex_lock(&lock);
    for (int n = 0; n < job->devices; n++) {
        struct device *device = &job->device[n];
        int planned = device->follows < 0 ? draw(&made[n]) % (device->events + 1) : 0;
        board->device[n] = (struct device_board){.planned = planned};
    }
    refresh(board->device, sizeof board->device);
    turn++;
    pthread_cond_broadcast(&begun);
    pthread_mutex_unlock(&lock);
}

static void connect_event(int n, uint32_t flags)
{
    int resample = job->device[n].signals == RESAMPLE;
    struct kvm_irqfd irqfd = {
        .fd = made[n].fd, .gsi = job->device[n].intid - 32,
        .flags = flags | (resample ? KVM_IRQFD_FLAG_RESAMPLE : 0), .resamplefd = made[n].resampled};
    check(ioctl(vm_fd, KVM_IRQFD, &irqfd), "KVM_IRQFD");
}

/* An irqfd injects from a workqueue, some time later: taking it away waits for that (irqfd_shutdown). */
static void wait_for_events(void)
{
    for (int n = 0; n < job->devices; n++) {
        if (!made[n].signalled_by_fd)
            continue;
        made[n].signalled_by_fd = 0;
        connect_event(n, KVM_IRQFD_FLAG_DEASSIGN);
        connect_event(n, 0);
    }
}

/* Nothing comes any more; the guests clean up behind this. */
void end_devices(void)
{
    if (!job->devices || !(turn & 1))
        return;
    pthread_mutex_lock(&lock);
    turn++;
    for (int n = 0; n < job->devices; n++)
        if (job->device[n].signals == LEVEL)
            set_line(job->device[n].intid, 0);
    pthread_mutex_unlock(&lock);
    wait_for_events();
}

/* With the VM: nobody asks for anything. No device has an event while this is done and told. */
void reset_devices(void)
{
    pthread_mutex_lock(&lock);
    for (int n = 0; n < job->vcpus; n++)
        said_by_vmm(EV_RESET, n);
    for (int n = 0; n < job->devices; n++) {
        board->device[n].work = 0;
        if (job->device[n].signals != EDGE)
            set_line(job->device[n].intid, 0);
    }
    refresh(board->device, sizeof board->device);
    pthread_mutex_unlock(&lock);
}

void make_devices(void)
{
    pthread_t thread;

    for (long n = 0; n < job->devices; n++) {
        struct device *device = &job->device[n];
        made[n].random = (job->first + 1) * 0x9e3779b97f4a7c15ull + n;
        made[n].fd = check(eventfd(0, 0), "eventfd");
        made[n].resampled = check(eventfd(0, 0), "eventfd");
        if (device->signals != LEVEL)
            connect_event(n, 0);
        check(-pthread_create(&thread, NULL, device_thread, (void *)n), "pthread_create");
        if (device->signals == RESAMPLE)
            check(-pthread_create(&thread, NULL, resample_thread, (void *)n), "pthread_create");
    }
}

void tell_devices(void)
{
    for (int n = 0; n < job->devices; n++)
        printf("DEVICE intid=%d signalled=%llu notified=%llu\n", job->device[n].intid,
               (unsigned long long)made[n].signalled, (unsigned long long)made[n].notified);
}
