"""Rules about the flow of a real kernel, for what a trace of one shows.

They hold for Linux 4.16 and later with the vgic in the kernel, no nested guest, a host GIC with an
active state, one VM. Those that hear only facts of all producers judge model executions as well.
"""
