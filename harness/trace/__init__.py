"""Ftrace of a real kernel as a producer of facts.

``source`` reads bytes, ``line`` makes records of them, ``events`` are the typed events and
``formats`` how each is printed.
"""
