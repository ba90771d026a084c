"""The names of the states that scenarios exist to reach, and a bit for each."""

__all__ = ["BIT", "NAMES", "STIMULI"]

NAMES = (
    "slept with the timer armed",
    "soft timer woke the thread",
    "injected without a host interrupt",
    "host handler injected",
    "the timer forced an exit",
    "guest acknowledged",
    "interrupt while one is active",
    "moved while pending",
    "moved while active",
    "two VCPUs took turns on a CPU",
    "returned to user space",
    "deactivation in flight at fold",
    "guest acknowledged a device",
    "host handled a device on another CPU",
    "edge while active",
    "event while the guest handles one",
    "a kick forced the guest out",
    "more interrupts than List Registers",
    "nested handlers",
    "completed outside the List Registers",
    "a maintenance interrupt forced an exit",
    "a DIR trapped",
    "deactivated by another VCPU",
    "an SGI arrived",
    "guests were halted",
    "an SPI moved to another VCPU",
    "reset while an interrupt was active",
    "restored with an interrupt pending or active",
    "guest acknowledged its physical timer",
    "slept with the physical timer alone armed",
    "a soft timer forced an exit",
    "the physical timer was programmed again while armed",
    "the end of a level was notified",
    "a line was raised again after its end",
)
"""What a campaign reports of them, and scenarios list; their bits are in this order."""
STIMULI = (
    "preempted while about to sleep",
    "woken on another CPU",
    "an SPI was routed while it rose",
    "another VCPU's active state was written",
    "one SGI of two senders",
    "pending and active outside the List Registers",
)
"""More of them, about what hardly ever happens by itself; their bits are behind the windows'."""
BIT = {name: 1 << i for i, name in enumerate(NAMES)}
