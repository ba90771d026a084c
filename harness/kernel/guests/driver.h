/*
 * A driver's interrupt handler: acknowledge, silence the device, complete. With EOImode 1 the
 * deactivation may be left to the VCPU itself, later and in any order, or to another VCPU.
 */
#ifndef DRIVER_H
#define DRIVER_H

static uint32_t left[VCPUS_MAX][MAIL_MAX]; /* to itself */
static int lefts[VCPUS_MAX];

static void leave_to_itself(int v, uint32_t iar)
{
    if (lefts[v] < MAIL_MAX)
        left[v][lefts[v]++] = iar;
}

static void leave_to(int other, uint32_t iar)
{
    struct mail *mail = &board->mail[other];
    mail->iar[mail->put % MAIL_MAX] = iar;
    tell(&mail->put, mail->put + 1);
}

static int has_mail(int v) { return *(volatile uint64_t *)&board->mail[v].put != board->mail[v].taken; }

static int has_left(int v) { return lefts[v] || has_mail(v); }

static void forget_left(int v)
{
    lefts[v] = 0;
    board->mail[v].taken = board->mail[v].put;
}

/* Deactivates all that is left to it, in a drawn order. */
static void settle(int v)
{
    if (DEACTIVATE == BY_HANDLER)
        return;
    for (;;) {
        uint64_t daif = system_read("daif");
        uint32_t iar;

        __asm__ volatile("msr daifset, #2" ::: "memory"); /* its handlers write the same lists */
        while (has_mail(v)) {
            struct mail *mail = &board->mail[v];
            barrier();
            leave_to_itself(v, mail->iar[mail->taken % MAIL_MAX]);
            tell(&mail->taken, mail->taken + 1);
        }
        if (lefts[v]) {
            int n = draw(v, 7 + board->vcpu[v].count) % lefts[v];
            iar = left[v][n];
            left[v][n] = left[v][--lefts[v]];
        } else {
            iar = NONE;
        }
        system_write("daif", daif);
        if (iar == NONE)
            return;
        dir(v, iar);
    }
}

/* Its VCPU may wait for a device that another one has served. */
static void wake(int v, int target) { sgi(v, 0, target); }

static void end_of_interrupt(int v, uint32_t iar)
{
    int twice = TWICE; /* a fault of the guest */
    uint32_t intid = iar & 0x3ff;
    int other = (v + 1) % vcpus();

    eoi(v, iar);
    if (EOIMODE == 1 && DEACTIVATE == BY_OTHER && intid >= 32 && other != v) {
        leave_to(other, iar);
        wake(v, other);
        return;
    }
    if (EOIMODE == 1 && DEACTIVATE != BY_HANDLER) {
        leave_to_itself(v, iar);
        return;
    }
    if (EOIMODE == 1)
        dir(v, iar);
    if (twice >= 0 && intid == (uint32_t)twice) {
        if (EOIMODE == 1)
            dir(v, iar);
        else
            eoi(v, iar);
    }
}

static void driver(int v)
{
    uint32_t value = acknowledge(v);
    int device = device_of(value & 0x3ff);

    if (is_special(value))
        return;
    if (EOI_FIRST)
        end_of_interrupt(v, value);
    else if (NESTED)
        unmask_irqs(v);
    silence(v, value);
    if (!EOI_FIRST) {
        work(v, HANDLER);
        if (NESTED)
            mask_irqs(v);
        end_of_interrupt(v, value);
    }
    if (device >= 0 && devices[device].home != v && DEACTIVATE != BY_OTHER)
        wake(v, devices[device].home);
    count_handled(v, value);
}
#endif
