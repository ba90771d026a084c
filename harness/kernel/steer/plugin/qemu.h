/*
 * QEMU's plugin API, as far as it is used here, declared by hand: Debian's QEMU takes plugins and
 * ships no header for them. The same in every version of the API so far (QEMU 4.2 to 10).
 */
#ifndef QEMU_H
#define QEMU_H
#include <stddef.h>
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*vcpu_callback)(qemu_plugin_id_t id, unsigned cpu);
typedef void (*translated_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*executed_callback)(unsigned cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback callback);
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, vcpu_callback callback);
void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, vcpu_callback callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_callback callback,
                                            int flags, void *data);

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                                 char **argv);
#endif
