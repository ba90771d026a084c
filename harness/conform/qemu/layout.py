"""Where things are on QEMU's `virt` machine, and what a snapshot of the agent holds.

The assembler program and the host side share these figures: :func:`assembler_includes` writes them
out for agent.S, so that there is one place to change.
"""

__all__ = [
    "AGENT",
    "BUFFERS",
    "BUFFER_BYTES",
    "CONTROL",
    "CPU_BYTES",
    "CPU_FIELDS",
    "CTL_CPUS",
    "CTL_CURRENT",
    "CTL_DONE",
    "CTL_FAULTS",
    "CTL_GO",
    "CTL_LIST",
    "CTL_READY",
    "CTL_TURN",
    "GICC",
    "GICD",
    "GICH",
    "GICR",
    "GICV",
    "GITS",
    "LPI_PENDING",
    "LPI_TABLES",
    "RAM",
    "RAM_BYTES",
    "SHARED_BYTES",
    "SHARED_FIELDS",
    "STUB",
    "assembler_includes",
]

RAM = 0x40000000
RAM_BYTES = 64 << 20
AGENT = 0x40200000
CONTROL = 0x42000000
BUFFERS = (0x42100000, 0x43000000)
BUFFER_BYTES = 0xF00000

#: Tables of the ITS, and behind them one of pending LPIs for each CPU, 64 KiB each.
LPI_TABLES = 0x43F00000
LPI_PENDING = LPI_TABLES + 0x50000

CTL_GO, CTL_LIST, CTL_DONE, CTL_CURRENT, CTL_TURN, CTL_CPUS, CTL_FAULTS = range(0, 56, 8)
CTL_READY = 64

GICD = 0x08000000
GICC = 0x08010000
GICH = 0x08030000
GICV = 0x08040000
GITS = 0x08080000
GICR = 0x080A0000

_STUB_NAMES = {
    "ICH_LR0": "S3_4_C12_C12_0",
    "ICH_LR1": "S3_4_C12_C12_1",
    "ICH_LR2": "S3_4_C12_C12_2",
    "ICH_LR3": "S3_4_C12_C12_3",
    "ICH_HCR": "S3_4_C12_C11_0",
    "ICH_VTR": "S3_4_C12_C11_1",
    "ICH_VMCR": "S3_4_C12_C11_7",
    "ICH_AP0R0": "S3_4_C12_C8_0",
    "ICH_AP1R0": "S3_4_C12_C9_0",
    "ICC_IAR1": "S3_0_C12_C12_0",
    "ICC_EOIR1": "S3_0_C12_C12_1",
    "ICC_IAR0": "S3_0_C12_C8_0",
    "ICC_EOIR0": "S3_0_C12_C8_1",
    "ICC_DIR": "S3_0_C12_C11_1",
    "ICC_PMR": "S3_0_C4_C6_0",
    "ICC_BPR0": "S3_0_C12_C8_3",
    "ICC_BPR1": "S3_0_C12_C12_3",
    "ICC_CTLR": "S3_0_C12_C12_4",
    "ICC_IGRPEN0": "S3_0_C12_C12_6",
    "ICC_IGRPEN1": "S3_0_C12_C12_7",
    "ICC_AP0R0": "S3_0_C12_C8_4",
    "ICC_AP1R0": "S3_0_C12_C9_0",
    "ICC_SGI1R": "S3_0_C12_C11_5",
    "CNTV_CTL": "cntv_ctl_el0",
    "CNTV_CVAL": "cntv_cval_el0",
    "CNTP_CTL": "cntp_ctl_el0",
    "CNTP_CVAL": "cntp_cval_el0",
    "CNTHP_CTL": "cnthp_ctl_el2",
    "CNTHP_CVAL": "cnthp_cval_el2",
    "PMCR": "pmcr_el0",
    "PMINTENSET": "pmintenset_el1",
    "PMINTENCLR": "pmintenclr_el1",
    "PMOVSSET": "pmovsset_el0",
}
_READ_ONLY = ("ICH_VTR", "ICC_IAR0", "ICC_IAR1")
_WRITE_ONLY = ("ICC_EOIR0", "ICC_EOIR1", "ICC_DIR", "ICC_SGI1R")

