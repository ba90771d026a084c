/* A stack of 16 KiB for each VCPU; an interrupt calls guest_irq, any other exception is told. */
    .section .start, "ax"
    .globl _start
_start:
    adr x2, vectors
    msr vbar_el1, x2
    mov x2, #0x40
    lsl x2, x2, #24
    add x2, x2, #0x80000        // the stacks: from 512 KiB on, upwards
    add x3, x0, #1
    add x2, x2, x3, lsl #14
    mov sp, x2
    mov x2, #(3 << 20)
    msr cpacr_el1, x2
    msr tpidr_el1, x0           // the VCPU's number
    isb
    bl guest_main
1:  wfi
    b 1b

    .balign 2048
vectors:
    .rept 5
    .balign 128
    b unexpected
    .endr
    .balign 128
    b irq
    .rept 10
    .balign 128
    b unexpected
    .endr
irq:
    sub sp, sp, #192
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x30, [sp, #144]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x0, x1, [sp, #160]
    bl guest_irq
    msr daifset, #2
    ldp x0, x1, [sp, #160]
    msr elr_el1, x0
    msr spsr_el1, x1
    ldp x0, x1, [sp, #0]
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x30, [sp, #144]
    add sp, sp, #192
    eret
unexpected:
    mrs x0, esr_el1
    mov x1, #0x09000000
    str w0, [x1, #0x1c]         // BELL_BAD
    b unexpected
