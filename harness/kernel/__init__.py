"""Real Linux kernels under QEMU: from Debian's packages, with a VMM and a script to run."""
