/*
 * Windows and turns. A CPU that is at a place waits for its turn; the one whose turn it is decides
 * there who is next. Whose turn it is and who reaches no place for a while, or waits for an
 * interrupt, loses it. A script holds all CPUs but one until that one is where the script says.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "qemu.h"
#include "steer.h"

#define PATIENCE 50 /* a CPU that gets no time from its host is waited for so many times as long */
#define ALONE_US 20 /* who spins for a CPU that cannot go on leaves it its host's time */
#define ASTRAY 4000 /* a script's CPU that was at so many other places is somewhere else */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_of[CPUS_MAX];
static const char *control_path, *records_path;
static int records = -1;

static atomic_int open_; /* a window is open, and steered */
static int running;      /* a window is open */
static int armed = -1;   /* the CPU on which the next one opens */
static unsigned owner;   /* whose turn it is */
static int held[CPUS_MAX], blocked[CPUS_MAX], idle[CPUS_MAX];
static pthread_t thread[CPUS_MAX];
static int known[CPUS_MAX];
static unsigned stops, blocks, step, astray;
static uint64_t window, stamp;
static double began;
static struct decision kept[KEPT_MAX];
static unsigned kept_count;

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t))
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double now(void) { return seconds_of(CLOCK_MONOTONIC); }

/* How much time a CPU's thread had. */
static double time_had(unsigned cpu)
{
    clockid_t clock;

    if (!known[cpu] || pthread_getcpuclockid(thread[cpu], &clock))
        return 0;
    return seconds_of(clock);
}

static void decided(unsigned cpu, unsigned place, unsigned next)
{
    if (kept_count < KEPT_MAX)
        kept[kept_count++] = (struct decision){(uint8_t)cpu, (uint8_t)next, (uint16_t)place};
}

static void wake_all(void)
{
    for (int n = 0; n < CPUS_MAX; n++)
        pthread_cond_signal(&turn_of[n]);
}

static void write_record(int fate)
{
    struct record record = {
        .window = (uint32_t)window, .decisions = kept_count, .stops = stops,
        .fate = (uint16_t)fate, .step = (uint16_t)step, .blocked = blocks,
        .us = (uint32_t)((now() - began) * 1e6)};

    if (records < 0 || write(records, &record, sizeof record) < 0 ||
        write(records, kept, kept_count * sizeof *kept) < 0)
        return;
}

/* All go on freely until the window closes. */
static void let_go(int fate)
{
    if (!open_)
        return;
    open_ = 0;
    write_record(fate);
    wake_all();
}

/* -- windows -- */

static void read_control(void)
{
    int fd = open(control_path, O_RDONLY);

    if (fd < 0 || read(fd, &control, sizeof control) != sizeof control)
        control = (struct control){.mode = MODE_OFF};
    if (fd >= 0)
        close(fd);
}

