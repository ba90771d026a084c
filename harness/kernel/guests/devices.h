/* Devices of software, as their drivers in a guest see them. */
#ifndef DEVICES_H
#define DEVICES_H
#include "cpu.h"

/* SPI intid of a device, which goes to VCPU home at first. With follows >= 0 it has an event for each
   that the driver of that other device has served. exits: its driver's access leaves for user space. */
struct device { uint32_t intid; int home, edge, exits, follows; uint32_t priority; };
static const struct device devices[DEVICES + 1] = {DEVICE_TABLE};

static int device_of(uint32_t intid)
{
    for (int n = 0; n < DEVICES; n++)
        if (devices[n].intid == intid)
            return n;
    return -1;
}

/* What its driver does: afterwards it asks for nothing. */
static void serve(int v, uint32_t intid)
{
    int n = device_of(intid), worked;
    struct event *e;

    if (n < 0)
        return;
    worked = *(volatile uint64_t *)&board->device[n].work;
    e = said(v, EV_SERVED, intid, worked, 0);
    if (devices[n].exits)
        ring(BELL_SERVED, n);
    else
        *(volatile uint64_t *)&board->device[n].work = 0;
    board->device[n].served += worked;
    for (int f = 0; worked && f < DEVICES; f++)
        if (devices[f].follows == n)
            board->device[f].planned++;
    over(e);
}

/* The devices of VCPU v, or all (v < 0), have been served for good. */
static int quiet(int v)
{
    for (int n = 0; n < DEVICES; n++) {
        volatile struct device_board *d = &board->device[n];
        if ((v < 0 || devices[n].home == v) && (d->work || d->raised != d->planned))
            return 0;
    }
    return 1;
}
#endif
