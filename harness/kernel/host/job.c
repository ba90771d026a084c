/* A job's words, NAME=VALUE each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static void read_pins(struct job *to, const char *text)
{
    for (int n = 0; n < VCPUS_MAX; n++) {
        to->pin[n] = strtol(text, (char **)&text, 10);
        if (*text == ',')
            text++;
    }
}

static void read_device(struct job *to, const char *text)
{
    static const char *const names[] = {"edge", "level", "resample"};
    struct device *device = &to->device[to->devices];
    char signals[16] = "";

    if (to->devices == DEVICES_MAX)
        return;
    sscanf(text, "%d,%15[a-z],%d,%d", &device->intid, signals, &device->events, &device->follows);
    for (int n = 0; n < 3; n++)
        if (strcmp(signals, names[n]) == 0)
            device->signals = n;
    to->devices++;
}

int read_job(char *line, struct job *to)
{
    struct { const char *name; int *at; } numbers[] = {
        {"gic", &to->gic}, {"vcpus", &to->vcpus}, {"seconds", &to->seconds},
        {"hang_ms", &to->hang_ms}, {"scale", &to->scale}, {"jitter", &to->jitter},
        {"preemptions", &to->preemptions}, {"cpus", &to->cpus},
        {"resets", &to->resets}, {"saves", &to->saves}, {"all", &to->all},
    };
    struct { const char *name; uint64_t *at; } longs[] = {
        {"executions", &to->executions}, {"first", &to->first}, {"argument", &to->argument},
        {"say_max", &to->say_max},
    };

    *to = (struct job){.gic = 3, .vcpus = 1, .seconds = 60, .hang_ms = 2000, .scale = 1000,
                       .jitter = 1, .cpus = 1, .executions = 1, .say_max = 100};
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        int known = 0;
        if (value)
            *value++ = 0;
        else
            value = "";
        for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++)
            if (strcmp(word, numbers[n].name) == 0)
                *numbers[n].at = atoi(value), known = 1;
        for (unsigned n = 0; n < sizeof longs / sizeof *longs; n++)
            if (strcmp(word, longs[n].name) == 0)
                *longs[n].at = strtoull(value, NULL, 0), known = 1;
        if (strcmp(word, "guest") == 0)
            snprintf(to->guest, sizeof to->guest, "%s", value), known = 1;
        if (strcmp(word, "out") == 0)
            snprintf(to->out, sizeof to->out, "%s", value), known = 1;
        if (strcmp(word, "device") == 0)
            read_device(to, value), known = 1;
        if (strcmp(word, "pin") == 0)
            read_pins(to, value), known = 1;
        if (!known) {
            printf("FAILED a job has no %s\n", word);
            return -1;
        }
    }
    if (to->vcpus < 1 || to->vcpus > VCPUS_MAX || (to->gic != 2 && to->gic != 3)) {
        printf("FAILED a job of this size\n");
        return -1;
    }
    return 0;
}
