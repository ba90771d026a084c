"""Real Linux kernels under QEMU: kernels from Debian, a guest's VMM, a machine that runs a script."""
