"""The windows that KVM's comments speak of: something may happen there, and KVM looks again.

Each is a place of the kernel where a lock is dropped, or a look is not the last one, and whose
comment says what comes in between and what finds it. Here every such look that found something
says so (``facts.Rechecked``, or another fact that tells as much). A campaign counts them as it
counts the "sometimes" states: a window that nothing ever happened in was never tried.
"""

from typing import Final

import msgspec

from model import facts
from model.check.listener import Listener, on
from model.check.state import State
from model.check.unknown import Bits
from model.rules.state_names import NAMES, STIMULI

__all__ = [
    "EVERY", "LEFT_OUT", "WINDOWS", "Looked", "Seen", "Window",
    "bits_of", "name_of", "split",
]  # fmt: skip

BOTH: Final = ("v4.14", "v7.2")
TODAY: Final = ("v7.2",)
OLD: Final = ("v4.14",)


class Window(msgspec.Struct, frozen=True):
    """A window: ``what`` may happen in it, in which function, and in which ``eras``.

    ``file`` is the kernel's, of 7.2; of 4.14 it is :attr:`old_file`.
    """

    id: str
    what: str
    function: str
    file: str
    eras: tuple[str, ...] = BOTH

    @property
    def old_file(self) -> str:
        """Where 4.14 has the function."""
        return self.file.replace("arch/arm64/kvm/", "virt/kvm/arm/")


VGIC: Final = "arch/arm64/kvm/vgic/vgic.c"
MMIO: Final = "arch/arm64/kvm/vgic/vgic-mmio.c"
V3: Final = "arch/arm64/kvm/vgic/vgic-v3.c"
TIMER: Final = "arch/arm64/kvm/arch_timer.c"
ARM: Final = "arch/arm64/kvm/arm.c"
MAIN: Final = "virt/kvm/kvm_main.c"

WINDOWS: Final = (
    Window("queue-gone",
           "irq_lock is dropped for ap_list_lock: it is no longer pending, or was disabled",
           "vgic_queue_irq_unlock", VGIC),
    Window("queue-queued",
           "irq_lock is dropped for ap_list_lock: somebody else has queued it",
           "vgic_queue_irq_unlock", VGIC),
    Window("queue-moved",
           "irq_lock is dropped for ap_list_lock: it goes to another VCPU now",
           "vgic_queue_irq_unlock", VGIC),
    Window("prune-changed",
           "all locks are dropped to take both lists': it does not go there any more",
           "vgic_prune_ap_list", VGIC),
    Window("flush-empty",
           "the ap_list was empty without a lock: something was queued before the entry",
           "kvm_vgic_flush_hwstate", VGIC, OLD),
    Window("resample-fell",
           "a mapped level is pending, or was deactivated: its line has fallen by the exit",
           "vgic_irq_handle_resampling", VGIC, TODAY),
    Window("enable-fell",
           "a mapped level was disabled: its line has fallen by the time it is enabled",
           "vgic_mmio_write_senable", MMIO, TODAY),
    Window("active-again",
           "the guests are halted: one that was on its way in has it in a List Register again",
           "vgic_mmio_change_active (4.14's loop; here in 7.2 as well, for finding F3)", MMIO),
    Window("dir-in-register",
           "a DIR traps: another VCPU has the interrupt in a List Register",
           "vgic_v3_deactivate", V3, TODAY),
    Window("dir-gone",
           "a DIR traps: the interrupt is on no ap_list by then",
           "vgic_v3_deactivate", V3, TODAY),
    Window("entry-request",
           "the requests were looked at: another came before guest mode was announced",
           "kvm_arch_vcpu_ioctl_run", ARM),
    Window("entry-halt",
           "the requests were looked at: then the guests were halted",
           "kvm_arch_vcpu_ioctl_run", ARM),
    Window("entry-signal",
           "the way into the guest: the last look finds a signal",
           "kvm_arch_vcpu_ioctl_run", ARM),
    Window("entry-resched",
           "the way into the guest: the last look finds that the scheduler wants the CPU",
           "kvm_arch_vcpu_ioctl_run", ARM, TODAY),
    Window("out-request",
           "the VCPU is out of its guest: an interrupt came, and the next entry shall see it",
           "check_vcpu_requests", ARM),
    Window("sleep-again",
           "a VCPU kept out of its guest sleeps: a signal wakes it, and it is kept out still",
           "kvm_vcpu_sleep", ARM),
    Window("block-woken",
           "nothing was there to run for: woken before the thread really sleeps",
           "kvm_vcpu_block", MAIN),
    Window("kick-left",
           "a kick has found the VCPU in its guest: it has left before the IPI is sent",
           "kvm_vcpu_kick", MAIN),
    Window("halt-left",
           "a request that waits has found the VCPU inside: it has left before the IPI is sent",
           "kvm_make_all_cpus_request", MAIN),
    Window("load-expired",
           "the load has read the timer: it expires before its registers are written",
           "kvm_timer_vcpu_load_gic", TIMER, TODAY),
    Window("handler-put",
           "the timer was saved and disabled: its interrupt comes when the VCPU was put",
           "kvm_arch_timer_handler", TIMER, TODAY),
    Window("handler-saved",
           "the timer was saved and disabled: its interrupt comes before the VCPU is put",
           "kvm_arch_timer_handler", TIMER, TODAY),
    Window("schedule-expired",
           "the guest idles: its timer has expired before the soft timer is armed",
           "kvm_timer_schedule", TIMER, OLD),
)  # fmt: skip
"""The windows, in the order of their bits, which are behind those of the states."""

