"""What makes the script that records a trace on a host of the user's own.

``events`` is the table of probes, ``script`` puts it and the parts in shell and awk together.
"""
