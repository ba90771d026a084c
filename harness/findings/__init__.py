"""Faults of KVM as shipped that are known: what they are, and which violations are theirs."""
