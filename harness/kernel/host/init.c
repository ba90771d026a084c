/* Init: mounts what a job needs, then takes one line after the other from the console. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host.h"

#define LINE 4096

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

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        printf("cannot write %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* A file of this machine, to one of the machine that runs QEMU. */
static int copy_out(const char *from, const char *to)
{
    static char buffer[1 << 16];
    int fd = open(from, O_RDONLY);
    long handle = fd < 0 ? -1 : host_open(to, 1);
    long size;

    if (handle < 0)
        return FAILED;
    while ((size = read(fd, buffer, sizeof buffer)) > 0)
        host_write(handle, buffer, size);
    host_close(handle);
    close(fd);
    return 0;
}

static int do_run(char *words)
{
    struct job wanted;
    pid_t pid;
    int status;

    if (read_job(words, &wanted) < 0)
        return FAILED;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        status = run_job(&wanted);
        fflush(stdout);
        _exit(status);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static int obey(char *line)
{
    char *words = strchr(line, ' ');

    if (words)
        *words++ = 0;
    if (words && strcmp(line, "run") == 0)
        return do_run(words);
    if (words && strcmp(line, "get") == 0) {
        char *to = strchr(words, ' ');
        if (to) {
            *to++ = 0;
            return copy_out(words, to);
        }
    }
    if (strcmp(line, "off") == 0)
        reboot(RB_POWER_OFF);
    printf("FAILED unknown: %s\n", line);
    return FAILED;
}

int main(void)
{
    static char line[LINE];
    struct termios terminal;

    mount_at("devtmpfs", "/dev");
    mount_at("proc", "/proc");
    mount_at("sysfs", "/sys");
    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL); /* a small kernel has none */
    if (tcgetattr(0, &terminal) == 0) {
        cfmakeraw(&terminal);
        tcsetattr(0, TCSANOW, &terminal);
    }
    write_file("/proc/sys/kernel/kptr_restrict", "0");
    printf("HOST UP %s\n", access("/dev/kvm", R_OK | W_OK) == 0 ? "kvm" : "no kvm");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!*line)
            continue;
        printf("ENDED %d\n", obey(line));
        fflush(stdout);
    }
    reboot(RB_POWER_OFF);
}
