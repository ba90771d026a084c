"""The table of findings that the README has: ``python -m harness.findings.table`` prints it."""

from harness.findings.known import FINDINGS

__all__ = ["BEGIN", "END", "readme_table"]

BEGIN = "<!-- findings: printed by python -m harness.findings.table -->"
END = "<!-- end of findings -->"
"""What stands around it, so that a test can hold it to the data."""

KERNEL_ONLY = "a real kernel only"
HEAD = ("", "in", "what happens", "on a real kernel", "see it")


def readme_table() -> str:
    """Return the table in Markdown, with the marks around it."""
    lines = [BEGIN, row(HEAD), "|---" * len(HEAD) + "|"]
    for finding in FINDINGS.values():
        see = finding.see
        if see != KERNEL_ONLY:
            see = f"`{see}`"
        lines.append(row((finding.id, finding.since, finding.what, finding.confirmed or "-", see)))
    return "\n".join([*lines, END, ""])


def row(cells: tuple[str, ...]) -> str:
    """Return one line of a table in Markdown."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


if __name__ == "__main__":
    print(readme_table(), end="")
