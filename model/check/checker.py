"""The Checker: facts go in, violations come out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar, cast

from model.check.alarm import Alarm
from model.check.listener import Handler, Listener
from model.check.rule import Rule
from model.check.setting import Setting
from model.check.state import State, Written, tracked
from model.check.unknown import UNKNOWN, Unknown, UnknownBits
from model.check.views.guest_faults import GuestFaults
from model.check.violation import SUBJECT, Subject, Violation
from model.facts import Fact
from model.part import Part, bits_of
from model.rules.registry import ENDS_ALL, FAULTS, RULES
from model.rules.sometimes import STATES

__all__ = ["Checker", "teller"]

S = TypeVar("S", bound=State)
L = TypeVar("L", bound=Listener)
Table = dict[type[Fact], tuple[Handler, ...]]


class Checker:
    """Checks rules over facts; it knows nothing of what produces them.

    ``setting`` and ``era`` are those of the machine and of the hypervisor. ``kinds`` are the facts
    that the producer has (None: all); a rule that needs another is in ``not_checked``, with the
    names of those missing. ``only`` keeps the rules with these ids (None: all). With ``from_start``
    false nothing is known before the first fact, as in a kernel trace: see ``model.check.unknown``.
    ``rules`` and ``states`` are what there is to check. ``step`` is asked for the number that a
    violation gets. ``table`` is to be filled with who hears what, if a producer had to be given its
    :func:`teller` before.

    Facts go into ``emit``; ``violations`` are those so far, ``rules`` what is checked, in order.
    """

    def __init__(
        self,
        setting: Setting,
        era: str,
        *,
        rules: Iterable[type[Rule]] = tuple(RULES.values()),
        states: Iterable[type[Listener]] = STATES,
        kinds: frozenset[type[Fact]] | None = None,
        only: frozenset[str] | None = None,
        from_start: bool = True,
        step: Callable[[], int] = int,
        table: Table | None = None,
    ) -> None:
        self.setting = setting
        self.era = era
        self.rule_classes = tuple(rules)
        self.state_classes = tuple(states)
        self.kinds = kinds
        self.only = only
        self.step = step
        self.from_start = from_start
        self.violations: list[Violation] = []
        self.at_fault = False
        """A guest broke the rules of its CPU interface (``GuestFaults``)."""
        self.views: dict[type[Listener], Listener] = {}
        self.written: Written = []
        self.tracked: dict[type[State], type[State]] = {}
        self.not_checked: dict[str, tuple[str, ...]] = {}
        self.rules: list[Rule] = []
        self.owing: list[Rule] = []
        """The rules that have something to say at rest."""
        self.states: list[Listener] = []
        self.wired = False
        self.table: Table = {} if table is None else table
        self.parts: list[tuple[str, Part]] = []
        """Every state with its name; the order is fixed."""
        """What each field of a state is at the beginning."""
        self.resets: list[Callable[[], None]] = []
        self.emit = teller(self.table) if from_start else self.emit_tolerantly
        self.owners: dict[Handler, Listener] = {}
        self.first: Mapping[type[Fact], Handler] = {}
        self.last: Mapping[type[Fact], Handler] = {}
        for cls in self.rule_classes:
            if era not in cls.eras or not cls.applies(setting):
                continue
            if only is not None and cls.id not in only:
                continue
            if missing := self.missing(cls):
                self.not_checked[cls.id] = missing
            else:
                self.rules.append(cls(self, self.take))
        self.states += [cls(self) for cls in self.state_classes if not self.missing(cls)]
        self.wire()
        self.reset()

    # -- putting it together -------------------------------------------------------------------

    def missing(self, cls: type[Listener]) -> tuple[str, ...]:
        """Return the kinds of facts, by name, that ``cls`` needs and the producer lacks."""
        if self.kinds is None:
            return ()
        return tuple(sorted(kind.KIND for kind in cls.needs() - self.kinds))

    def view(self, cls: type[L]) -> L:
        """Return the view of this class; it is made when it is asked for first.

        One that no rule names knows nothing of what was heard before.
        """
        view = self.views.get(cls)
        if view is None:
            # Made whole first, and with it the views that it uses: they come before it.
            view = cls(self)
            self.views[cls] = view
            if self.wired:
                self.wire()
        return cast("L", view)  # the table is keyed by class

    def make_state(self, cls: type[S]) -> S:
        """Make a state of a listener."""
        if self.from_start:
            return cls()
        if cls not in self.tracked:
            self.tracked[cls] = tracked(cls, self.written)
        return self.tracked[cls]()  # type: ignore[return-value]

    @property
    def listeners(self) -> list[Listener]:
        """Everything that hears facts: views, each after those it uses; states; rules."""
        return [*self.views.values(), *self.states, *self.rules]

    def wire(self) -> None:
        """Find out who hears which fact, in which order."""
        self.wired = True
        self.table.clear()
        self.owners.clear()
        for kind, handler in self.first.items():
            self.table[kind] = (handler,)
        for listener in self.listeners:
            for kind, handler in listener.handlers():
                self.table[kind] = (*self.table.get(kind, ()), handler)
                self.owners[handler] = listener
        for kind, handler in self.last.items():
            self.table[kind] = (*self.table.get(kind, ()), handler)
        self.parts = [pair for listener in self.listeners for pair in listener.parts]
        parts = [part for listener in self.listeners for _, part in listener.parts]
        self.owing = [rule for rule in self.rules if type(rule).at_rest is not Rule.at_rest]
        self.resets = [part.reset for part in parts]

    def subscribe(
        self,
        first: Mapping[type[Fact], Handler] | None = None,
        last: Mapping[type[Fact], Handler] | None = None,
    ) -> None:
        """Let others hear facts too, before or after all rules; what is not given stays."""
        if first is not None:
            self.first = first
        if last is not None:
            self.last = last
        self.wire()

    def mute(self) -> None:
        """Hear nothing from here on."""
        self.table.clear()

    # -- facts in, violations out --------------------------------------------------------------

    def emit_tolerantly(self, fact: Fact) -> None:
        """Tell a fact where not all is known: who asks for what is not known says nothing.

        It also forgets what it knew, for it might have changed, but for what it set right now.
        """
        for handler in self.table.get(fact.__class__, ()):
            self.written.clear()
            try:
                handler(fact)
            except Unknown:
                owner = self.owners.get(handler)
                if owner is not None:
                    owner.forget(set(self.written))

    def take(self, rule: str, alarm: Alarm, said: dict[str, Any]) -> None:
        """Take a rule's complaint."""
        if rule in ENDS_ALL:
            self.at_fault = True
        elif self.at_fault and rule not in FAULTS:
            return  # a guest did what is UNPREDICTABLE: what comes of it is no one else's
        for value in said.values():
            if value is UNKNOWN or isinstance(value, UnknownBits):
                raise Unknown
        values = tuple(sorted((k, v) for k, v in said.items() if k not in SUBJECT))
        subject = Subject(**{k: v for k, v in said.items() if k in SUBJECT})
        self.violations.append(Violation(rule, alarm.tag, subject, values, self.step()))

    def at_rest(self) -> list[Violation]:
        """Return what is owed now that nothing can happen any more; it is not counted."""
        counted, self.violations = self.violations, []
        try:
            for rule in self.owing:
                try:
                    rule.at_rest()
                except Unknown:
                    continue
            return self.violations
        finally:
            self.violations = counted

    @property
    def checked(self) -> list[str]:
        """The ids of the rules that are checked."""
        return [rule.id for rule in self.rules]

    def forget(self, *kinds: type[Fact]) -> None:
        """Facts were lost: what they would have said is not known from here on.

        Without ``kinds`` any might be among them; else only who hears one of these is affected.

        Raises:
            ValueError: this Checker is one that is to know everything (``from_start``).

        """
        if self.from_start:
            raise ValueError("a Checker that begins at the start knows all: it cannot forget")
        for listener in self.listeners:
            if not kinds or any(kind in listener.HEARS for kind in kinds):
                listener.forget()

    # -- state ---------------------------------------------------------------------------------

    def reset(self) -> None:
        """Start an execution."""
        self.violations = []
        self.at_fault = False
        for reset in self.resets:
            reset()
        if not self.from_start:
            self.forget()

    def key(self) -> tuple[object, ...]:
        """Return all states as one hashable value: equal keys judge equal futures equally."""
        return tuple(part.key() for _, part in self.parts)

    def canonical(self) -> tuple[object, ...]:
        """Return :meth:`key` without what can never matter again (``Part.canonical``)."""
        return tuple(part.canonical() for _, part in self.parts)

    def restore(self, key: tuple[object, ...]) -> None:
        """Go to the states that ``key`` is the key of; violations so far are forgotten."""
        self.violations = []
        for (_, part), state in zip(self.parts, key, strict=True):
            part.restore(state)
        faults = self.views.get(GuestFaults)
        self.at_fault = isinstance(faults, GuestFaults) and bool(faults.vm.at_fault)

    def copy(self) -> Self:
        """Return a Checker of the same rules in the same state, without violations."""
        other = type(self)(
            self.setting,
            self.era,
            rules=self.rule_classes,
            states=self.state_classes,
            kinds=self.kinds,
            only=self.only,
            from_start=self.from_start,
            step=self.step,
        )
        other.restore(self.key())
        return other

    def writes_of(self, kind: type[Fact]) -> int:
        """Return the resource bits of what hearing a fact of this kind may write."""
        return bits_of(
            part
            for listener in self.listeners
            if kind in listener.HEARS
            for part in listener.own_parts()
        )

    def reads_of(self, kind: type[Fact]) -> int:
        """Return the resource bits of what hearing a fact of this kind may read."""
        return self.writes_of(kind) | bits_of(
            part
            for listener in self.listeners
            if kind in listener.HEARS
            for cls in listener.all_views()
            for part in self.views[cls].own_parts()
        )


def teller(table: Table) -> Callable[[Fact], None]:
    """Return what gives a fact to everything that asked for its kind."""
    get = table.get

    def emit(fact: Fact) -> None:
        for handler in get(fact.__class__, ()):
            handler(fact)

    return emit
