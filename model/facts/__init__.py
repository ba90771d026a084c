"""The typed facts that rules read: the seam between what happened and what must hold.

The running model, a stored log and a kernel trace are three producers of these same facts, so each
rule is written once. A fact says what changed, never who looks at it. ``cpu`` is a physical CPU,
``vcpu`` a virtual one, ``intid`` a physical interrupt number and ``vintid`` a virtual one; time
comes with the event that carries the fact, in virtual nanoseconds.
"""

from model.facts.base import Fact as Fact
from model.facts.gic import (
    AckedByGuest as AckedByGuest,
)
from model.facts.gic import (
    AckedByHost as AckedByHost,
)
from model.facts.gic import (
    ActiveChanged as ActiveChanged,
)
from model.facts.gic import (
    Completed as Completed,
)
from model.facts.gic import (
    DeactivatedByGuest as DeactivatedByGuest,
)
from model.facts.gic import (
    DeactivationArrived as DeactivationArrived,
)
from model.facts.gic import (
    DeactivationSent as DeactivationSent,
)
from model.facts.gic import (
    LineChanged as LineChanged,
)
from model.facts.gic import (
    LrMoved as LrMoved,
)
from model.facts.gic import (
    LrWritten as LrWritten,
)
from model.facts.gic import (
    PendingChanged as PendingChanged,
)
from model.facts.gic import (
    PriorityDropped as PriorityDropped,
)
from model.facts.gic import (
    Signalled as Signalled,
)
from model.facts.guest import (
    GuestMask as GuestMask,
)
from model.facts.guest import (
    GuestTimer as GuestTimer,
)
from model.facts.guest import (
    GuestWfi as GuestWfi,
)
from model.facts.guest import (
    Halted as Halted,
)
from model.facts.host import (
    Entered as Entered,
)
from model.facts.host import (
    Exited as Exited,
)
from model.facts.host import (
    InterruptTaken as InterruptTaken,
)
from model.facts.host import (
    IsrBegan as IsrBegan,
)
from model.facts.host import (
    IsrEnded as IsrEnded,
)
from model.facts.host import (
    Loaded as Loaded,
)
from model.facts.host import (
    LockReleased as LockReleased,
)
from model.facts.host import (
    LockTaken as LockTaken,
)
from model.facts.host import (
    NeedResched as NeedResched,
)
from model.facts.host import (
    Placed as Placed,
)
from model.facts.host import (
    Put as Put,
)
from model.facts.host import (
    UserEntered as UserEntered,
)
from model.facts.host import (
    UserLeft as UserLeft,
)
from model.facts.kvm import (
    Armed as Armed,
)
from model.facts.kvm import (
    Blocked as Blocked,
)
from model.facts.kvm import (
    Cancelled as Cancelled,
)
from model.facts.kvm import (
    Expired as Expired,
)
from model.facts.kvm import (
    Folded as Folded,
)
from model.facts.kvm import (
    Injected as Injected,
)
from model.facts.kvm import (
    Kicked as Kicked,
)
from model.facts.kvm import (
    PhysActiveWritten as PhysActiveWritten,
)
from model.facts.kvm import (
    Requested as Requested,
)
from model.facts.kvm import (
    RequestsChecked as RequestsChecked,
)
from model.facts.kvm import (
    Resampled as Resampled,
)
from model.facts.kvm import (
    Ticked as Ticked,
)
from model.facts.kvm import (
    TimerRead as TimerRead,
)
from model.facts.kvm import (
    TimerRestored as TimerRestored,
)
from model.facts.kvm import (
    TimerSaved as TimerSaved,
)
from model.facts.kvm import (
    Unblocked as Unblocked,
)
from model.facts.kvm import (
    Woken as Woken,
)

KINDS: dict[str, type[Fact]] = {cls.KIND: cls for cls in Fact.__subclasses__()}
"""Every kind of fact by its name in logs."""
