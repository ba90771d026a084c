"""The typed facts that rules read: the seam between what happened and what must hold.

The running model, a stored log and a kernel trace are three producers of these same facts, so each
rule is written once. A fact says what changed, never who looks at it. ``pcpu`` is a physical CPU,
``vcpu`` a virtual one, ``intid`` a physical interrupt number and ``vintid`` a virtual one; time
comes with the event that carries the fact, in virtual nanoseconds.
"""

from model.facts.base import Fact as Fact
from model.facts.gic import (
    AckedByGuest as AckedByGuest,
    AckedByHost as AckedByHost,
    ActiveChanged as ActiveChanged,
    Completed as Completed,
    DeactivatedByGuest as DeactivatedByGuest,
    DeactivationArrived as DeactivationArrived,
    DeactivationSent as DeactivationSent,
    EdgeArrived as EdgeArrived,
    IpiSent as IpiSent,
    LineChanged as LineChanged,
    LrMoved as LrMoved,
    LrWritten as LrWritten,
    PendingChanged as PendingChanged,
    PriorityDropped as PriorityDropped,
    Signalled as Signalled,
)
from model.facts.guest import (
    GuestAccess as GuestAccess,
    GuestControl as GuestControl,
    GuestMask as GuestMask,
    GuestRead as GuestRead,
    GuestTimer as GuestTimer,
    GuestWfi as GuestWfi,
    Halted as Halted,
    NeverAcknowledges as NeverAcknowledges,
    ReadTrapped as ReadTrapped,
)
from model.facts.host import (
    DeviceRaised as DeviceRaised,
    DeviceServed as DeviceServed,
    DeviceSignalled as DeviceSignalled,
    DeviceStillHigh as DeviceStillHigh,
    Entered as Entered,
    EoiNotified as EoiNotified,
    Exited as Exited,
    GotNowhere as GotNowhere,
    HostMasked as HostMasked,
    InterruptTaken as InterruptTaken,
    IsrBegan as IsrBegan,
    IsrEnded as IsrEnded,
    Loaded as Loaded,
    LockNotHeld as LockNotHeld,
    LockReleased as LockReleased,
    LockTaken as LockTaken,
    NeedResched as NeedResched,
    Placed as Placed,
    Put as Put,
    UserEntered as UserEntered,
    UserLeft as UserLeft,
)
from model.facts.kvm import (
    Armed as Armed,
    Blocked as Blocked,
    Cancelled as Cancelled,
    Expired as Expired,
    Folded as Folded,
    Injected as Injected,
    KeptAsleep as KeptAsleep,
    Kicked as Kicked,
    PhysActiveWritten as PhysActiveWritten,
    Requested as Requested,
    RequestsChecked as RequestsChecked,
    Resampled as Resampled,
    SoftwareChanged as SoftwareChanged,
    Ticked as Ticked,
    TimerRead as TimerRead,
    TimerRestored as TimerRestored,
    TimerSaved as TimerSaved,
    Unblocked as Unblocked,
    Woken as Woken,
)
from model.facts.vgic import (
    Bypassed as Bypassed,
    CounterMoved as CounterMoved,
    DistRead as DistRead,
    Emulated as Emulated,
    GuestDist as GuestDist,
    GuestEnable as GuestEnable,
    GuestLpis as GuestLpis,
    Halting as Halting,
    HcrWritten as HcrWritten,
    PriorityWritten as PriorityWritten,
    Queued as Queued,
    Rechecked as Rechecked,
    RegisterRead as RegisterRead,
    RegisterWritten as RegisterWritten,
    Resumed as Resumed,
    Retargeted as Retargeted,
    SgiSent as SgiSent,
    Stopping as Stopping,
    Trapped as Trapped,
    Unqueued as Unqueued,
    VmReset as VmReset,
    VmRestored as VmRestored,
    VmSaved as VmSaved,
)

KINDS: dict[str, type[Fact]] = {cls.KIND: cls for cls in Fact.__subclasses__()}
"""Every kind of fact by its name in logs."""

CLAIMS: tuple[type[Fact], ...] = (
    Bypassed,
    Emulated,
    Halting,
    Kicked,
    Rechecked,
    RegisterWritten,
    RequestsChecked,
    Resumed,
    TimerRead,
    Trapped,
    VmRestored,
)
"""Facts behind which there is nothing but KVM's (or the VM monitor's) word.

They say what it is about to do, has concluded, or holds for done; nothing that another part could
witness has changed by then. Others are told by what changed itself: by registers, messages, locks,
threads and timers, and of software states by the interrupt (its list, its latch), whatever code
changed them. Who hears one of these says why it may (``Listener.trusts``).
"""
