/*
 * A controlled scheduler of the machine's CPUs: of those that are at places, one goes on at a time.
 * harness/kernel/steer/control.py has the same structures, and says what is asked.
 */
#ifndef STEER_H
#define STEER_H
#include <stdint.h>

#define CPUS_MAX 8
#define STEPS_MAX 256
#define KEPT_MAX 8192 /* so many decisions of a window are kept */
#define IDLE 0xffff   /* a place: the CPU waits for an interrupt */
#define BLOCKED 0xfffe /* a place: nobody knows where, it is taken for blocked */

enum mode { MODE_OFF, MODE_WALK, MODE_PCT, MODE_SCRIPT };

/* What an address is; a letter of the table each. */
enum role {
    ROLE_PLACE = 1, /* P: a CPU may be stopped here */
    ROLE_YIELD = 2, /* Y: the guest waits for another VCPU here */
    ROLE_JOB = 4,   /* J: a job begins */
    ROLE_BELL = 8,  /* B: an execution is over */
    ROLE_BEGIN = 16, /* O: on the CPU of the last bell: the next one begins */
    ROLE_STUCK = 32, /* S: an execution makes no progress */
    ROLE_OVER = 64, /* E: all programs are over; what follows is not steered */
};

/* How a window came to its end, or gave up. */
enum fate { FATE_DONE = 1, FATE_BLOCKED, FATE_ASTRAY, FATE_ENDED, FATE_STUCK, FATE_LONG };

struct step { uint16_t cpu, place; };

/* What is asked: read at the beginning of each job from the file that the argument control= names. */
struct control {
    uint64_t seed;
    double probability; /* MODE_WALK: to go on with another CPU */
    uint32_t mode;
    uint32_t level;     /* places up to this level are stops */
    uint32_t depth;     /* MODE_PCT: so many orderings, d */
    uint32_t horizon;   /* MODE_PCT: stops of an execution that are expected, 0: as they come */
    uint32_t stops_max; /* behind so many an execution goes on freely */
    uint32_t block_us;  /* who reaches no place in so long is taken for blocked */
    uint32_t steps;
    uint32_t alone;     /* the first step's CPU is alone from the beginning on */
    struct step step[STEPS_MAX];
};

/* A decision: this CPU was at this place, and that one goes on. */
struct decision { uint8_t cpu, next; uint16_t place; };

/* What is written of each window, and then its decisions. */
struct record {
    uint32_t window; /* of the job, from 1 */
    uint32_t decisions;
    uint32_t stops;
    uint16_t fate, step; /* of the script's steps so many were done */
    uint32_t blocked; /* so often a CPU was taken for blocked */
    uint32_t us;
};

struct place { uint64_t address; uint16_t number, level; int roles; };

/* places.c */
int read_places(const char *path);
const struct place *place_at(uint64_t address);

/* steer.c */
void arrive(unsigned cpu, const struct place *place);

/* choose.c: both are called with the lock held */
extern struct control control;
void choose_begin(uint64_t window, unsigned cpu);
unsigned choose_next(unsigned cpu, const struct place *place, unsigned candidates, unsigned stops);
void choose_end(unsigned stops);
#endif
