"""A small file of a recording: what happened while the VCPUs lived."""

import gzip
import re

__all__ = ["cut"]

_EVENT = re.compile(rb"\s*(\S.*)-\d+ +\[\d+\] +\S+ +[\d.]+: (\w+): (.*)")
_SILENT = {b"ipi_send_cpu", b"kvm_guest_fault", b"signal_generate", b"signal_deliver"}
"""Said by another event as well, or of nobody's interest here."""
_TIMER = re.compile(rb"hrtimer=(\S+)(?:.*function=(\w+))?")
_KVM = b"kvm_"


def cut(recording: bytes) -> bytes:
    """Give the cut of a compressed recording, compressed.

    It keeps the comments, and of the events those from the first to the last one of a VCPU's
    thread, without hrtimers that are not KVM's.
    """
    comments: list[bytes] = []
    events: list[bytes] = []
    for line in gzip.decompress(recording).splitlines(keepends=True):
        (comments if line.startswith(b"#") else events).append(line)
    found = [_EVENT.match(line) for line in events]
    of_vcpus = [n for n, match in enumerate(found) if match and match[1].startswith(b"kvm-vcpu-")]
    functions: dict[bytes, bytes] = {}
    kept = []
    for n, match in enumerate(found):
        if match is None:
            continue
        if match[2].startswith(b"hrtimer_") and (timer := _TIMER.search(match[3])):
            if timer[2]:
                functions[timer[1]] = timer[2]
            if not functions.get(timer[1], b"").startswith(_KVM):
                continue
        if match[2] not in _SILENT and of_vcpus[0] <= n <= of_vcpus[-1]:
            kept.append(events[n])
    return gzip.compress(b"".join(comments + kept), mtime=0)
