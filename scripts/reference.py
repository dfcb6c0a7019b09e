"""Make reports/: the default sweep's report, and the README's figure and terminal output."""

from __future__ import annotations

from pathlib import Path

import simnorm as sn
from simnorm.api import run
from simnorm.design import Design
from simnorm.figures import save

REPORTS = Path(__file__).resolve().parent.parent / "reports"


def main() -> None:
    """Write the files."""
    REPORTS.mkdir(exist_ok=True)
    result = run(Design.make(), command="simnorm sweep --report reports/sweep.pdf")
    save(result.figure("overview"), REPORTS / "overview.png")
    print(result.report(REPORTS / "sweep.pdf"))
    print(f"simnorm {sn.__version__}: {REPORTS / 'overview.png'}")


if __name__ == "__main__":
    main()