#: Register name -> number of its stub in the agent.
STUB = {name: number for number, name in enumerate(_STUB_NAMES)}

_GUEST = ("LR0", "LR1", "LR2", "LR3", "HCR", "MISR", "EISR", "ELRSR")

#: GIC version -> what one CPU shows, in the order of op_snap_cpu in agent.S.
CPU_FIELDS = {
    3: (
        *_GUEST,
        "AP0R0",
        "AP1R0",
        "VMCR",
        "HPPIR",
        "HPPIR0",
        "RPR",
        "CPU_AP1R0",
        "CPU_AP0R0",
        "PMR",
        "BPR",
        "CTLR",
        "IGRPEN",
        "PENDING",
        "ACTIVE",
        "ENABLE",
        "CONFIGURATION",
        "IRQ",
        "V_HPPIR",
        "V_HPPIR0",
        "V_RPR",
        "VIRQ",
        "BPR0",
        "IGRPEN0",
        "GROUP",
        "LPI_PENDING",
        "V_PMR",
        "V_BPR0",
        "V_BPR1",
    ),
    2: (
        *_GUEST,
        "APR",
        "V_CTLR",
        "VMCR",
        "HPPIR",
        "SGI_SOURCES0",
        "RPR",
        "SGI_SOURCES1",
        "SGI_SOURCES2",
        "PMR",
        "BPR",
        "CTLR",
        "SGI_SOURCES3",
        "PENDING",
        "ACTIVE",
        "ENABLE",
        "CONFIGURATION",
        "IRQ",
        "V_HPPIR",
        "V_PMR",
        "V_RPR",
        "VIRQ",
        "ABPR",
        "V_BPR",
        "V_ABPR",
    ),
}

#: What the CPUs share: SPIs 32 to 63, the targets of 32 to 39.
SHARED_FIELDS = (
    "SPI_PENDING",
    "SPI_ACTIVE",
    "SPI_ENABLE",
    "SPI_CONFIGURATION",
    "SPI_GROUP",
    *(f"TARGET{intid}" for intid in range(32, 40)),
)

CPU_BYTES = 8 * len(CPU_FIELDS[3])
SHARED_BYTES = 8 * len(SHARED_FIELDS)


def _stubs() -> str:
    reads = ["read_stubs:"]
    writes = ["write_stubs:"]
    for name, encoding in _STUB_NAMES.items():
        readable = name not in _WRITE_ONLY
        writable = name not in _READ_ONLY
        reads.append(f"    {f'mrs x0, {encoding}' if readable else 'nop'}\n    ret")
        writes.append(f"    {f'msr {encoding}, x0' if writable else 'nop'}\n    ret")
    return "\n".join([*reads, *writes, ""])


def assembler_includes(gic: int) -> dict[str, str]:
    """Return the generated include files of agent.S for GIC version 2 or 3: name -> text."""
    figures = {
        "GIC": gic,
        "CONTROL": CONTROL,
        "GICD": GICD,
        "GICC": GICC,
        "GICH": GICH,
        "GICV": GICV,
        "GICR": GICR,
        "LPI_PENDING": LPI_PENDING,
        "CTL_GO": CTL_GO,
        "CTL_LIST": CTL_LIST,
        "CTL_DONE": CTL_DONE,
        "CTL_CURRENT": CTL_CURRENT,
        "CTL_TURN": CTL_TURN,
        "CTL_CPUS": CTL_CPUS,
        "CTL_FAULTS": CTL_FAULTS,
        "CTL_READY": CTL_READY,
    }
    lines = [f"    .set {name}, {value:#x}" for name, value in figures.items()]
    return {"layout.inc": "\n".join([*lines, ""]), "sysregs.inc": _stubs()}
