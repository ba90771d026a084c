"""The Arm Generic Interrupt Controller: distributor, CPU interfaces and virtual interfaces."""
