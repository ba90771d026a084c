"""The host kernel's part of the state: threads, requests, waitqueues, soft timers, locks.

They are model objects, not Trio primitives, so that rules and hashing see them.
"""
