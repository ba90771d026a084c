"""KVM's software view of virtual interrupts, and its decisions as pure functions."""
