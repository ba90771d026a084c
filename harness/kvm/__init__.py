"""The hypervisor under test: KVM's flow in its eras, and its historical bugs as variants."""
