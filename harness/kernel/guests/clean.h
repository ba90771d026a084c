/*
 * How the guests of a scenario clean up after an execution, so that the next begins as the first did.
 * Included by scene.h, which says what there is to clean.
 */
#ifndef CLEAN_H
#define CLEAN_H

static volatile uint64_t unsettled; /* the last execution that left deactivations undone */

/*
 * Where a guest routes devices' interrupts, what one VCPU leaves may go to another that has cleaned
 * up: all do so twice, the second time when VCPU 0 has cleared what the distributor shows. Each
 * counts executions.
 */
#define CLEANS_TWICE (CHANGES && DEVICES > 0)
static volatile uint64_t drained[VCPUS_MAX], cleared;

/* Takes what comes; tells whether there was no end of it. */
static uint32_t empty(void)
{
    uint32_t iar, left;

    for (left = 0; left < 64 && !is_special(iar = cpu_iar()); left++) {
        cpu_eoir(iar);
        if (EOIMODE == 1)
            cpu_dir(iar);
    }
    return left == 64;
}

/* What is left: 1 if something is active that was completed, see clean_up. */
static uint32_t drain(int v)
{
    if (has_left(v))
        unsettled = board->go;
    forget_left(v);
    system_write("cntv_ctl_el0", 0);
    system_write("cntp_ctl_el0", 0);
    cpu_pmr(0xf0);
    cpu_bpr(0);
    cpu_group(1);
    return empty();
}

/* Whether one is active that its guest has ended; every other VCPU has cleaned up. */
static int clean_devices(void)
{
    int stuck = 0;

    for (int v = 1; v < vcpus(); v++)
        wait_for(CLEANS_TWICE ? &drained[v] : &board->vcpu[v].arrived, board->go + 1);
    for (int n = 0; n < DEVICES; n++) {
        uint32_t intid = devices[n].intid;
        int active = get_part(0, ACTIVE, intid);
        stuck |= active && !CHANGES && unsettled != board->go;
        if (CHANGES || active)
            put_part(0, ACTIVE, intid, 0);
        if (CHANGES || get_part(0, PENDING, intid))
            put_part(0, PENDING, intid, 0);
    }
    tell(&cleared, board->go + 1);
    return stuck;
}

/* What others had has come to VCPU 0 by the routes that it has restored. */
static uint32_t clean_again(void)
{
    for (int v = 1; v < vcpus(); v++)
        wait_for(&board->vcpu[v].arrived, board->go + 1);
    for (int n = 0; n < DEVICES; n++)
        put_part(0, PENDING, devices[n].intid, 0);
    return empty();
}

/*
 * Bits of what is wrong whatever the programs were: 1: interrupts come without end; 2: the timer's
 * interrupt is active or pending with the timer off, after an exit; 4: a device's is active that
 * its guest has ended.
 */
static uint32_t clean_up(int v)
{
    uint32_t wrong = drain(v), active, pending;
    uint64_t frame = frame_of(v, 0);
    uint32_t timers = bit_of(VTIMER) | bit_of(PTIMER);

    active = read32(frame + ISACTIVER);
    pending = read32(frame + ISPENDR);
    if (CHANGES || active)
        write32(frame + ICACTIVER, ~0u);
    if (CHANGES || pending)
        write32(frame + ICPENDR, ~0u);
    if (v == 0 && clean_devices())
        wrong |= 4;
    if (CLEANS_TWICE && v > 0) {
        tell(&drained[v], board->go + 1);
        wait_for(&cleared, board->go + 1);
        wrong |= empty();
    }
    if (CHANGES)
        restore(v);
    if (CLEANS_TWICE && v == 0)
        wrong |= clean_again();
    if (!CHANGES && (active | pending) & timers)
        wrong |= 2;
    return wrong;
}
#endif
