"""Overflow as it was from 2016 to November 2025 (before 3cfd59f81e0f and its series).

Active interrupts come first, so that pending ones may find no List Register; of the causes of a
maintenance interrupt only UIE is used; and EOIcount is never read: a completion that finds no List
Register is lost, and with it every later interrupt of that number.
"""

from harness.kvm.underflow import UnderflowOnly
from harness.museum.patch import Patch

__all__ = ["PATCH"]


PATCH = Patch(
    id="overflow-uie",
    title="overflow before 2025: underflow interrupt only, EOIcount ignored, active ones first",
    source="Linux before 3cfd59f81e0f",
    symptom="the completion of an interrupt outside the List Registers is lost: stuck active",
    hooks=UnderflowOnly,
    refused={"v4.14": "it is 4.14's own: the era has it"},
)
