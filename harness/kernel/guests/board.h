/*
 * What a guest and its VMM share: a page of the guest's memory, and what each VCPU did. The guest's
 * MMU is off, so it writes past the caches; the VMM drops its lines before it reads (refresh).
 */
#ifndef BOARD_H
#define BOARD_H
#include <stdint.h>

#define RAM_BASE 0x40000000ul
#define RAM_SIZE 0x100000ul
#define BOARD_AT 0x400b0000ul
#define DOOR_AT 0x09000000ul
#define VCPUS_MAX 8
#define EVENTS_MAX 512

/* What a guest writes to a place of the page at DOOR_AT, and what that asks the VMM for. */
enum bell {
    BELL_END = 0x00,    /* an execution is over: the value is what was wrong with it, 0: nothing */
    BELL_USER = 0x04,   /* nothing: an exit to user space */
    BELL_RAISE = 0x08,  /* a device's line up; the value is its INTID */
    BELL_LOWER = 0x0c,
    BELL_PULSE = 0x10,  /* up and down */
    BELL_EVENT = 0x14,  /* an event of an eventfd; the value is the INTID */
    BELL_HALT = 0x18,   /* its program is over; goes on when all VCPUs' are */
    BELL_BAD = 0x1c,    /* an exception that no guest should have: its ESR */
};

/* What an event is. Of those that are VOLATILE the value tells the time. */
#define VOLATILE 0x100
enum event_kind {
    EV_IAR = 1, EV_EOIR, EV_DIR, EV_SGI, EV_WFI, EV_MASK, EV_PMR, EV_BPR, EV_GROUP, EV_USER,
    EV_HALT, EV_SILENCE, EV_TIMER_CTL,
    EV_TIMER_CVAL = 14 | VOLATILE,
    EV_WRITE = 0x20,            /* of a part of an interrupt's state: plus its number */
    EV_READ = 0x30,
    EV_READ_REGISTER = 0x40,    /* plus the register's number (model.guest.REGISTERS) */
    EV_READ_TIME = 0x40 | VOLATILE,
};
enum part { ENABLED, PENDING, ACTIVE, TARGET, PRIORITY };

/*
 * One access of a guest. Both times are of the guest's count; of what does not trap they are the same.
 * ``a`` is an INTID or a register's number, ``of`` the VCPU that it is of, plus one, 0: its own.
 */
struct event {
    uint64_t began, ended, value;
    uint16_t kind, a;
    uint16_t of, masked;
};

struct vcpu_board {
    uint64_t arrived;   /* the execution that it has ended last */
    uint64_t count;     /* its events in this execution */
    uint64_t taken, ptaken; /* interrupts of its timers that it has handled in this execution */
    uint64_t seen;          /* a bit for each INTID below 64 that it has */
    uint64_t wrong;
    uint64_t spare[2];
    struct event events[EVENTS_MAX];
};

struct board {
    uint64_t go;        /* the execution that is running */
    uint64_t vcpus, scale, jitter, first, frequency, argument, spare;
    struct vcpu_board vcpu[VCPUS_MAX];
};

_Static_assert(sizeof(struct board) <= RAM_BASE + RAM_SIZE - BOARD_AT, "the board fits");
#endif
