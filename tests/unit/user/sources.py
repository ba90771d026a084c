"""Files as a user would write them."""

RULES = '''
from model import facts
from model.check.alarm import alarm
from model.check.listener import on
from model.check.rule import Rule
from model.check.state import State


class OfVcpu(State):
    count: int = 0


class SleepsOnce(Rule):
    """No VCPU ever sleeps."""

    id = "X1"
    section = "ours"
    title = "no VCPU ever sleeps"
    AGAIN = alarm("again", "VCPU {vcpu} sleeps, {times} times now")

    def setup(self):
        self.of = self.each_vcpu(OfVcpu)

    @on(facts.Blocked)
    def on_block(self, f):
        of = self.of[f.vcpu]
        of.count += 1
        if of.count > 0:
            self.report(self.AGAIN, vcpu=f.vcpu, times=of.count)


class Same(SleepsOnce):
    """Another of the same id."""


class TakesAnId(SleepsOnce):
    id = "R1"


class BadId(SleepsOnce):
    id = "a,b"


class NoEra(SleepsOnce):
    eras = ("v5",)


class Mute(Rule):
    id, section, title = "X2", "ours", "nothing"


class Deaf(Rule):
    id, section, title = "X3", "ours", "nothing"
    ALARM = alarm("alarm", "oh")


class Untitled(Rule):
    id = "X4"
    ALARM = alarm("alarm", "oh")


class Counts(SleepsOnce):
    id = "X5"

    @on(facts.Blocked)
    def on_block(self, f):
        self.count = 1


class Collects(SleepsOnce):
    id = "X6"

    def setup(self):
        self.seen = {}


class Raises(SleepsOnce):
    id = "X7"

    @on(facts.Blocked)
    def on_block(self, f):
        raise ValueError("no")


class NoRule:
    id = "X8"
'''

STRATEGIES = """
from random import Random


class Stays:
    def __init__(self, seed):
        self.random = Random(seed)

    def begin(self, info):
        return True

    def choose(self, enabled, pending, current):
        if current in enabled and self.random.random() < 0.8:
            return current
        return self.random.choice(enabled)

    def draw(self, name, k):
        return self.random.randrange(k)

    def end(self, outcome):
        pass


class Unfair(Stays):
    def choose(self, enabled, pending, current):
        return next(task for task in pending if task not in enabled)


class Silent(Stays):
    def choose(self, enabled, pending, current):
        return None


class Wild(Stays):
    def draw(self, name, k):
        return k


class Done(Stays):
    def begin(self, info):
        return False


class Raises(Stays):
    def choose(self, enabled, pending, current):
        raise KeyError("gone")


class Seedless(Stays):
    def __init__(self):
        pass


class Half:
    def __init__(self, seed):
        pass

    def begin(self, info):
        return True
"""
