"""Generated scenarios as a Hypothesis strategy, which makes what fails as simple as it can."""

from hypothesis import strategies as st

from tests.generate.choosing import Chooser
from tests.generate.making import Made, make

__all__ = ["made_scenarios"]


@st.composite
def made_scenarios(draw: st.DrawFn) -> Made:
    """Draw a scenario and the knobs that it is run with."""
    return make(Chooser(lambda bound: draw(st.integers(0, bound - 1))))