LEFT_OUT: Final = (
    ("vgic_v3_lpi_sync_pending_status", V3,
     "an LPI is routed elsewhere while its pending bit is read from the guest: no ITS commands"),
    ("vgic_its_cache_translation, vgic_add_lpi", "arch/arm64/kvm/vgic/vgic-its.c",
     "another CPU adds the same LPI or translation: no ITS commands, no memory"),
    ("vgic_put_irq, vgic_prune_ap_list, vgic_v3_fold_lr", VGIC,
     "an LPI is unmapped while it is on a list or in a List Register: no references"),
    ("kvm_bg_timer_expire, kvm_hrtimer_expire", TIMER,
     "the host's clock is set back while a soft timer is armed (NTP): one clock here"),
    ("kvm_arch_timer_handler", TIMER,
     "the line falls between the host's acknowledge and its look: with gic_messages=lagging only"),
    ("kvm_vcpu_sleep", ARM,
     "CPU_ON resets a VCPU while it wakes: no CPU_ON"),
)  # fmt: skip
"""Windows of the comments that this machine has not: function, file, and what is missing."""

EVERY: Final = (*NAMES, *(f"window {window.id}" for window in WINDOWS), *STIMULI)
"""The names of all states, windows among them: their bits are in this order."""
STATES_MASK: Final = (1 << len(NAMES)) - 1
BITS: Final = {window.id: 1 << n for n, window in enumerate(WINDOWS, len(NAMES))}


def name_of(window: Window) -> str:
    """Return what the state is called in which something happened in a window."""
    return EVERY[BITS[window.id].bit_length() - 1]


def split(bits: int) -> tuple[int, int]:
    """Return of states, by position in EVERY, those of NAMES and those behind, as bits each."""
    return bits & STATES_MASK, bits >> len(NAMES)


def bits_of(windows: int) -> list[int]:
    """Return the bits in EVERY of windows that are given as :func:`split` gives them."""
    return [1 << n for n in range(len(NAMES), len(EVERY)) if windows << len(NAMES) >> n & 1]


class Seen(State):
    """``bits`` are the states reached, by position in EVERY; what was seen is never forgotten."""

    bits: Bits = 0

    def forget(self, but: object = ()) -> None:
        """Keep what was seen."""


class Looked(Listener):
    """In which windows something happened that KVM then saw; ``seen`` has the bits."""

    seen: Seen
    trusts = "it counts what KVM says that it has seen, and judges nothing"

    @on(facts.Rechecked)
    def on_recheck(self, f: facts.Rechecked) -> None:
        """A second look found something."""
        self.seen.bits |= BITS[f.window]

    @on(facts.IsrEnded)
    def on_handler_end(self, f: facts.IsrEnded) -> None:
        """A handler of the host ended; that of a timer reads nothing where no VCPU is loaded."""
        if f.intid in self.setting.direct and f.line is None and self.era == "v7.2":
            self.seen.bits |= BITS["handler-put"]

    @on(facts.RequestsChecked)
    def on_requests(self, f: facts.RequestsChecked) -> None:
        """A thread looked at its requests, out of its guest."""
        if f.seen:
            self.seen.bits |= BITS["out-request"]
