/* A VM: its memory, its VCPUs, its GIC; and a job from beginning to end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"

#define DIST_BASE 0x08000000ull
#define CPU_BASE 0x08010000ull
#define REDIST_BASE 0x080A0000ull
#define IRQS 96

struct job *job;
int kvm_fd, vm_fd, gic_fd, vcpu_fd[VCPUS_MAX];
struct kvm_run *run[VCPUS_MAX];
struct board *board;
static void *memory;

void set_register(int vcpu, uint64_t id, uint64_t value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)&value};
    check(ioctl(vcpu_fd[vcpu], KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

uint64_t get_register(int vcpu, uint64_t id)
{
    uint64_t value = 0;
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)&value};
    check(ioctl(vcpu_fd[vcpu], KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG");
    return value;
}

/* A register of the GIC as user space sees it, without effects on the guest; -1: not to be had. */
int64_t get_gic(uint32_t group, uint64_t attribute)
{
    uint32_t value = 0;
    struct kvm_device_attr a = {.group = group, .attr = attribute, .addr = (uint64_t)&value};
    return ioctl(gic_fd, KVM_GET_DEVICE_ATTR, &a) < 0 ? -1 : (int64_t)value;
}

static void set_attribute(uint32_t group, uint64_t attribute, uint64_t value)
{
    struct kvm_device_attr a = {.group = group, .attr = attribute, .addr = (uint64_t)&value};
    check(ioctl(gic_fd, KVM_SET_DEVICE_ATTR, &a), "KVM_SET_DEVICE_ATTR");
}

static void make_gic(void)
{
    int v2 = job->gic == 2;
    struct kvm_create_device device = {
        .type = v2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3};
    uint32_t irqs = IRQS;
    struct kvm_device_attr a = {.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS, .addr = (uint64_t)&irqs};

    check(ioctl(vm_fd, KVM_CREATE_DEVICE, &device), v2 ? "a GICv2 for the guest" : "a GICv3");
    gic_fd = device.fd;
    check(ioctl(gic_fd, KVM_SET_DEVICE_ATTR, &a), "the number of interrupts");
    if (v2) {
        set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_BASE);
        set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU, CPU_BASE);
    } else {
        set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_BASE);
        set_attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
                      REDIST_BASE | (uint64_t)job->vcpus << 52);
    }
    set_attribute(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

static void load_guest(void)
{
    long handle = host_open(job->guest, 0);

    check(handle, job->guest);
    memory = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(memory == MAP_FAILED ? -1 : 0, "the guest's memory");
    host_read(handle, memory, BOARD_AT - RAM_BASE);
    host_close(handle);
    board = (struct board *)((char *)memory + (BOARD_AT - RAM_BASE));
    board->vcpus = job->vcpus;
    board->scale = job->scale;
    board->jitter = job->jitter;
    board->first = job->first;
    board->argument = job->argument;
    board->start = 1;
}

/* As at power-on, where the guest begins; for a VCPU of the GIC that is new or to be reset. */
void init_vcpu(int n)
{
    uint64_t core = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE;
    struct kvm_vcpu_init init;

    check(ioctl(vm_fd, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    check(ioctl(vcpu_fd[n], KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    set_register(n, core | KVM_REG_ARM_CORE_REG(regs.pc), RAM_BASE);
    set_register(n, core | KVM_REG_ARM_CORE_REG(regs.regs[0]), n);
    set_register(n, core | KVM_REG_ARM_CORE_REG(regs.regs[1]), job->argument);
}

void make_vm(void)
{
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = RAM_BASE, .memory_size = RAM_SIZE, .userspace_addr = (uint64_t)memory};
    long size = check(ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");

    vm_fd = check(ioctl(kvm_fd, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    check(ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    for (int n = 0; n < job->vcpus; n++) {
        vcpu_fd[n] = check(ioctl(vm_fd, KVM_CREATE_VCPU, n), "KVM_CREATE_VCPU");
        run[n] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd[n], 0);
        check(run[n] == MAP_FAILED ? -1 : 0, "mmap of a VCPU");
        init_vcpu(n);
    }
    make_gic();
}

int run_job(struct job *wanted)
{
    int code;

    job = wanted;
    kvm_fd = check(open("/dev/kvm", O_RDWR), "/dev/kvm");
    load_guest();
    make_vm();
    open_histories();
    make_devices();
    start_mover();
    start_monitor();
    start_vcpus();
    code = watch();
    close_histories();
    return code;
}
