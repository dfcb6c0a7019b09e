"""What a check finds: passed, failed and where, or not possible and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from simnorm.formatting import plural

PASSED, FAILED, NOT_POSSIBLE = "passed", "failed", "not possible"


class Failure(NamedTuple):
    """One thing that is not as it should be.

    Parameters
    ----------
    where
        What it is about: a row by its key, a node, a file.
    got, expected
        What is there, and what should be; nothing where that goes without saying.
    """

    where: str
    got: str
    expected: str

    @property
    def words(self) -> str:
        """All of it as one line."""
        if not self.expected:
            return f"{self.where}: {self.got}"
        return f"{self.where}: got {self.got}, expected {self.expected}"


@dataclass(frozen=True)
class Finding:
    """What one check came to.

    Parameters
    ----------
    name
        The check.
    status
        ``passed``, ``failed`` or ``not possible``.
    looked
        What was looked at, in numbers; of a check that was not possible, why.
    failures
        All that is wrong.
    hint
        The next step, as of a check that was not possible.
    wrong
        How much is wrong, of a check that failed.
    note
        What the verdict on a run that passed says of it.
    """

    name: str
    status: str
    looked: str
    failures: tuple[Failure, ...] = ()
    hint: str = ""
    wrong: str = ""
    note: str = ""

    @classmethod
    def of(
        cls, name: str, looked: str, failures: Iterable[Failure], wrong: str = "", note: str = ""
    ) -> Finding:
        """Make the finding of a check that was made; `wrong` counts if there is no better count."""
        found = tuple(failures)
        if not found:
            return cls(name, PASSED, looked, note=note)
        return cls(name, FAILED, looked, found, wrong=wrong or plural(len(found), "fault"))

    @property
    def passed(self) -> bool:
        """Whether the check was made, and nothing is wrong."""
        return self.status == PASSED

    @property
    def line(self) -> str:
        """What is to be said of it first: how much is wrong, or else what was looked at."""
        return self.wrong or self.looked

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain texts and lists."""
        return {
            "check": self.name,
            "status": self.status,
            "wrong": self.wrong,
            "note": self.note,
            "looked": self.looked,
            "failures": [failure._asdict() for failure in self.failures],
            "hint": self.hint,
        }


class ImpossibleError(Exception):
    """A check that cannot be made, and the next step."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason, self.hint = reason, hint
        super().__init__(reason)


@dataclass(frozen=True)
class Checked:
    """The findings of all checks of a run folder.

    Examples
    --------
    >>> done = Finding.of("files", "5 files", [])
    >>> Checked("runs/x", (done,)).passed, Checked("runs/x", (done,)).failed
    (True, ())
    """

    run: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every check was made and passed."""
        return all(finding.passed for finding in self.findings)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed, or could not be made."""
        return tuple(finding.name for finding in self.findings if not finding.passed)

    def __getitem__(self, name: str) -> Finding:
        """Return the finding of a check by its name."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return all findings as plain texts and lists."""
        return {
            "run": self.run,
            "passed": self.passed,
            "checks": [finding.to_dict() for finding in self.findings],
        }
