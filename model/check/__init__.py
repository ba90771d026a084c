"""Checking: facts go in, violations come out, whoever produces the facts.

``checker`` is the whole; ``view`` and ``views/`` are what facts add up to, ``rule`` what a rule is,
``state`` what either of them remembers, ``unknown`` what is not known of a trace that begins in
mid-life. Nothing here knows of engines, logs or traces.
"""
