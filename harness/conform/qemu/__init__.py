"""The GIC model in lock step with the GIC of QEMU's `virt` machine."""
