"""A closer look at variants of the user's own: code that nobody here has reviewed.

``code`` tells whose code is whose; ``faults`` what such a variant must not do, and how that is
said; ``watch`` whether it comes to an end; ``locks``, ``state``, ``awaits`` and, with the engine's
own audit of footprints, ``inspect`` whether it keeps the contract of a task.
"""
