"""Make reports/: the reports of the default sweep and of a file, and the README's figures."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import typst
from sklearn import datasets

import simnorm as sn
from simnorm.api import run
from simnorm.design import Design
from simnorm.figures import save

REPORTS = Path(__file__).resolve().parent.parent / "reports"
SHOWN = (1, 4, 5)
SHEET = """
#set page(width: auto, height: auto, margin: 10pt, fill: rgb("#e4e8ec"))
#grid(columns: 3, gutter: 10pt, ..PAGES.map(page => box(
  fill: white, image("FILE", page: page, width: 300pt, alt: "page"),
)))
"""


def picture_of_pages(report: Path, picture: Path, pages: tuple[int, ...] = SHOWN) -> None:
    """Write a picture of some pages of a report side by side."""
    source = SHEET.replace("PAGES", str(pages)).replace("FILE", report.name)
    made = typst.compile(source.encode(), root=str(report.parent), format="png", ppi=130)
    picture.write_bytes(made if isinstance(made, bytes) else made[0])


def of_data() -> None:
    """Write what is of scikit-learn's data; here, so that their paths are plain names."""
    for name in ("breast_cancer", "wine"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        frame.to_csv(f"{name}.csv", index=False)
    command = "simnorm sweep --data breast_cancer.csv --exclude target --report breast_cancer.pdf"
    design = Design.make(data="breast_cancer.csv", exclude="target")
    print(run(design, command=command).report(REPORTS / "breast_cancer.pdf"))
    for study in ("inputs", "running"):
        command = f"simnorm study {study} --data breast_cancer.csv --exclude target"
        design = Design.make(data="breast_cancer.csv", exclude="target", study=study)
        print(run(design, command=command).report(REPORTS / f"{study}.pdf"))
    schemes = ["shuffle", "grouped:target"]
    result = sn.sweep(data="wine.csv", sampling=schemes, batch_sizes="2:64:x2")
    save(result.figure("sampling"), REPORTS / "sampling.png")


def main() -> None:
    """Write the files."""
    REPORTS.mkdir(exist_ok=True)
    result = run(Design.make(), command="simnorm sweep --report reports/sweep.pdf")
    save(result.figure("overview"), REPORTS / "overview.png")
    print(result.report(REPORTS / "sweep.pdf"))
    picture_of_pages(REPORTS / "sweep.pdf", REPORTS / "report.png")
    save(sn.study("inputs").figure("error"), REPORTS / "inputs.png")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        of_data()
    print(f"simnorm {sn.__version__}: {REPORTS / 'overview.png'}")


if __name__ == "__main__":
    main()
