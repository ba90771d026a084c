/*
 * The program that is init in the machine: it takes jobs from the console, and runs each as the VMM
 * of a guest, in a process of its own. README.md of the folder above says what jobs and answers are.
 */
#ifndef HOST_H
#define HOST_H
#include <linux/kvm.h>
#include <stdint.h>

#include "../guests/board.h"

#define FAILED 99 /* a job's exit code: something of the VMM failed; what, it has printed */
#define HUNG 98   /* a guest made no progress */

enum signals { EDGE, LEVEL, RESAMPLE };

/* A device that the VMM makes, as a word of a job: device=INTID,SIGNALS,EVENTS,FOLLOWS */
struct device {
    int intid;
    enum signals signals;
    int events;  /* so many at most in an execution */
    int follows; /* it has an event for each that another one's driver has served, and no others */
};

struct job {
    char guest[256];     /* the guest's program, a file of the machine that runs QEMU */
    char out[256];       /* where histories go, such a file as well; "": nowhere */
    int gic;             /* 2 or 3 */
    int vcpus;
    int pin[VCPUS_MAX];  /* the CPU that each VCPU's thread is bound to */
    uint64_t executions; /* how many are wanted */
    uint64_t first;      /* the number of the first */
    int seconds;         /* no execution begins after so long */
    int hang_ms;         /* an execution hangs in which nobody does anything for so long */
    int scale;           /* how many ns of the guest's clock one of the scenario is */
    int jitter;          /* timers and beginnings vary from execution to execution */
    int preemptions;     /* so many at most in an execution */
    int resets, saves;   /* what the VM monitor does at most in an execution */
    int cpus;            /* the CPUs that threads are moved over */
    uint64_t argument;   /* for guests that are not compiled from scenarios */
    uint64_t say_max;    /* so many wrong executions are printed */
    int all;             /* histories are kept of all executions, not of those that differ */
    int devices;
    struct device device[DEVICES_MAX];
};

/* init.c */
long check(long result, const char *what);

/* semihosting.c: files of the machine that runs QEMU */
long host_open(const char *path, int writes);
long host_read(long handle, void *to, uint64_t size);
long host_write(long handle, const void *from, uint64_t size);
void host_close(long handle);

/* job.c */
int read_job(char *line, struct job *job);

/* vm.c */
extern struct job *job;
extern int kvm_fd, vm_fd, gic_fd, vcpu_fd[VCPUS_MAX];
extern struct kvm_run *run[VCPUS_MAX];
extern struct board *board;
int run_job(struct job *wanted);
void make_vm(void);
void init_vcpu(int vcpu);
void set_register(int vcpu, uint64_t id, uint64_t value);
uint64_t get_register(int vcpu, uint64_t id);
int64_t get_gic(uint32_t group, uint64_t attribute);

/* vcpu.c */
void start_vcpus(void);
void bind_vcpu(int vcpu, int cpu);
int thread_of(int vcpu);
void pause_vcpus(void);
void resume_vcpus(int restarted);
extern volatile uint64_t executed, wrong;

/* devices.c */
void make_devices(void);
void begin_devices(void);
void end_devices(void);
void device_served(uint32_t number);
void reset_devices(void);
void tell_devices(void);
void set_line(uint32_t intid, int level);

/* mover.c */
void start_mover(void);
void begin_moves(void);
void end_moves(void);

/* monitor.c */
void start_monitor(void);
void begin_monitor(void);
void end_monitor(void);

/* watch.c */
int watch(void);

/* histories.c */
void refresh(const void *at, uint64_t size);
struct event *said_by_vmm(uint32_t kind, uint32_t intid);
void over_by_vmm(struct event *event);
void open_histories(void);
void keep_history(void);
void write_history(const char *why, uint64_t execution);
void close_histories(void);
extern uint64_t distinct;

/* symptoms.c */
void note_symptoms(void);
void tell_symptoms(void);

#endif
