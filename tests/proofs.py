"""Parts of the proof (`scripts/prove`), made by a process of their own: it may fork."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def proved(part: str, folder: Path, *words: str) -> list[dict[str, str]]:
    """Return the rows that a part of the proof writes."""
    table = folder / f"{part}.csv"
    command = [sys.executable, ROOT / "scripts" / "prove.py", part, "-o", table, *words]
    said = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert table.exists(), said.stderr
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
