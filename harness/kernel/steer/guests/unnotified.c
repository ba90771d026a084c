/*
 * Finding F34. A device raises SPI 48, a level, by an irqfd with a resamplefd. VCPU 0 acknowledges it,
 * silences the device, traps (so that KVM has seen it active), and drops its priority; VCPU 1
 * deactivates it while VCPU 0 has it in a List Register. The device asks for nothing more. Wrong: VCPU 0
 * is given it once more. The control (argument 1): VCPU 0 deactivates it by itself. Argument 2, finding
 * F42: VCPU 0 does so by ICACTIVER.
 */
#define GIC 3
#define EOIMODE 1
#include "accesses.h"

#define SPI 48u
#define LOOK_US 5000
#define TURN_US 20

enum { BY_OTHER, BY_ITSELF, BY_WRITE };

static uint64_t dropped, deactivated;

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(1);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 0, 0xa0, 0);
    }
}

/* Whether it comes, in so long. */
static int comes(uint64_t us)
{
    for (uint64_t turn = 0; turn < us / TURN_US; turn++) {
        uint32_t intid = cpu_iar();
        if (intid == SPI) {
            over(said(0, EV_IAR, 0, intid, 0));
            return 1;
        }
        wait_us(TURN_US);
    }
    return 0;
}

static void complete(uint64_t how, uint64_t n)
{
    *(volatile uint64_t *)&board->device[0].work = 0;
    trap();
    eoi(0, SPI);
    if (how == BY_ITSELF)
        dir(0, SPI);
    if (how == BY_WRITE)
        write_part(0, ACTIVE, SPI, 0);
    if (how != BY_OTHER)
        return;
    tell(&dropped, n);
    wait_for(&deactivated, n);
}

static void program(int v)
{
    uint64_t n = board->go;

    if (v) {
        if (board->argument == BY_OTHER) {
            wait_for(&dropped, n);
            dir(1, SPI);
            tell(&deactivated, n);
        }
        return;
    }
    board->vcpu[0].taken = 0;
    if (!comes(20 * LOOK_US)) {
        tell(&dropped, n);
        return;
    }
    complete(board->argument, n);
    board->vcpu[0].taken = comes(LOOK_US);
    if (board->vcpu[0].taken)
        complete(BY_ITSELF, n);
}

static uint32_t clean_up(int v)
{
    for (int turn = 0; v == 0 && turn < 3; turn++) {
        uint32_t intid = cpu_iar();
        trap();
        if (intid < 1020) {
            cpu_eoir(intid);
            cpu_dir(intid);
            turn = 0;
        }
        trap();
    }
    return v ? 0 : board->vcpu[0].taken;
}
