/*
 * The agent: a small program for QEMU's `virt` machine that executes lists of register operations
 * on any CPU, at EL2 and at EL1, and copies the visible state of the GIC into memory between them.
 *
 * All CPUs run the same loop. A list is an array of 32-byte records (see mailbox.py); the CPU that
 * holds the turn executes records until one names another CPU, and hands the turn over. There is
 * no self-modifying code: system registers are reached through ready-made stubs, whose table the
 * host side writes to sysregs.inc from its own list of names.
 *
 * Kept by convention: x28 control block, x27 own CPU, x26 record, x25 read stubs, x24 write stubs,
 * x23 own redistributor (GICv3) or distributor (GICv2), x22 distributor, x21 GICC, x20 GICH,
 * x19 GICV.
 */

    .include "layout.inc"

    .set HCR_VALUE, (1 << 31) | (1 << 4) | (1 << 3)   /* RW, IMO, FMO */
    .set EL1H, 0x3c5
    .set EL2H, 0x3c9
    .set DIR_TRAPPED, 0x62323016                      /* ESR_EL2: MSR ICC_DIR_EL1, X0 */
    .set PMR_TRAPPED, 0x6230100C                      /* ESR_EL2: MSR ICC_PMR_EL1, X0 */

    .macro load reg, value
    movz \reg, #((\value) & 0xffff)
    movk \reg, #(((\value) >> 16) & 0xffff), lsl #16
    .endm

    /* System register -> next doubleword of the snapshot at x9. */
    .macro put_sys name
    mrs x0, \name
    str x0, [x9], #8
    .endm

    /* 32-bit device register -> next doubleword of the snapshot. */
    .macro put_dev base, offset
    ldr w0, [\base, #\offset]
    str x0, [x9], #8
    .endm

    .text
    .global _start
_start:
    mrs x27, mpidr_el1
    and x27, x27, #0xff
    load x28, CONTROL
    load x0, HCR_VALUE
    msr hcr_el2, x0
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el2, x0
    msr cptr_el2, xzr
    mov x0, #3
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    load x0, 0x30d00800
    msr sctlr_el1, x0
    msr daifset, #0xf
    adrp x25, read_stubs
    add x25, x25, :lo12:read_stubs
    adrp x24, write_stubs
    add x24, x24, :lo12:write_stubs
    load x22, GICD
    .if GIC == 3
    load x23, GICR
    add x23, x23, x27, lsl #17
    mov x0, #0xf
    msr S3_4_C12_C9_5, x0               /* ICC_SRE_EL2 */
    isb
    .else
    mov x23, x22
    load x21, GICC
    load x20, GICH
    load x19, GICV
    .endif
    cbnz x27, started

    /* CPU 0 starts the others by PSCI. */
    mov x20, #1
    ldr w19, [x28, #CTL_CPUS]
1:  cmp w20, w19
    b.hs 2f
    load x0, 0xc4000003                 /* CPU_ON, 64 bit */
    mov x1, x20
    adrp x2, _start
    add x2, x2, :lo12:_start
    mov x3, #0
    smc #0
    add x20, x20, #1
    b 1b
2:  .if GIC == 2
    load x20, GICH
    load x19, GICV
    .endif

    /* The turn starts with CPU 0, which waits for the first list. */
started:
    add x0, x28, x27, lsl #3
    mov x1, #1
    str x1, [x0, #CTL_READY]
    cbz x27, wait
    b idle

    /* -- the loop -------------------------------------------------------------------------- */

handover:
    str x26, [x28, #CTL_CURRENT]
    dmb sy
    str w1, [x28, #CTL_TURN]
idle:
    yield
    ldr w0, [x28, #CTL_TURN]
    cmp w0, w27
    b.ne idle
    ldr x26, [x28, #CTL_CURRENT]
    b fetch

next_result:
    str x0, [x26, #24]
next:
    add x26, x26, #32
fetch:
    ldp w0, w1, [x26]
    cmp w1, w27
    b.ne handover
    adr x2, operations
    ldr w3, [x2, x0, lsl #2]
    add x2, x2, w3, sxtw
    ldp x4, x5, [x26, #8]
    br x2

    .balign 8
operations:
    .word op_end - operations
    .word op_nop - operations
    .word op_read8 - operations
    .word op_write8 - operations
    .word op_read32 - operations
    .word op_write32 - operations
    .word op_read64 - operations
    .word op_write64 - operations
    .word op_sys_read - operations
    .word op_sys_write - operations
    .word op_el1_read - operations
    .word op_el1_write - operations
    .word op_snap_cpu - operations
    .word op_snap_shared - operations

op_end:
    dmb sy
    str x5, [x28, #CTL_DONE]
wait:
    yield
    ldr x0, [x28, #CTL_GO]
    ldr x1, [x28, #CTL_DONE]
    cmp x0, x1
    b.eq wait
    dmb sy
    ldr x26, [x28, #CTL_LIST]
    b fetch

op_nop:
    dsb sy
    isb
    b next
op_read8:
    ldrb w0, [x4]
    b next_result
op_write8:
    strb w5, [x4]
    b next
op_read32:
    ldr w0, [x4]
    b next_result
op_write32:
    str w5, [x4]
    b next
op_read64:
    ldr x0, [x4]
    b next_result
op_write64:
    str x5, [x4]
    b next

    /* A stub is two instructions; x4 is its number. */
op_sys_read:
    add x1, x25, x4, lsl #3
    blr x1
    b next_result
op_sys_write:
    add x1, x24, x4, lsl #3
    mov x0, x5
    blr x1
    b next
op_el1_read:
    add x1, x25, x4, lsl #3
    adr x10, next_result
    b el1_call_held
op_el1_write:
    add x1, x24, x4, lsl #3
    mov x0, x5
    adr x10, next
    b el1_call_held

    /*
     * Call x1 at EL1 and come back to x10 at EL2. A pending physical interrupt would pre-empt EL1
     * even though it is masked there (HCR_EL2.IMO), so the physical priority mask is held at 0
     * meanwhile: what the guest does may make one pending. A snapshot only reads, so there nothing
     * is touched when nothing is signalled.
     */
el1_call:
    mrs x11, isr_el1
    cbnz x11, el1_call_held
    mov x12, #-1
    b 1f
el1_call_held:
    .if GIC == 3
    mrs x12, S3_0_C4_C6_0               /* ICC_PMR_EL1 */
    msr S3_0_C4_C6_0, xzr
    .else
    ldr w12, [x21, #4]
    str wzr, [x21, #4]
    .endif
    isb
1:  adr x11, el1_entry
    msr elr_el2, x11
    mov x11, #EL1H
    msr spsr_el2, x11
    eret
el1_entry:
    blr x1
    hvc #0

    /* -- snapshots ------------------------------------------------------------------------- */

    /* Everything one CPU shows of itself, x4 = where to; in the order of layout.py. */
op_snap_cpu:
    mov x9, x4
    .if GIC == 3
    put_sys S3_4_C12_C12_0              /* ICH_LR0..3_EL2 */
    put_sys S3_4_C12_C12_1
    put_sys S3_4_C12_C12_2
    put_sys S3_4_C12_C12_3
    put_sys S3_4_C12_C11_0              /* ICH_HCR_EL2 */
    put_sys S3_4_C12_C11_2              /* ICH_MISR_EL2 */
    put_sys S3_4_C12_C11_3              /* ICH_EISR_EL2 */
    put_sys S3_4_C12_C11_5              /* ICH_ELRSR_EL2 */
    put_sys S3_4_C12_C8_0               /* ICH_AP0R0_EL2 */
    put_sys S3_4_C12_C9_0               /* ICH_AP1R0_EL2 */
    put_sys S3_4_C12_C11_7              /* ICH_VMCR_EL2 */
    put_sys S3_0_C12_C12_2              /* ICC_HPPIR1_EL1 */
    put_sys S3_0_C12_C8_2               /* ICC_HPPIR0_EL1 */
    put_sys S3_0_C12_C11_3              /* ICC_RPR_EL1 */
    put_sys S3_0_C12_C9_0               /* ICC_AP1R0_EL1 */
    put_sys S3_0_C12_C8_4               /* ICC_AP0R0_EL1 */
    put_sys S3_0_C4_C6_0                /* ICC_PMR_EL1 */
    put_sys S3_0_C12_C12_3              /* ICC_BPR1_EL1 */
    put_sys S3_0_C12_C12_4              /* ICC_CTLR_EL1 */
    put_sys S3_0_C12_C12_7              /* ICC_IGRPEN1_EL1 */
    mov x2, #0x10000                    /* the SGI frame */
    add x2, x23, x2
    put_dev x2, 0x200                   /* GICR_ISPENDR0 */
    put_dev x2, 0x300                   /* GICR_ISACTIVER0 */
    put_dev x2, 0x100                   /* GICR_ISENABLER0 */
    put_dev x2, 0xc04                   /* GICR_ICFGR1 */
    .else
    put_dev x20, 0x100                  /* GICH_LR0..3 */
    put_dev x20, 0x104
    put_dev x20, 0x108
    put_dev x20, 0x10c
    put_dev x20, 0x00                   /* GICH_HCR */
    put_dev x20, 0x10                   /* GICH_MISR */
    put_dev x20, 0x20                   /* GICH_EISR0 */
    put_dev x20, 0x30                   /* GICH_ELRSR0 */
    put_dev x20, 0xf0                   /* GICH_APR */
    put_dev x19, 0x00                   /* GICV_CTLR */
    put_dev x20, 0x08                   /* GICH_VMCR */
    put_dev x21, 0x18                   /* GICC_HPPIR */
    put_dev x22, 0xf20                  /* GICD_SPENDSGIR0: a byte of sources for each SGI */
    put_dev x21, 0x14                   /* GICC_RPR */
    put_dev x22, 0xf24                  /* GICD_SPENDSGIR1 */
    put_dev x22, 0xf28                  /* GICD_SPENDSGIR2 */
    put_dev x21, 0x04                   /* GICC_PMR */
    put_dev x21, 0x08                   /* GICC_BPR */
    put_dev x21, 0x00                   /* GICC_CTLR */
    put_dev x22, 0xf2c                  /* GICD_SPENDSGIR3 */
    put_dev x22, 0x200                  /* GICD_ISPENDR0 */
    put_dev x22, 0x300                  /* GICD_ISACTIVER0 */
    put_dev x22, 0x100                  /* GICD_ISENABLER0 */
    put_dev x22, 0xc04                  /* GICD_ICFGR1 */
    .endif
    put_sys isr_el1
    mov x14, x9
    add x9, x9, #32                     /* what the guest sees comes in between */
    .if GIC == 3
    put_sys S3_0_C12_C8_3               /* ICC_BPR0_EL1 */
    put_sys S3_0_C12_C12_6              /* ICC_IGRPEN0_EL1 */
    put_dev x2, 0x80                    /* GICR_IGROUPR0 */
    load x2, LPI_PENDING
    add x2, x2, x27, lsl #16
    put_dev x2, 0x400                   /* LPIs 8192 to 8223 in the table of pending ones */
    .else
    put_dev x21, 0x1c                   /* GICC_ABPR */
    .endif
    adr x1, snap_el1
    adr x10, next
    .if GIC == 3
    mrs x16, S3_4_C12_C11_0             /* ICH_HCR_EL2.TC would trap what is read at EL1 */
    tbz x16, #10, el1_call
    adr x10, 1f
    bic x17, x16, #(1 << 10)
    msr S3_4_C12_C11_0, x17
    isb
    b el1_call
1:  msr S3_4_C12_C11_0, x16
    isb
    b next
    .else
    b el1_call
    .endif

    /* The virtual CPU interface as the guest sees it. */
snap_el1:
    mov x15, x9
    mov x9, x14
    .if GIC == 3
    put_sys S3_0_C12_C12_2              /* ICV_HPPIR1_EL1 */
    put_sys S3_0_C12_C8_2               /* ICV_HPPIR0_EL1 */
    put_sys S3_0_C12_C11_3              /* ICV_RPR_EL1 */
    .else
    put_dev x19, 0x18                   /* GICV_HPPIR */
    put_dev x19, 0x04                   /* GICV_PMR */
    put_dev x19, 0x14                   /* GICV_RPR */
    .endif
    put_sys isr_el1
    mov x9, x15
    .if GIC == 3
    put_sys S3_0_C4_C6_0                /* ICV_PMR_EL1 */
    put_sys S3_0_C12_C8_3               /* ICV_BPR0_EL1 */
    put_sys S3_0_C12_C12_3              /* ICV_BPR1_EL1 */
    .else
    put_dev x19, 0x08                   /* GICV_BPR */
    put_dev x19, 0x1c                   /* GICV_ABPR */
    .endif
    ret

    /* What the CPUs share: the SPIs 32 to 63. */
op_snap_shared:
    mov x9, x4
    put_dev x22, 0x204                  /* GICD_ISPENDR1 */
    put_dev x22, 0x304                  /* GICD_ISACTIVER1 */
    put_dev x22, 0x104                  /* GICD_ISENABLER1 */
    put_dev x22, 0xc08                  /* GICD_ICFGR2 */
    put_dev x22, 0x84                   /* GICD_IGROUPR1 */
    .if GIC == 3
    mov x1, #0x6100                     /* GICD_IROUTER32..39 */
    add x2, x22, x1
    mov x3, #8
1:  ldr x0, [x2], #8
    str x0, [x9], #8
    subs x3, x3, #1
    b.ne 1b
    .else
    mov x1, #0x820                      /* GICD_ITARGETSR32..39 */
    add x2, x22, x1
    mov x3, #8
1:  ldrb w0, [x2], #1
    str x0, [x9], #8
    subs x3, x3, #1
    b.ne 1b
    .endif
    b next

    /* -- exceptions ------------------------------------------------------------------------ */

    .macro vector target
    .balign 128
    b \target
    .endm

    .balign 2048
vectors:
    .rept 8
    vector fault
    .endr
    vector from_el1
    .rept 3
    vector taken
    .endr
    .rept 4
    vector fault
    .endr

    /* From EL1: HVC is the way back, anything else a fault of the operation. */
from_el1:
    mrs x11, esr_el2
    lsr x13, x11, #26
    cmp x13, #0x16
    b.eq back
    mov x0, x11
    load x13, DIR_TRAPPED
    cmp x11, x13
    b.eq trapped
    load x13, PMR_TRAPPED
    cmp x11, x13
    b.ne fault_el1
trapped:
    adr x10, next_result                /* ICH_HCR_EL2.TDIR, TC: the syndrome is the result */
    b back
    /* An interrupt came to EL2 from EL1 although the mask was held. */
taken:
    mov x0, #-1
fault_el1:
    adr x10, faulted
back:
    cmn x12, #1
    b.eq 1f
    .if GIC == 3
    msr S3_0_C4_C6_0, x12
    .else
    str w12, [x21, #4]
    .endif
    isb
1:  br x10

    /* At EL2 itself: the record gets the syndrome, the host sees the count, the loop goes on. */
fault:
    mrs x0, esr_el2
faulted:
    ldr x1, [x28, #CTL_FAULTS]
    add x1, x1, #1
    str x1, [x28, #CTL_FAULTS]
    mov w1, #0x80
    strb w1, [x26, #3]
    adr x1, next_result
    msr elr_el2, x1
    mov x1, #EL2H
    msr spsr_el2, x1
    eret

    .balign 8
    .include "sysregs.inc"
