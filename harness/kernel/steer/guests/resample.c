/*
 * Finding F14. A device raises SPI 48, a level, by an irqfd with a resamplefd. VCPU 0 acknowledges,
 * silences the device and completes without an exit in between, and looks on for a while. The device
 * asks for nothing more, so there must be one interrupt for each time that it raised it; one more may
 * be on its way. Wrong: there are three more. The control (argument 1): a trap before it completes.
 */
#define GIC 3
#define EOIMODE 0
#include "accesses.h"

#define SPI 48u
#define LOOK_US 40000
#define TURN_US 20

void guest_irq(void) {}

static void set_up(int v)
{
    v3_start(0);
    if (v == 0) {
        v3_distributor();
        v3_spi(SPI, 0, 0xa0, 0);
    }
}

static uint32_t interrupts(int trapping)
{
    struct device_board *device = &board->device[0];
    uint32_t taken = 0;

    for (int turn = 0; turn < LOOK_US / TURN_US && taken < 8; turn++) {
        uint32_t intid = cpu_iar();
        if (intid == SPI) {
            struct event *e = said(0, EV_IAR, 0, intid, 0);
            *(volatile uint64_t *)&device->work = 0;
            if (trapping)
                trap();
            cpu_eoir(intid);
            over(e);
            taken++;
        }
        wait_us(TURN_US);
    }
    return taken;
}

static void program(int v)
{
    uint32_t taken = v ? 0 : interrupts(board->argument == 1);

    board->vcpu[v].taken = taken >= *(volatile uint64_t *)&board->device[0].raised + 3;
}

/* The line falls when KVM is told of an end, which a trap before it makes certain. */
static uint32_t clean_up(int v)
{
    for (int turn = 0; v == 0 && turn < 3; turn++) {
        uint32_t intid = cpu_iar();
        trap();
        if (intid < 1020) {
            cpu_eoir(intid);
            turn = 0;
        }
        trap();
    }
    return board->vcpu[v].taken;
}
