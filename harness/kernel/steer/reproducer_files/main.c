/*
 * The VMM by itself: its arguments are the words of a job, NAME=VALUE each (job.c). As init of a
 * machine it mounts what it needs, and powers off behind the job.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

long check(long result, const char *what)
{
    if (result < 0) {
        printf("FAILED %s: %s\n", what, strerror(errno));
        fflush(stdout);
        _exit(FAILED);
    }
    return result;
}

static void mount_at(const char *type, const char *where)
{
    mkdir(where, 0755);
    if (mount(type, where, type, 0, NULL) < 0 && errno != EBUSY)
        printf("no %s: %s\n", where, strerror(errno));
}

int main(int count, char **words)
{
    static char line[4096];
    static struct job wanted;
    int is_init = getpid() == 1, status = FAILED;
    pid_t pid;

    if (is_init) {
        mount_at("devtmpfs", "/dev");
        mount_at("proc", "/proc");
    }
    for (int n = 1; n < count; n++)
        if (strchr(words[n], '='))
            snprintf(line + strlen(line), sizeof line - strlen(line), "%s ", words[n]);
    if (read_job(line, &wanted) < 0)
        return FAILED;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        status = run_job(&wanted);
        fflush(stdout);
        _exit(status);
    }
    if (pid > 0 && waitpid(pid, &status, 0) > 0)
        status = WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
    printf("ENDED %d\n", status);
    fflush(stdout);
    if (is_init)
        reboot(RB_POWER_OFF);
    return status;
}
