"""A campaign as JUnit XML, as CI systems read it (the form of Jenkins' xUnit plugin).

A scenario is a class, a variant of it a test case: failed if a rule was broken, an error if nothing
can be concluded. A kept failure that was run again is a case of its own.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.campaign.evidence import Failure
from harness.campaign.summary import Campaign, Tally
from harness.places import write_whole
from harness.report.terminal import reproducer
from harness.verdict import INCONCLUSIVE

__all__ = ["junit_of", "write_junit"]

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def write_junit(path: Path, campaign: Campaign, failures: Sequence[Failure]) -> None:
    """Write a campaign's file.

    Raises:
        WriteError: it cannot be written.
    """
    write_whole(path, junit_of(campaign, failures))


def junit_of(campaign: Campaign, failures: Sequence[Failure]) -> bytes:
    """Return a campaign as JUnit XML."""
    plan = campaign.plan
    suites = ET.Element("testsuites", name="vgic-race")
    suite = ET.SubElement(suites, "testsuite", name="vgic-race stress")
    properties = ET.SubElement(suite, "properties")
    said = {"seed": plan.seed, "strategy": plan.strategy, "schedules": campaign.schedules}
    for name, value in said.items():
        ET.SubElement(properties, "property", name=name, value=str(value))
    for entry, tally in enumerate(() if plan.only_kept else campaign.tallies):
        case_of(suite, tally, [f for f in failures if f.tally is tally and not f.kept])
        for again in campaign.again:
            if again.entry == entry and again.finding is None:
                named(suite, tally, f"kept failure {again.id}")
    for failure in failures:
        if failure.kept:
            add_failures(named(suite, failure.tally, failure.name), [failure])
    if plan.only_kept:
        for again in campaign.again:
            if again.finding is None:
                named(suite, campaign.tallies[again.entry], f"kept failure {again.id}")
    if campaign.crash is not None:
        case = ET.SubElement(suite, "testcase", classname="vgic-race", name="campaign", time="0")
        trouble(case, "error", "crash", campaign.crash.text, campaign.crash.text)
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    for attribute, where in counts.items():
        suite.set(attribute, str(len(suite.findall(where))))
    suite.set("time", f"{campaign.seconds:.3f}")
    for attribute in ("tests", "failures", "errors", "time"):
        suites.set(attribute, suite.get(attribute, "0"))
    ET.indent(suites)
    data: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def named(suite: ET.Element, tally: Tally, what: str = "") -> ET.Element:
    """Add the case of an entry, or of what is named of it."""
    spec = tally.spec
    name = f"{spec.variant}, {what}" if what else spec.variant
    seconds = 0.0 if what else tally.seconds
    return ET.SubElement(
        suite, "testcase", classname=f"vgic-race.{clean(spec.scenario)}", name=clean(name),
        time=f"{seconds:.3f}",
    )  # fmt: skip


def case_of(suite: ET.Element, tally: Tally, failures: Sequence[Failure]) -> None:
    """Add the case of an entry, with what it came to."""
    case = named(suite, tally)
    add_failures(case, failures[:1])
    if tally.verdict == INCONCLUSIVE:
        reasons = tally.reasons()
        trouble(case, "error", "inconclusive", reasons[0], "\n".join(reasons))
    lines = [f"{tally.schedules} schedules, {tally.steps} steps", *tally.notes()]
    if len(failures) > 1:
        lines.append(f"{sum(tally.broken.values())} schedules fail")
    ET.SubElement(case, "system-out").text = clean("\n".join(lines))


def add_failures(case: ET.Element, failures: Sequence[Failure]) -> None:
    """Add what was broken, and how to have it again."""
    for failure in failures:
        first = failure.finding.violations[0]
        lines = [f"{v.rule}: {v.text} (step {v.step})" for v in failure.finding.violations]
        lines += [failure.name, reproducer(failure.replay, failure.spec.rules)]
        trouble(case, "failure", first.rule, first.text, "\n".join(lines))


def trouble(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    """Add a failure or an error."""
    element = ET.SubElement(case, tag, type=clean(kind), message=clean(message))
    element.text = clean(text)


def clean(text: str) -> str:
    """Return text without what XML cannot hold."""
    return FORBIDDEN.sub("?", text)
