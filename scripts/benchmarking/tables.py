"""The findings as text, and as the README's table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- benchmark: scripts/benchmark --write-readme -->", "<!-- /benchmark -->"
# A finding is a plain dictionary, so that a finished JSON reads back as what was measured.
Finding = dict[str, Any]


def number(finding: Finding) -> str:
    """Return the value with three digits and its unit, or a dash."""
    value = finding["value"]
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {finding['unit']}".rstrip()


def target(finding: Finding) -> str:
    """Return the target, nothing where there is none."""
    if finding["limit"] is None:
        return ""
    sign = ">=" if finding["at_least"] else "<="
    return f"{sign} {finding['limit']:g} {finding['unit']}".rstrip()


def verdict(finding: Finding) -> str:
    """Return whether the target is met, or why there is no number."""
    if finding["why_not"]:
        return str(finding["why_not"])
    return {True: "met", False: "missed", None: ""}[finding["met"]]


def text(report: dict[str, Any]) -> str:
    """Return the whole report as lines."""
    rows = [(f["what"], number(f), target(f), verdict(f)) for f in report["rows"]]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"{what:<{widths[0]}}  {value:>{widths[1]}}  {aim:<{widths[2]}}  {met}".rstrip()
        for what, value, aim, met in rows
    ]
    if report["hows"]:
        lines += ["", "How the rivals are written:", *(f"  {how}" for how in report["hows"])]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines += [
        "",
        f"Medians of {report['rounds']} rounds in turn; {report['seconds']:.0f} s in all.",
    ]
    if report["scale"] < 1:
        lines.append(f"Only {report['scale']:g} of the work: a look, no measurement.")
    return "\n".join([*lines, versions])


def readme_table(report: dict[str, Any]) -> str:
    """Return the README's lines in Markdown; findings of one line stand side by side."""
    lines: dict[str, list[str]] = {}
    for f in report["rows"]:
        if f["readme"] and f["value"] is not None:
            lines.setdefault(f["readme"], []).append(f"{f['short']} {number(f)}".strip())
    head = ["| ten batch sizes, mean, both variances, both stds, N = 16,384 | ratio |", "|---|---|"]
    return "\n".join(
        [*head, *(f"| {line} | {', '.join(found)} |" for line, found in lines.items())]
    )


def write_readme(path: Path, report: dict[str, Any]) -> None:
    """Put the table between the README's two markers."""
    if report["scale"] < 1:
        raise SystemExit("benchmark: a fraction of the work is no measurement for the README")
    content = path.read_text(encoding="utf-8")
    if content.count(BEGIN) != 1 or content.count(END) != 1:
        raise SystemExit(f"benchmark: {path.name} must hold {BEGIN} and {END} once each")
    before, rest = content.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{readme_table(report)}\n{END}{after}", encoding="utf-8")
