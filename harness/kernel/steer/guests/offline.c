/*
 * Finding F16. An SPI is pending for VCPU 0, which goes offline (PSCI CPU_OFF); VCPU 1 routes it to
 * itself, and must get it. Then it brings VCPU 0 back, which goes on where it left. Wrong: it did not
 * come in 50 ms. The control (argument 1): VCPU 0 stays, and traps again and again.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u
#define PSCI_CPU_OFF 0x84000002u
#define PSCI_CPU_ON 0xc4000003u
#define GONE_US 3000
#define PATIENCE_US 50000

static uint64_t pended, over_there;
static uint64_t kept[16]; /* what VCPU 0 has to have again */

/* Powers this CPU off; it returns when another one has powered it on at come_back, with kept. */
void go_away(uint64_t *kept, uint64_t function);
void come_back(void);
__asm__("go_away:\n\t"
        "stp x19, x20, [x0]\n\tstp x21, x22, [x0, 16]\n\tstp x23, x24, [x0, 32]\n\t"
        "stp x25, x26, [x0, 48]\n\tstp x27, x28, [x0, 64]\n\tstp x29, x30, [x0, 80]\n\t"
        "mov x2, sp\n\tmrs x3, vbar_el1\n\tstp x2, x3, [x0, 96]\n\t"
        "mrs x2, tpidr_el1\n\tmrs x3, cpacr_el1\n\tstp x2, x3, [x0, 112]\n\t"
        "mov x0, x1\n\thvc #0\n1:\twfi\n\tb 1b\n"
        "come_back:\n\t"
        "ldp x19, x20, [x0]\n\tldp x21, x22, [x0, 16]\n\tldp x23, x24, [x0, 32]\n\t"
        "ldp x25, x26, [x0, 48]\n\tldp x27, x28, [x0, 64]\n\tldp x29, x30, [x0, 80]\n\t"
        "ldp x2, x3, [x0, 96]\n\tmov sp, x2\n\tmsr vbar_el1, x3\n\t"
        "ldp x2, x3, [x0, 112]\n\tmsr tpidr_el1, x2\n\tmsr cpacr_el1, x3\n\tisb\n\tret\n");

void guest_irq(void) {}

static int64_t bring_back(void)
{
    register uint64_t x0 __asm__("x0") = PSCI_CPU_ON;
    register uint64_t x1 __asm__("x1") = 0; /* VCPU 0 */
    register uint64_t x2 __asm__("x2") = (uint64_t)come_back;
    register uint64_t x3 __asm__("x3") = (uint64_t)kept;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    return (int64_t)x0;
}

static void set_up(int v)
{
    v3_start(0);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 1, 0xa0, 0);
    }
}

static void leave(uint64_t n)
{
    write_part(0, PENDING, SPI, 1);
    tell(&pended, n);
    if (board->argument) {
        while (*(volatile uint64_t *)&over_there < n)
            trap();
        return;
    }
    go_away(kept, PSCI_CPU_OFF);
    v3_start(0);
    wait_for(&over_there, n);
}

static void program(int v)
{
    uint64_t n = board->go;

    if (v == 0) {
        leave(n);
        return;
    }
    wait_for(&pended, n);
    wait_us(GONE_US);
    route(1, SPI, 1);
    board->vcpu[1].taken = !comes_within(1, SPI, PATIENCE_US);
    while (!board->argument && bring_back() != 0)
        trap();
    tell(&over_there, n);
}

static uint32_t clean_up(int v)
{
    if (v == 0)
        write32(DIST + ICPENDR + 4, ~0u);
    if (v == 1)
        wait_for(&board->vcpu[0].arrived, board->go + 1);
    trap();
    end_all();
    if (v == 1)
        v3_route(SPI, 0);
    return v == 1 ? board->vcpu[1].taken : 0;
}
