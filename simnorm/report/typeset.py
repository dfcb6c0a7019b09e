"""Typst over a folder: fonts, paper, and the standards that the PDF keeps."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from simnorm.errors import RunError
from simnorm.report.formats import A4, PAPERS

# What figures are set in; the files come with matplotlib. A folder of these alone is read in no
# time, matplotlib's whole folder takes seconds.
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf")


def typeset(
    root: Path, template: str, data: dict[str, Any], *, timestamp: int, paper: str = A4
) -> bytes:
    """Run Typst over a template and return the PDF.

    Parameters
    ----------
    root
        The folder that Typst sees: templates, pictures, attachments. The fonts are put there.
    template
        The template's name in it.
    data
        Plain values, which the template reads as JSON.
    timestamp
        The document's time, in seconds since 1970.
    paper
        A key of `simnorm.report.formats.PAPERS`.

    Raises
    ------
    RunError
        If there is no Typst, or the template cannot be set.
    """
    try:
        import typst
    except ImportError:
        raise RunError(
            "report", "no package typst", "the PDF is set by it", "Install it: pip install typst."
        ) from None
    try:
        pdf: bytes = typst.compile(
            os.fspath(root / template),
            root=os.fspath(root),
            sys_inputs={"report": json.dumps(data | {"paper": PAPERS[paper]}, allow_nan=False)},
            # Fonts of this machine would make the output depend on it.
            ignore_system_fonts=True,
            font_paths=[os.fspath(with_fonts(root))],
            timestamp=timestamp,
            pdf_standards=["a-3a", "ua-1"],
        )
    except (typst.TypstError, RuntimeError, ValueError) as error:
        # The message alone: the folder in a trace is gone when anybody reads it.
        lines = str(getattr(error, "message", "") or error).strip().splitlines()
        why = lines[0] if lines else "no reason given"
        raise RunError(
            "report", template, f"it cannot be set ({why})",
            "This is a fault of simnorm; please report it with the run's design.toml.",
        ) from None  # fmt: skip
    return pdf


def with_fonts(root: Path) -> Path:
    """Copy the fonts of figures into a folder in `root` and return it."""
    import matplotlib

    folder = root / "fonts"
    folder.mkdir()
    for name in FONTS:
        shutil.copyfile(Path(matplotlib.get_data_path(), "fonts", "ttf", name), folder / name)
    return folder
