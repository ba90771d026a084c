/* A stack of 16 KiB for each VCPU, vectors that tell of an exception, and guest_main(vcpu, argument). */
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
    isb
    bl guest_main
1:  wfi
    b 1b

    .balign 2048
vectors:
    .rept 16
    .balign 128
    b unexpected
    .endr
unexpected:
    mrs x0, esr_el1
    mrs x1, elr_el1
    b guest_unexpected
