/* What the host shows of a VCPU: how often its thread was switched, and how much CPU it had. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void tell_symptoms(void)
{
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");

    while (tasks && (entry = readdir(tasks))) {
        char path[320], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(name, sizeof name, file) && strncmp(name, "kvm-vcpu-", 9) == 0) {
            snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
            long switches = field(path, "voluntary_ctxt_switches:");
            snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
            printf("SYMPTOM vcpu=%d switches=%ld cpu_ns=%lld\n", atoi(name + 9), switches,
                   run_time(path));
        }
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    fflush(stdout);
}
