/*
 * vmm GIC VCPUS GUEST.BIN [ARGUMENT]: runs a bare-metal guest under KVM.
 * vmm hold: has a VM without a VCPU until it is ended.
 *
 * The guest is loaded at RAM_BASE and entered there by every VCPU, with its number in x0 and
 * ARGUMENT in x1. VCPU n is a thread named kvm-vcpu-n, bound to CPU n modulo the CPUs there are. The
 * GIC is where QEMU's `virt` has it; SPIs are INTIDs 32 to 95. What the guest writes to the page at
 * DOOR is answered here (enum door): what it wants printed, devices' lines, the end.
 *
 * Exit code: what the guest ends with; 99 if something failed or nothing ended it in LIMIT seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BASE 0x40000000ull
#define RAM_SIZE 0x100000ull
#define DIST_BASE 0x08000000ull
#define CPU_BASE 0x08010000ull
#define REDIST_BASE 0x080A0000ull
#define DOOR 0x09000000ull
#define MAX_VCPUS 8
#define IRQS 96
#define LIMIT 60
#define FAILED 99

enum door {
    SAY = 0x00,   /* print the value, on standard output and in the trace */
    RAISE = 0x04, /* a device's line up: the value is its INTID */
    LOWER = 0x08,
    PULSE = 0x0c, /* up and down */
    END = 0x10,   /* end with this code */
    LATER = 0x14, /* as RAISE, by a thread of the device, some time later */
};

static int vm_fd, marker_fd;
static int asked[2]; /* a pipe: INTIDs that the device is to raise */
static int vcpu_fd[MAX_VCPUS];
static struct kvm_run *run[MAX_VCPUS];

static long check(long result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(FAILED);
    }
    return result;
}

static void set_attr(int fd, uint32_t group, uint64_t attr, uint64_t value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uint64_t)&value};
    check(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), "KVM_SET_DEVICE_ATTR");
}

static void set_core_reg(int n, uint64_t offset, uint64_t value)
{
    uint64_t id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset;
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)&value};
    check(ioctl(vcpu_fd[n], KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

static void set_line(uint32_t intid, int level)
{
    uint32_t irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid;
    struct kvm_irq_level line = {.irq = irq, .level = level};
    check(ioctl(vm_fd, KVM_IRQ_LINE, &line), "KVM_IRQ_LINE");
}

static void *device_thread(void *unused)
{
    uint32_t intid;

    (void)unused;
    while (read(asked[0], &intid, sizeof intid) == sizeof intid) {
        usleep(20000);
        set_line(intid, 1);
    }
    return NULL;
}

static void say(int n, uint32_t value)
{
    char text[64];
    int length = snprintf(text, sizeof text, "guest: vcpu %d says %#x\n", n, value);
    check(write(STDOUT_FILENO, text, length), "standard output");
    if (marker_fd >= 0)
        check(write(marker_fd, text, length), "trace_marker");
}

static void door(int n, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case SAY: say(n, value); break;
    case RAISE: set_line(value, 1); break;
    case LOWER: set_line(value, 0); break;
    case PULSE: set_line(value, 1); set_line(value, 0); break;
    case LATER: check(write(asked[1], &value, sizeof value), "the device"); break;
    case END: _exit(value);
    }
}

static void *vcpu_thread(void *argument)
{
    int n = (int)(uintptr_t)argument;
    char name[16];
    cpu_set_t set;

    snprintf(name, sizeof name, "kvm-vcpu-%d", n);
    pthread_setname_np(pthread_self(), name);
    CPU_ZERO(&set);
    CPU_SET(n % sysconf(_SC_NPROCESSORS_ONLN), &set);
    check(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
    for (;;) {
        check(ioctl(vcpu_fd[n], KVM_RUN, 0), "KVM_RUN");
        struct kvm_run *r = run[n];
        if (r->exit_reason != KVM_EXIT_MMIO) {
            fprintf(stderr, "vmm: vcpu %d left with reason %u\n", n, r->exit_reason);
            _exit(FAILED);
        }
        uint32_t value;
        memcpy(&value, r->mmio.data, sizeof value);
        if (r->mmio.is_write)
            door(n, r->mmio.phys_addr - DOOR, value);
        else
            memset(r->mmio.data, 0, sizeof r->mmio.data);
    }
}

static void make_gic(int version, int vcpus)
{
    int v2 = version == 2;
    struct kvm_create_device device = {.type = v2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3};
    check(ioctl(vm_fd, KVM_CREATE_DEVICE, &device), "KVM_CREATE_DEVICE");
    uint32_t irqs = IRQS;
    struct kvm_device_attr a = {.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS, .addr = (uint64_t)&irqs};
    check(ioctl(device.fd, KVM_SET_DEVICE_ATTR, &a), "the number of interrupts");
    if (v2) {
        set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_BASE);
        set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU, CPU_BASE);
    } else {
        set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_BASE);
        set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
                 REDIST_BASE | (uint64_t)vcpus << 52);
    }
    set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

static void load(const char *path)
{
    struct kvm_userspace_memory_region region = {.guest_phys_addr = RAM_BASE, .memory_size = RAM_SIZE};
    void *memory = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = check(open(path, O_RDONLY), path);

    check(memory == MAP_FAILED ? -1 : 0, "mmap");
    check(read(fd, memory, RAM_SIZE), path);
    region.userspace_addr = (uint64_t)memory;
    check(ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "hold") == 0) {
        check(ioctl(check(open("/dev/kvm", O_RDWR), "/dev/kvm"), KVM_CREATE_VM, 0), "KVM_CREATE_VM");
        pause();
    }
    if (argc < 4) {
        fprintf(stderr, "usage: vmm GIC VCPUS GUEST.BIN [ARGUMENT] | vmm hold\n");
        return FAILED;
    }
    int vcpus = atoi(argv[2]);
    int kvm = check(open("/dev/kvm", O_RDWR), "/dev/kvm");
    long size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    struct kvm_vcpu_init init;

    vm_fd = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    marker_fd = open("/sys/kernel/tracing/instances/vgic-race/trace_marker", O_WRONLY);
    load(argv[3]);
    check(ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    for (int n = 0; n < vcpus; n++) {
        vcpu_fd[n] = check(ioctl(vm_fd, KVM_CREATE_VCPU, n), "KVM_CREATE_VCPU");
        run[n] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd[n], 0);
        check(run[n] == MAP_FAILED ? -1 : 0, "mmap of a VCPU");
        check(ioctl(vcpu_fd[n], KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    }
    make_gic(atoi(argv[1]), vcpus);
    for (int n = 0; n < vcpus; n++) {
        set_core_reg(n, KVM_REG_ARM_CORE_REG(regs.pc), RAM_BASE);
        set_core_reg(n, KVM_REG_ARM_CORE_REG(regs.regs[0]), n);
        set_core_reg(n, KVM_REG_ARM_CORE_REG(regs.regs[1]), argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
    }
    pthread_t thread;
    check(pipe(asked), "pipe");
    check(-pthread_create(&thread, NULL, device_thread, NULL), "pthread_create");
    for (long n = 0; n < vcpus; n++) {
        check(-pthread_create(&thread, NULL, vcpu_thread, (void *)n), "pthread_create");
    }
    sleep(LIMIT);
    fprintf(stderr, "vmm: the guest did not end within %d s\n", LIMIT);
    return FAILED;
}
