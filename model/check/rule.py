"""What a rule is."""

from collections.abc import Callable
from typing import Any, ClassVar

from model.check.alarm import ALARMS, Alarm
from model.check.listener import Assembly, Listener
from model.check.setting import Setting

__all__ = ["ALWAYS", "ERAS", "EVENTUALLY", "Report", "Rule"]

ALWAYS, EVENTUALLY = "always", "eventually"
ERAS = ("v4.14", "v7.2")

Report = Callable[[str, Alarm, dict[str, Any]], None]


class Rule(Listener):
    """A named claim about what happens, checked fact by fact.

    ``id`` is stable; ``section`` says where the document (or the architecture) states it; ``title``
    is one sentence. ``eras`` and :meth:`applies` say where it holds. ``guest`` marks what a guest
    or its user suffers (lost, late, twice, spurious, stuck, hung, a register that reads wrong, a
    storm), ``hardware`` the claims about the machine; the others are about KVM. ``fault`` marks
    those by which a guest program itself is at fault, and nobody else. What a rule looks
    at it names as annotations; what kinds of facts it needs follows (:meth:`needs`). Each place
    that can complain has an alarm, a class attribute (``model.check.alarm``).
    """

    id: ClassVar[str]
    section: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[str] = ALWAYS
    eras: ClassVar[tuple[str, ...]] = ERAS
    guest: ClassVar[bool] = False
    hardware: ClassVar[bool] = False
    fault: ClassVar[bool] = False
    by_cycles: ClassVar[bool] = False
    """Whether it counts up to what a search of all states finds as a cycle: left out there."""
    alarms: ClassVar[dict[str, Alarm]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found = [
            value
            for base in reversed(cls.__mro__)
            for value in vars(base).values()
            if isinstance(value, Alarm)
        ]
        cls.alarms = {alarm.tag: alarm for alarm in found}
        if len(cls.alarms) != len(found):
            raise ValueError(f"two alarms of {cls.__name__} have the same tag")
        name = getattr(cls, "id", "")
        if name:
            cls.name = name
            ALARMS.update({(name, alarm.tag): alarm for alarm in found})

    def __init__(self, assembly: Assembly, report: Report) -> None:
        self.take = report
        super().__init__(assembly)

    @classmethod
    def applies(cls, setting: Setting) -> bool:  # noqa: ARG003  # for those that override it
        """Tell whether the rule holds under these knobs."""
        return True

    def report(self, alarm: Alarm, **said: Any) -> None:
        """Complain: ``said`` names whom it is about and what else the alarm's sentence says."""
        self.take(self.id, alarm, said)

    def at_rest(self) -> None:
        """Complain of what is owed when nothing can happen any more ("eventually" rules)."""
