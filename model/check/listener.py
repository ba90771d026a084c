"""What hears facts: the common part of views, rules and "sometimes" states."""

from collections.abc import Callable, Collection, Iterator
from inspect import get_annotations
from typing import Any, ClassVar, Protocol, TypeVar

from model.check.setting import Setting
from model.check.state import Members, MembersPart, State
from model.facts import Fact
from model.part import Part
from model.timer import VTIMER_PPI

__all__ = ["Assembly", "Handler", "Listener", "on"]

Handler = Callable[[Any], None]
H = TypeVar("H", bound=Callable[[Any, Any], None])
S = TypeVar("S", bound=State)
L = TypeVar("L", bound="Listener")
ForgettablePart = State | MembersPart[Any]


def on(*kinds: type[Fact]) -> Callable[[H], H]:
    """Mark a method as what hears the facts of these ``kinds``.

    A subclass that overrides the method hears the same kinds with its own.
    """

    def mark(method: H) -> H:
        method.hears = kinds  # type: ignore[attr-defined]
        return method

    return mark


def name_of(intid: int, name: str) -> str:
    """Return what a state is called that there is per timer: by the first one's name, or more."""
    return name if intid == VTIMER_PPI else f"{name}.ptimer".strip(".")


class Assembly(Protocol):
    """What a listener is made in: the Checker, as far as a listener sees it."""

    setting: Setting
    era: str

    def view(self, cls: type[L]) -> L:
        """Return the one view of this class."""

    def make_state(self, cls: type[S]) -> S:
        """Make a state."""


class Listener:
    """Hears facts and remembers what they add up to.

    ``HEARS`` are the handlers (methods marked by :func:`on`), by kind of fact in the order of their
    definition; ``USES`` the views that the class names, as annotations: ``lrs: ListRegisters``.
    Both are found when the class is defined; nothing else can be reached.
    """

    HEARS: ClassVar[dict[type[Fact], tuple[str, ...]]] = {}
    USES: ClassVar[dict[str, type["Listener"]]] = {}
    SHOWN: ClassVar[bool] = False
    """Whether others may name this class as a view."""
    name: ClassVar[str] = ""
    trusts: ClassVar[str] = ""
    """Why it may believe what KVM only says of itself (``model.facts.CLAIMS``), if it hears that.

    Else it must not: a suspect's word is no evidence.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        marked: dict[str, tuple[type[Fact], ...]] = {}
        uses: dict[str, type[Listener]] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if hasattr(value, "hears"):
                    marked[name] = value.hears
            for name, kind in get_annotations(base, eval_str=True).items():
                if isinstance(kind, type) and issubclass(kind, Listener) and kind.SHOWN:
                    uses[name] = kind
        hears: dict[type[Fact], tuple[str, ...]] = {}
        for name, kinds in marked.items():
            for kind in kinds:
                hears[kind] = (*hears.get(kind, ()), name)
        cls.HEARS, cls.USES = hears, uses
        cls.name = cls.__name__

    def __init__(self, assembly: Assembly) -> None:
        self.setting = assembly.setting
        self.era = assembly.era
        self.assembly = assembly
        self.parts: list[tuple[str, ForgettablePart]] = []
        self.names: set[str] = set()
        """Those of the parts: there may be thousands of CPUs in a trace."""
        for name, kind in self.USES.items():
            setattr(self, name, assembly.view(kind))
        self.setup()

    def setup(self) -> None:
        """Make the states, and whatever follows from the setting and never changes."""

    # -- states --------------------------------------------------------------------------------

    def each_vcpu(self, cls: type[S], name: str = "") -> tuple[S, ...]:
        """Make a state per VCPU; ``name`` tells several of one listener apart."""
        return tuple(self._state(cls, name, f"v{v}") for v in range(self.setting.vcpus))

    def each_pcpu(self, cls: type[S], name: str = "") -> tuple[S, ...]:
        """Make a state per physical CPU."""
        return tuple(self._state(cls, name, f"p{c}") for c in range(self.setting.pcpus))

    def direct_vcpus(self, cls: type[S], name: str = "") -> dict[int, tuple[S, ...]]:
        """Make a state per VCPU for each timer that guests have in hardware, by its INTID."""
        return {n: self.each_vcpu(cls, name_of(n, name)) for n in self.setting.direct}

    def direct_pcpus(self, cls: type[S], name: str = "") -> dict[int, tuple[S, ...]]:
        """Make a state per physical CPU for each timer that guests have in hardware, by INTID."""
        return {n: self.each_pcpu(cls, name_of(n, name)) for n in self.setting.direct}

    def one(self, cls: type[S], name: str = "") -> S:
        """Make a single state."""
        return self._state(cls, name, "")

    def members(self, cls: type[S], name: str = "") -> Members[S]:
        """Make states by a key (an interrupt, an actor), each when it is asked for first."""
        part: MembersPart[S] = MembersPart(lambda: self.assembly.make_state(cls))
        self._register(part, name, "")
        return part.members

    def _state(self, cls: type[S], name: str, which: str) -> S:
        state = self.assembly.make_state(cls)
        self._register(state, name, which)
        return state

    def _register(self, part: ForgettablePart, name: str, which: str) -> None:
        full = ".".join(word for word in (self.name, name, which) if word)
        if full in self.names:
            raise ValueError(f"two states are called {full}: name one of them")
        self.names.add(full)
        self.parts.append((full, part))

    # -- what the Checker asks -----------------------------------------------------------------

    @classmethod
    def needs(cls) -> frozenset[type[Fact]]:
        """Return the kinds of facts that what it says rests on: its own and those of its views."""
        return frozenset(cls.HEARS).union(*(view.needs() for view in cls.USES.values()))

    @classmethod
    def all_views(cls) -> Iterator[type["Listener"]]:
        """Name the views that it rests on, each after those that it rests on itself."""
        for view in cls.USES.values():
            yield from view.all_views()
            yield view

    def handlers(self) -> Iterator[tuple[type[Fact], Handler]]:
        """Return what to call for which kind of fact."""
        for kind, names in self.HEARS.items():
            for name in names:
                yield kind, getattr(self, name)

    def reset(self) -> None:
        """Start anew."""
        for _, part in self.parts:
            part.reset()

    def forget(self, but: Collection[tuple[State, str]] = ()) -> None:
        """Make all states unknown, ``but`` the named fields (see ``State.forget``)."""
        for _, part in self.parts:
            part.forget(but)

    def own_parts(self) -> list[Part]:
        """Return the states as parts."""
        return [part for _, part in self.parts]
