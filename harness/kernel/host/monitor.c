/*
 * The VM monitor: in an execution a drawn number of times, at most ``resets`` and ``saves``, it stops
 * the VCPUs and resets the VM, or saves it and restores it into a new one. GICv3 only.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"

#define WAIT_MAX 300 /* before each, in ns of the scenario's clock */
#define REGISTERS_MAX 1024
#define SYSTEM(op1, crn, crm, op2) (3 << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* What there is to save of the GIC, in the order in which it is restored. */
struct place { uint32_t group; uint64_t attribute; int vcpu; };

static const uint32_t of_redistributor[] = {0x80, 0x100, 0x200, 0x300, 0xc04, 0x400, 0x404, 0x408,
                                            0x40c, 0x410, 0x414, 0x418, 0x41c};
static const uint32_t of_distributor[] = {0x84, 0x88, 0x104, 0x108, 0x204, 0x208, 0x304, 0x308,
                                          0xc08, 0xc0c, 0xc10, 0xc14};
/* ICC_SRE, CTLR, IGRPEN0, IGRPEN1, PMR, BPR0, BPR1, AP0R0, AP1R0 */
static const uint32_t of_interface[] = {
    SYSTEM(0, 12, 12, 5), SYSTEM(0, 12, 12, 4), SYSTEM(0, 12, 12, 6), SYSTEM(0, 12, 12, 7),
    SYSTEM(0, 4, 6, 0), SYSTEM(0, 12, 8, 3), SYSTEM(0, 12, 12, 3), SYSTEM(0, 12, 8, 4),
    SYSTEM(0, 12, 9, 0)};

struct saved { uint64_t id; uint64_t value[4]; };
static struct saved registers[VCPUS_MAX][REGISTERS_MAX];
static int count[VCPUS_MAX];
static struct place places[VCPUS_MAX * 48 + 400];
static uint64_t values[VCPUS_MAX * 48 + 400];
static int placed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static uint64_t turn, state;
static int running;

static void add(uint32_t group, uint64_t attribute, int vcpu)
{
    places[placed++] = (struct place){group, attribute, vcpu};
}

#define EACH(array, n) for (unsigned n = 0; n < sizeof(array) / sizeof *(array); n++)

static void list_places(void)
{
    if (placed)
        return;
    /* GICD_CTLR first: what is made pending with the distributor off is on no list afterwards. */
    add(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, -1);
    for (int v = 0; v < job->vcpus; v++) {
        uint64_t which = (uint64_t)v << 32;
        EACH(of_redistributor, n)
            add(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, which | 0x10000 | of_redistributor[n], v);
        add(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, which | VGIC_LEVEL_INFO_LINE_LEVEL << 10, v);
        EACH(of_interface, n)
            add(KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, which | of_interface[n], v);
    }
    EACH(of_distributor, n)
        add(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, of_distributor[n], -1);
    for (uint32_t intid = 32; intid < 96; intid++) {
        add(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x6000 + intid * 8, -1);
        if (intid % 4 == 0)
            add(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x400 + intid, -1);
    }
}

static int access_gic(int writes, const struct place *at, uint64_t *value)
{
    struct kvm_device_attr a = {.group = at->group, .attr = at->attribute, .addr = (uint64_t)value};
    return ioctl(gic_fd, writes ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &a);
}

