"""Make reports/: the answer, the reports of all studies, and the README's figures.

Runs are kept in runs/reports: whoever stops this and starts it again goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import typst
from sklearn import datasets

import simnorm as sn
from simnorm.answering import Answer, Missing
from simnorm.answering.plan import make_plan
from simnorm.answering.running import Watcher, carry_out
from simnorm.answering.settings import DEFAULT, LEVELS
from simnorm.api import run
from simnorm.design import Design
from simnorm.figures import save
from simnorm.results import Result

ROOT = Path(__file__).resolve().parent.parent
NO_TORCH = (
    "make_reports: the chapters on covariate shift and overhead need PyTorch, which is not "
    'installed; install it with: .venv/bin/pip install -e ".[torch]"'
)
# The studies whose own reports are of the runs of the answer.
OF_ANSWER = ("scaling", "shift", "overhead")
# What of the answer's folder is kept beside its report.
DATA = ("answer.json", "verdicts.csv", "needed.csv")
SHOWN, SHOWN_OF_ANSWER = (1, 4, 5), (1, 2, 4)
SHEET = """
#set page(width: auto, height: auto, margin: 10pt, fill: rgb("#e4e8ec"))
#grid(columns: 3, gutter: 10pt, ..PAGES.map(page => box(
  fill: white, image("FILE", page: page, width: 300pt, alt: "page"),
)))
"""


class Told(Watcher):
    """Prints a line for every study of an answer."""

    def end(self, study: str, seconds: float, *, loaded: bool) -> None:
        """Say that a study is there."""
        print(f"{study}: {'loaded' if loaded else f'{seconds:.0f} s'}", flush=True)

    def left_out(self, study: str, missing: Missing) -> None:
        """Say that a study has no result."""
        print(f"{study}: {missing.reason}", flush=True)


def picture_of_pages(report: Path, picture: Path, pages: tuple[int, ...] = SHOWN) -> None:
    """Write a picture of some pages of a report side by side."""
    source = SHEET.replace("PAGES", str(pages)).replace("FILE", report.name)
    made = typst.compile(source.encode(), root=str(report.parent), format="png", ppi=130)
    picture.write_bytes(made if isinstance(made, bytes) else made[0])


def answer_to(reports: Path, runs: Path, level: str) -> Answer:
    """Write the answer, its data, and the reports of the studies that only it runs."""
    folder = runs / f"answer-{level}"
    command = "simnorm answer" if level == DEFAULT else f"simnorm answer --{level}"
    found = carry_out(make_plan(level=level), folder, watcher=Told(), command=command)
    print(found.report(reports / "answer.pdf"))
    picture_of_pages(reports / "answer.pdf", reports / "answer.png", SHOWN_OF_ANSWER)
    data = reports / "answer"
    data.mkdir(exist_ok=True)
    for name in DATA:
        shutil.copyfile(folder / name, data / name)
    for study in found.results:
        result = found.result(study)
        if result is None:
            continue
        (data / f"{study}-design.toml").write_text(result.design.to_toml(), encoding="utf-8")
        if study in OF_ANSWER:
            print(result.report(reports / f"{study}.pdf"))
    return found


def kept(design: Design, command: str, name: str) -> Result:
    """Run a design into a folder here, or load what is finished of it."""
    return run(design, command=command, out=name)


def of_data(reports: Path) -> None:
    """Write what is of scikit-learn's data; here, so that their paths are plain names."""
    for name in ("breast_cancer", "wine"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        frame.to_csv(f"{name}.csv", index=False)
    command = "simnorm sweep --data breast_cancer.csv --exclude target --report breast_cancer.pdf"
    design = Design.make(data="breast_cancer.csv", exclude="target")
    print(kept(design, command, "breast_cancer").report(reports / "breast_cancer.pdf"))
    for study in ("inputs", "running"):
        command = f"simnorm study {study} --data breast_cancer.csv --exclude target"
        design = Design.make(data="breast_cancer.csv", exclude="target", study=study)
        print(kept(design, command, study).report(reports / f"{study}.pdf"))
    schemes = ["shuffle", "grouped:target"]
    result = sn.sweep(data="wine.csv", sampling=schemes, batch_sizes="2:64:x2")
    save(result.figure("sampling"), reports / "sampling.png")


def of_laws(reports: Path) -> None:
    """Write what is of distributions."""
    result = kept(Design.make(), "simnorm sweep --report reports/sweep.pdf", "sweep")
    save(result.figure("overview"), reports / "overview.png")
    print(result.report(reports / "sweep.pdf"))
    picture_of_pages(reports / "sweep.pdf", reports / "report.png")
    save(kept(Design.make(study="inputs"), "simnorm study inputs", "inputs-laws").figure("error"),
         reports / "inputs.png")  # fmt: skip


def main(given: list[str] | None = None) -> int:
    """Write the files; return 1 without PyTorch."""
    parser = argparse.ArgumentParser(description="Make what reports/ holds.")
    parser.add_argument("--level", choices=LEVELS, default=DEFAULT, help="of the answer")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports", metavar="FOLDER")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "reports", metavar="FOLDER")
    chosen = parser.parse_args(given)
    if find_spec("torch") is None:
        print(NO_TORCH, file=sys.stderr)
        return 1
    reports, runs = chosen.reports.resolve(), chosen.runs.resolve()
    for folder in (reports, runs):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(runs):
        of_laws(reports)
        of_data(reports)
        answer_to(reports, runs, chosen.level)
    print(f"simnorm {sn.__version__}: {reports}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
