"""Whether a finished run is what it says it is: seven checks of a run folder, which only read.

=============  ====================================================================================
check          what it finds
=============  ====================================================================================
files          missing, damaged or edited files; other versions
completeness   rows and blocks that are missing, doubled or foreign; another seed, N, R or draws
uniqueness     streams, blocks and replications that come twice
replayed       stored numbers that are not those of their streams
rebuilt        tables that are not those of the stored numbers: estimates, theory, statuses
identities     numbers of a table that contradict each other
theory         estimates too far from exact theory
=============  ====================================================================================

A folder may hold more than its design asks for, of other designs that it had. What a run of the
design would take of it is checked; of the rest the checksums are, and it is counted.

A check that cannot be made, because data or functions are not there, is not passed. What nothing
can tell is not checked: command, times, workers and sessions in provenance.json and run.db.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm.checking import (
    completeness,
    files,
    identities,
    rebuilt,
    replayed,
    theory,
    uniqueness,
)
from simnorm.checking.finding import NOT_POSSIBLE, Checked, Failure, Finding, ImpossibleError
from simnorm.checking.folder import Folder
from simnorm.estimators.user import told
from simnorm.store import DATABASE, DESIGN

if TYPE_CHECKING:
    from simnorm.engine import Progress

__all__ = ["Checked", "Failure", "Finding", "check"]

# Of what a change of the design brings about, so much is listed.
FEW = 3


def check(
    run: str | Path,
    functions: Iterable[Any] | Mapping[str, Callable[..., Any]] = (),
    data: Any = None,
    *,
    all_blocks: bool = False,
    workers: int | str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_check: Callable[[str], None] | None = None,
) -> Checked:
    """Check that a finished run folder is what it says it is; nothing in it is changed.

    Parameters
    ----------
    run
        The run folder.
    functions
        The functions that its estimators named ``user.NAME`` stand for: a folder does not hold
        them. As they were given to the run, with their population values.
    data
        The data of the run, where the file that the design names is not there any more: a file, an
        array, a table. They must have the hash that the design has of them.
    all_blocks
        Whether all stored blocks are drawn again, which takes as long as the run. Otherwise the
        first and the last of every source, one more that the folder's content chooses, and as many
        more as five seconds allow.
    workers
        Threads; as many as there are processors if None.
    on_progress
        Called now and then with the observations drawn again so far, and at least in all.
    on_check
        Called with the name of every check before it is made.

    Returns
    -------
    Checked
        ``passed``, and ``findings``: one for each check.

    Raises
    ------
    SimnormError
        If it is no run folder, or its run is not finished, is being worked on, or was stored by an
        earlier simnorm in another form.

    Examples
    --------
    >>> import tempfile
    >>> import simnorm as sn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = sn.sweep("normal", batch_sizes=[4], full_size=64, replications=256, out=folder)
    ...     found = sn.check(folder)
    >>> found.passed, [finding.name for finding in found.findings][:3]
    (True, ['files', 'completeness', 'uniqueness'])
    """
    folder = Folder(Path(run), functions, data)

    def replay(folder: Folder) -> Finding:
        return replayed.check(
            folder, all_blocks=all_blocks, workers=workers, on_progress=on_progress
        )

    checks = {
        files.NAME: files.check,
        completeness.NAME: completeness.check,
        uniqueness.NAME: uniqueness.check,
        # Before the tables: whether its bits agree says whether theirs have to.
        replayed.NAME: replay,
        rebuilt.NAME: rebuilt.check,
        identities.NAME: identities.check,
        theory.NAME: theory.check,
    }
    findings = []
    for name, one in checks.items():
        if on_check is not None:
            on_check(name)
        findings.append(_of_other_design(_made(name, one, folder), folder))
    return Checked(str(run), tuple(findings))


def _of_other_design(finding: Finding, folder: Folder) -> Finding:
    """Return a few of the failures where they all say that the design is another one."""
    differ = folder.other_design
    if not differ or finding.name == files.NAME or not finding.failures:
        return finding
    names = ", ".join(differ[:FEW]) + ", ..." * (len(differ) > FEW)
    return dataclasses.replace(
        finding,
        failures=finding.failures[:FEW],
        wrong=f"{finding.wrong}: {DESIGN} has another {names} than {DATABASE}",
        hint=f"{DESIGN} is not the design that this run was made with ({names}): put back what "
        f"{DATABASE} has, or run it again. Only a few of what follows from it are listed.",
    )


def _made(name: str, check: Callable[[Folder], Finding], folder: Folder) -> Finding:
    try:
        return check(folder)
    except ImpossibleError as error:
        return Finding(name, NOT_POSSIBLE, error.reason, hint=error.hint)
    except Exception as error:  # what no check foresees may be in the folder, and is no pass
        return Finding(name, NOT_POSSIBLE, f"the folder holds what no run writes ({told(error)})")
