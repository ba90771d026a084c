/*
 * A QEMU without a machine: each CPU is a thread that comes by addresses, as its line of the program
 * says ("I": it goes idle, "R": it goes on, "W n": it waits until CPU n has begun). Prints what came
 * when: "at CPU ADDRESS" as it comes there, "go CPU ADDRESS" as the plugin lets it go on.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemu.h"

#define CPUS 2
#define HOOKS 64

static struct { uint64_t address; executed_callback callback; void *data; } hooks[HOOKS];
static int hook_count;
static translated_callback translate;
static vcpu_callback went_idle, went_on;
static uint64_t translating;
static char lines[CPUS][4096];
static volatile int begun[CPUS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback callback) { (void)id; translate = callback; }
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, vcpu_callback callback) { (void)id; went_idle = callback; }
void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, vcpu_callback callback) { (void)id; went_on = callback; }
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb) { (void)tb; return 1; }
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n) { (void)tb; (void)n; return NULL; }
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn) { (void)insn; return translating; }
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_callback callback, int flags, void *data)
{
    (void)insn; (void)flags;
    hooks[hook_count].address = translating;
    hooks[hook_count].callback = callback;
    hooks[hook_count++].data = data;
}

static void say(const char *what, int cpu, const char *word)
{
    pthread_mutex_lock(&lock);
    printf("%s %d %s\n", what, cpu, word);
    pthread_mutex_unlock(&lock);
}

static void come_by(int cpu, const char *word)
{
    uint64_t address = strtoull(word, NULL, 16);

    say("at", cpu, word);
    for (int n = 0; n < hook_count; n++)
        if (hooks[n].address == address)
            hooks[n].callback(cpu, hooks[n].data);
    say("go", cpu, word);
}

static void *run(void *argument)
{
    int cpu = (int)(intptr_t)argument;
    char *rest, *word = strtok_r(lines[cpu], " \n", &rest);

    for (; word; word = strtok_r(NULL, " \n", &rest)) {
        if (*word == 'I') {
            went_idle(0, cpu);
        } else if (*word == 'R') {
            went_on(0, cpu);
        } else if (*word == 'W') {
            while (!begun[word[1] - '0'])
                usleep(100);
        } else if (*word == 'B') {
            begun[cpu] = 1;
        } else {
            come_by(cpu, word);
        }
    }
    return NULL;
}

/* places, control, records; then CPU 0's program and CPU 1's */
int main(int count, char **words)
{
    pthread_t threads[CPUS];
    FILE *places = fopen(words[1] + strlen("places="), "r");
    char row[256];

    if (count != 6 || qemu_plugin_install(1, NULL, 3, words + 1))
        return 1;
    while (places && fgets(row, sizeof row, places)) {
        translating = strtoull(row, NULL, 16);
        translate(1, NULL);
    }
    for (int n = 0; n < CPUS; n++)
        snprintf(lines[n], sizeof lines[n], "%s", words[4 + n]);
    for (intptr_t n = 0; n < CPUS; n++)
        pthread_create(&threads[n], NULL, run, (void *)n);
    for (int n = 0; n < CPUS; n++)
        pthread_join(threads[n], NULL);
    return 0;
}