static void save_vcpu(int v)
{
    static struct { uint64_t n; uint64_t reg[REGISTERS_MAX]; } list;

    list.n = REGISTERS_MAX;
    check(ioctl(vcpu_fd[v], KVM_GET_REG_LIST, &list), "KVM_GET_REG_LIST");
    count[v] = 0;
    for (uint64_t n = 0; n < list.n; n++) {
        struct saved *s = &registers[v][count[v]];
        uint64_t size = 1ull << ((list.reg[n] & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
        struct kvm_one_reg reg = {.id = list.reg[n], .addr = (uint64_t)s->value};
        if (size > sizeof s->value)
            continue;
        s->id = list.reg[n];
        if (ioctl(vcpu_fd[v], KVM_GET_ONE_REG, &reg) == 0)
            count[v]++;
    }
}

/* Some registers are not for writing, or as they have to be already. */
static void restore_vcpu(int v)
{
    for (int n = 0; n < count[v]; n++) {
        struct kvm_one_reg reg = {.id = registers[v][n].id, .addr = (uint64_t)registers[v][n].value};
        ioctl(vcpu_fd[v], KVM_SET_ONE_REG, &reg);
    }
}

static void save_and_restore(void)
{
    int old_vm = vm_fd, old_gic = gic_fd, old_vcpu[VCPUS_MAX];
    struct kvm_run *old_run[VCPUS_MAX];

    list_places();
    for (int v = 0; v < job->vcpus; v++)
        save_vcpu(v);
    for (int n = 0; n < placed; n++)
        check(access_gic(0, &places[n], &values[n]), "saving the GIC");
    memcpy(old_vcpu, vcpu_fd, sizeof old_vcpu);
    memcpy(old_run, run, sizeof old_run);
    make_vm();
    for (int v = 0; v < job->vcpus; v++)
        restore_vcpu(v);
    for (int n = 0; n < placed; n++)
        check(access_gic(1, &places[n], &values[n]), "restoring the GIC");
    close(old_gic);
    for (int v = 0; v < job->vcpus; v++) {
        munmap(old_run[v], ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0));
        close(old_vcpu[v]);
    }
    close(old_vm);
}

/* As at power-on; the guests set up everything anew. */
static void reset_gic(void)
{
    static const uint32_t clears[] = {0x180, 0x380}; /* ICENABLER, ICACTIVER */
    uint64_t all = 0xffffffff, none = 0;

    for (int v = 0; v < job->vcpus; v++) {
        uint64_t frame = (uint64_t)v << 32 | 0x10000;
        EACH(clears, n)
            access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, frame | clears[n], v}, &all);
        access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, frame | 0x200, v}, &none);
        for (unsigned n = 2; n < sizeof of_interface / sizeof *of_interface; n++)
            access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
                                          (uint64_t)v << 32 | of_interface[n], v}, &none);
    }
    for (uint32_t word = 4; word <= 8; word += 4) {
        EACH(clears, n)
            access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_DIST_REGS, clears[n] + word, -1}, &all);
        access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x200 + word, -1}, &none);
    }
    access_gic(1, &(struct place){KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, -1}, &none);
}

static void reset(void)
{
    uint64_t now = executed + 1; /* the execution that is running, begun by its guests or not yet */

    for (int v = 0; v < job->vcpus; v++) {
        refresh(&board->vcpu[v], 128);
        init_vcpu(v);
    }
    reset_gic();
    reset_devices();
    for (int v = 0; v < job->vcpus; v++) {
        board->vcpu[v].arrived = 0;
        if (board->vcpu[v].began != now)
            board->vcpu[v].count = 0; /* what it has there is of the execution before */
        refresh(&board->vcpu[v], 128);
    }
    board->start = now;
    board->go = now - 1;
    board->again = 1;
    refresh(board, 128);
}

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* An access that user space has answered ends at the next KVM_RUN: at this one, which enters nothing. */
static void end_accesses(void)
{
    for (int v = 0; v < job->vcpus; v++) {
        run[v]->immediate_exit = 1;
        ioctl(vcpu_fd[v], KVM_RUN, 0);
    }
}

static void *monitor_thread(void *unused)
{
    uint64_t mine = 0;

    (void)unused;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (turn == mine || !running)
            pthread_cond_wait(&begun, &lock);
        mine = turn;
        pthread_mutex_unlock(&lock);
        int resets = draw() % (job->resets + 1), saves = draw() % (job->saves + 1);
        while (resets + saves > 0 && turn == mine) {
            int saves_now = draw() % (resets + saves) >= (unsigned)resets;
            usleep(1 + draw() % WAIT_MAX * job->scale / 1000);
            pause_vcpus();
            int still = turn == mine && running; /* its programs are not over */
            end_accesses();
            if (still && saves_now)
                save_and_restore();
            else if (still)
                reset();
            saves_now ? saves-- : resets--;
            resume_vcpus(still && !saves_now);
        }
    }
    return NULL;
}

void begin_monitor(void)
{
    if (!job->resets && !job->saves)
        return;
    pthread_mutex_lock(&lock);
    turn++;
    running = 1;
    pthread_cond_signal(&begun);
    pthread_mutex_unlock(&lock);
}

void end_monitor(void)
{
    pthread_mutex_lock(&lock);
    running = 0;
    pthread_mutex_unlock(&lock);
}

void start_monitor(void)
{
    pthread_t thread;

    state = (job->first + 1) * 0x94d049bb133111ebull;
    if (job->resets || job->saves)
        check(-pthread_create(&thread, NULL, monitor_thread, NULL), "pthread_create");
}
