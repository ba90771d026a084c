"""What there is to name on a command line, and what each of it is.

``names`` are the names alone, ``explain`` what ``vgic-race list NAME`` says of one; ``shows`` and
``mutants`` are what shows a variant, and what breaks a rule.
"""