static void begin_job(void)
{
    let_go(FATE_ENDED);
    running = 0;
    armed = -1;
    window = 0;
    read_control();
    if (records >= 0)
        close(records);
    records = open(records_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
}

static void close_window(void)
{
    let_go(FATE_ENDED);
    if (running && control.mode != MODE_OFF)
        choose_end(stops);
    running = 0;
}

static void open_window(unsigned cpu)
{
    armed = -1;
    window++;
    running = 1;
    if (control.mode == MODE_OFF)
        return;
    began = now();
    stops = blocks = step = astray = kept_count = 0;
    owner = control.mode == MODE_SCRIPT && control.alone ? control.step[0].cpu : cpu;
    stamp++;
    for (int n = 0; n < CPUS_MAX; n++)
        held[n] = 0, blocked[n] = idle[n];
    choose_begin(window, cpu);
    open_ = 1;
}

static void happens(unsigned cpu, int roles)
{
    if (roles & ROLE_JOB)
        begin_job();
    if (roles & ROLE_STUCK)
        let_go(FATE_STUCK);
    if (roles & ROLE_OVER)
        let_go(FATE_ENDED);
    if (roles & ROLE_BELL) {
        close_window();
        armed = (int)cpu;
    }
    if (roles & ROLE_BEGIN && armed == (int)cpu)
        open_window(cpu);
}

/* -- turns -- */

static void give(unsigned next)
{
    owner = next;
    stamp++;
    pthread_cond_signal(&turn_of[next]);
}

/* Who could go on: all at places, and who runs and has not been blocked. */
static unsigned candidates(void)
{
    unsigned found = 0;

    for (unsigned n = 0; n < CPUS_MAX; n++)
        if (known[n] && !idle[n] && (held[n] || !blocked[n]))
            found |= 1u << n;
    return found;
}

static void wait_at(pthread_cond_t *condition, double until)
{
    struct timespec t = {.tv_sec = (time_t)until};

    t.tv_nsec = (long)((until - (double)t.tv_sec) * 1e9);
    pthread_cond_timedwait(condition, &lock, &t);
}

/* Waits for its turn, and takes it from who is blocked. In a script nobody takes it. */
static void wait_for_turn(unsigned cpu)
{
    double patience = control.block_us * 1e-6, since = now(), had = -1;
    uint64_t seen = stamp;

    while (open_ && owner != cpu) {
        wait_at(&turn_of[cpu], now() + patience);
        if (!open_ || owner == cpu)
            return;
        if (seen != stamp || held[owner]) {
            seen = stamp;
            since = now();
            had = -1;
            if (held[owner])
                pthread_cond_signal(&turn_of[owner]);
            continue;
        }
        if (!idle[owner]) {
            double time = time_had(owner);
            if (now() < since + patience * PATIENCE && (had < 0 || time < had + patience * 0.8)) {
                if (had < 0)
                    had = time;
                continue;
            }
        }
        blocks++;
        blocked[owner] = 1;
        if (control.mode == MODE_SCRIPT) {
            let_go(FATE_BLOCKED);
            return;
        }
        decided(owner, idle[owner] ? IDLE : BLOCKED, cpu);
        give(cpu);
    }
}

/* The script's step is done; those that wait for a CPU to be idle, and it is, as well. */
static void advance(void)
{
    do {
        decided(control.step[step].cpu, control.step[step].place, step);
        step++;
        astray = 0;
    } while (step < control.steps && control.step[step].place == IDLE &&
             idle[control.step[step].cpu]);
    if (step == control.steps)
        let_go(FATE_DONE);
    else
        give(control.step[step].cpu);
}

static void stop_in_script(unsigned cpu, unsigned place)
{
    const struct step *wanted = &control.step[step];
    int is_it = cpu == wanted->cpu && place == wanted->place;

    if (step == 0 && !is_it && !control.alone)
        return;
    stops++;
    if (is_it && (owner == cpu || (step == 0 && !control.alone))) {
        advance();
    } else if (owner == cpu) {
        decided(cpu, place, step);
        if (++astray > ASTRAY)
            let_go(FATE_ASTRAY);
        stamp++;
        return;
    }
    held[cpu] = 1;
    wait_for_turn(cpu);
    held[cpu] = 0;
}

static void stop(unsigned cpu, const struct place *place)
{
    if (place->roles & ROLE_YIELD && owner == cpu && !(candidates() & ~(1u << cpu))) {
        wait_at(&turn_of[cpu], now() + ALONE_US * 1e-6);
        return;
    }
    if (++stops > control.stops_max) {
        let_go(FATE_LONG);
        return;
    }
    held[cpu] = 1;
    blocked[cpu] = 0;
    if (owner != cpu && idle[owner])
        give(cpu);
    if (owner == cpu) {
        unsigned next = choose_next(cpu, place, candidates(), stops);
        if (next != cpu || !(place->roles & ROLE_YIELD))
            decided(cpu, place->number, next);
        stamp++;
        if (next != cpu)
            give(next);
    }
    wait_for_turn(cpu);
    held[cpu] = 0;
}

void arrive(unsigned cpu, const struct place *place)
{
    int events = place->roles & ~(ROLE_PLACE | ROLE_YIELD);

    if (cpu >= CPUS_MAX || (!events && !open_))
        return;
    pthread_mutex_lock(&lock);
    if (!known[cpu]) {
        thread[cpu] = pthread_self();
        known[cpu] = 1;
    }
    if (events)
        happens(cpu, place->roles);
    else if (!open_ || place->level > control.level)
        ;
    else if (control.mode == MODE_SCRIPT)
        stop_in_script(cpu, place->number);
    else
        stop(cpu, place);
    pthread_mutex_unlock(&lock);
}

/* -- what QEMU calls -- */

static void executed(unsigned cpu, void *place) { arrive(cpu, place); }

static void went_idle(qemu_plugin_id_t id, unsigned cpu)
{
    (void)id;
    if (cpu >= CPUS_MAX)
        return;
    pthread_mutex_lock(&lock);
    idle[cpu] = 1;
    if (open_ && control.mode == MODE_SCRIPT) {
        const struct step *wanted = &control.step[step];
        if (wanted->cpu == cpu && wanted->place == IDLE &&
            (owner == cpu || (step == 0 && !control.alone)))
            advance();
    } else if (open_ && owner == cpu) {
        unsigned waiting = 0;
        for (unsigned n = 0; n < CPUS_MAX; n++)
            waiting |= (unsigned)(held[n] != 0) << n;
        if (waiting & ~(1u << cpu)) {
            unsigned next = choose_next(cpu, NULL, waiting, stops);
            decided(cpu, IDLE, next);
            give(next);
        }
    }
    pthread_mutex_unlock(&lock);
}

static void resumed(qemu_plugin_id_t id, unsigned cpu)
{
    (void)id;
    if (cpu >= CPUS_MAX)
        return;
    pthread_mutex_lock(&lock);
    idle[cpu] = 0;
    pthread_mutex_unlock(&lock);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t count = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t n = 0; n < count; n++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n);
        const struct place *place = place_at(qemu_plugin_insn_vaddr(insn));
        if (place)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)place);
    }
}

EXPORTED int qemu_plugin_version = PLUGIN_API;

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                                 char **argv)
{
    pthread_condattr_t monotonic;
    const char *places = NULL;

    (void)info;
    for (int n = 0; n < argc; n++) {
        char *value = strchr(argv[n], '=');
        if (!value)
            continue;
        if (strncmp(argv[n], "places=", 7) == 0)
            places = strdup(value + 1);
        else if (strncmp(argv[n], "control=", 8) == 0)
            control_path = strdup(value + 1);
        else if (strncmp(argv[n], "records=", 8) == 0)
            records_path = strdup(value + 1);
    }
    if (!places || !control_path || !records_path || read_places(places)) {
        fprintf(stderr, "steer: expected places=, control= and records=, files each\n");
        return -1;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    for (int n = 0; n < CPUS_MAX; n++)
        pthread_cond_init(&turn_of[n], &monotonic);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_idle_cb(id, went_idle);
    qemu_plugin_register_vcpu_resume_cb(id, resumed);
    return 0;
}
