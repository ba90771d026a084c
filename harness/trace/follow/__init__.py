"""The model in lock step with the trace of a real KVM: its decisions against the kernel's.

``follower`` takes the records of a trace one by one and hands each to the VM that it is about
(``vm``), which keeps the software state (``state``, ``machine``), runs the hypervisor's own
functions on it (``hypervisor``, ``context``) and compares what they decide with what the kernel did
(``tally``). ``kernels`` is what the kernels' versions do differently, ``excuses`` which differences
are known to be none of the model's, ``faults`` what is planted to see that a fault is noticed.
"""
