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
#define DEVICES_MAX 8
#define MAIL_MAX 16
#define EVENTS_MAX 400

/* What a guest writes to a place of the page at DOOR_AT, and what that asks the VMM for. */
enum bell {
    BELL_END = 0x00,    /* an execution is over: the value is what was wrong with it, 0: nothing */
    BELL_USER = 0x04,   /* nothing: an exit to user space */
    BELL_RAISE = 0x08,  /* an SPI's line up; the value is its INTID */
    BELL_LOWER = 0x0c,
    BELL_PULSE = 0x10,  /* up and down */
    BELL_SERVED = 0x14, /* its driver has served a device, whose line falls; the value is its number */
    BELL_HALT = 0x18,   /* its program is over; goes on when all VCPUs' are */
    BELL_START = 0x20,  /* all are set up: the first execution begins */
    BELL_BAD = 0x1c,    /* an exception that no guest should have: its ESR */
};

/* What an event is. Of those that are VOLATILE the value tells the time. */
#define VOLATILE 0x100
enum event_kind {
    EV_IAR = 1, EV_EOIR, EV_DIR, EV_SGI, EV_WFI, EV_MASK, EV_PMR, EV_BPR, EV_GROUP, EV_USER,
    EV_HALT, EV_SERVED, EV_TIMER_CTL,
    EV_TIMER_CVAL = 14 | VOLATILE,
    EV_DIST = 15, EV_READ_DIST, /* GICD_CTLR's enable */
    EV_WRITE = 0x20,            /* of a part of an interrupt's state: plus its number */
    EV_READ = 0x30,
    EV_READ_REGISTER = 0x40,    /* plus the register's number (model.guest.REGISTERS) */
    EV_READ_TIME = 0x40 | VOLATILE,
    EV_RAISED = 0x50,           /* by the VMM: a device had an event, and KVM was told */
    EV_NOTIFIED,                /* by the VMM: its resamplefd was signalled */
    EV_RESET,                   /* by the VMM: the VCPU ``a`` was reset, with its VM */
};
enum part { ENABLED, PENDING, ACTIVE, TARGET, PRIORITY };

/*
 * One access of a guest. Both times are of the guest's count; of what does not trap they are the same.
 * ``a`` is an INTID or a register's number, ``of`` the VCPU that it is of, plus one, 0: its own.
 * flags: DONE, once it is over; MASKED is PSTATE.I for it.
 */
#define DONE 1
#define MASKED 0x80
struct event {
    uint64_t began, ended, value;
    uint16_t kind, a;
    uint16_t of, flags;
};

struct vcpu_board {
    uint64_t arrived;   /* the execution that it has ended last */
    uint64_t count;     /* its events in this execution */
    uint64_t taken, ptaken; /* interrupts of its timers that it has handled in this execution */
    uint64_t seen[2];       /* a bit for each INTID below 128 that it has */
    uint64_t wrong;
    uint64_t began;         /* the execution that it has begun last */
    struct event events[EVENTS_MAX];
};

/*
 * A device of software. It has had ``raised`` of ``planned`` events; ``work``: it asks its driver for
 * something. The VMM writes ``raised``, guests ``planned`` in the course of an execution, both ``work``.
 */
struct device_board {
    uint64_t planned, raised, work;
    uint64_t served; /* times that a driver found work to do */
    uint64_t spare[4];
};

/* SPIs that another VCPU leaves to this one to be deactivated; only one VCPU writes here. */
struct mail {
    uint64_t put, taken;
    uint64_t spare[6];
    uint64_t iar[MAIL_MAX];
};

struct board {
    uint64_t go;        /* the execution that is running */
    uint64_t vcpus, scale, jitter, first, argument;
    uint64_t ahead;     /* how far the host's count is ahead of the guests'; written by VCPU 0 */
    uint64_t start;     /* the execution that VCPUs begin with which are at power-on */
    uint64_t again;     /* that one has begun before, before a reset */
    uint64_t spare[7];
    struct device_board device[DEVICES_MAX];
    struct mail mail[VCPUS_MAX];
    struct vcpu_board vcpu[VCPUS_MAX + 1]; /* the last is the VMM's own, for what devices do */
};

_Static_assert(sizeof(struct board) <= RAM_BASE + RAM_SIZE - BOARD_AT, "the board fits");
#endif
