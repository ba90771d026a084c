/* What the host shows of a VCPU: how often its thread went to sleep, and how much CPU it had. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"

static long field(const char *path, const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen(path, "r");

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = atol(line + strlen(name));
    if (file)
        fclose(file);
    return value;
}

/* In ns. */
static long long run_time(const char *path)
{
    long long value = -1;
    FILE *file = fopen(path, "r");

    if (file) {
        if (fscanf(file, "%lld", &value) != 1)
            value = -1;
        fclose(file);
    }
    return value;
}

struct symptom { long switches; long long cpu_ns; double at; };
static struct symptom before[VCPUS_MAX];

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static struct symptom look(int vcpu)
{
    char path[64];
    struct symptom found = {.at = seconds()};

    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread_of(vcpu));
    found.switches = field(path, "voluntary_ctxt_switches:");
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread_of(vcpu));
    found.cpu_ns = run_time(path);
    return found;
}

/* From here on. */
void note_symptoms(void)
{
    for (int n = 0; n < job->vcpus; n++)
        before[n] = look(n);
}

void tell_symptoms(void)
{
    for (int n = 0; n < job->vcpus; n++) {
        struct symptom now = look(n);
        printf("SYMPTOM vcpu=%d switches=%ld cpu_ms=%lld ms=%.0f\n", n,
               now.switches - before[n].switches, (now.cpu_ns - before[n].cpu_ns) / 1000000,
               (now.at - before[n].at) * 1e3);
    }
    fflush(stdout);
}
