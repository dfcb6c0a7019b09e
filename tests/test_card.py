"""The card that a notebook shows: well-formed, escaped, and right on odd runs."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from tiny_tables import NAN, cell, curves_of, frame_of, of_file, row, tiny_frame, undefined_frame

import simnorm as sn
from simnorm.card import html_of
from simnorm.results import Result
from simnorm.tables import columns_table

VOID = {"br"}


class Tags(HTMLParser):
    """Collects texts, and refuses tags that are not closed in the order they were opened."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(card):
    """Return the tags and the text of a card that is well-formed."""
    tags = Tags()
    tags.feed(card)
    tags.close()
    assert tags.open == []
    assert card.isprintable() or set(card) & {"\n"}
    return tags.seen, " ".join(tags.texts)


def result_of(frame, columns=None, **design):
    """Return a result whose table was made by hand; its design fits in what the card reads."""
    names = list(dict.fromkeys(frame["column"].where(frame["column"] != "", frame["distribution"])))
    of_data = bool((frame["source"] == "file").any())
    design = {"distributions": "normal", "replications": 100, "seed": 7, **design}
    made = sn.Design.make(**design)
    object.__setattr__(made, "distributions", () if of_data else tuple(names))
    object.__setattr__(made, "columns", tuple(names) if of_data else ())
    object.__setattr__(made, "data", "wine.csv" if of_data else "")
    facts = columns_table([]) if columns is None else columns
    return Result(made, frame, curves_of(frame), columns=facts)


def test_the_card_has_the_estimate_its_error_and_theory():
    """sd of the normal law at n = 16: RMSE 1/sqrt(32) = 17.68 %, MCSE 1 % of it, 1 MCSE below."""
    seen, text = read(html_of(result_of(tiny_frame())))
    assert "17.50  ± 0.18 17.68" in text
    assert "std(ddof=0), about the full set, in %" in text
    assert "N = 16,384; R = 100 replications; seed 7" in text
    assert seen.count("tr") == 3
    assert "†" in text  # t(df=5) at n = 64
    assert "† no error bar to trust" in text


def test_names_are_escaped():
    """What a column is called cannot become markup."""
    names = ("<script>alert('x')</script>", 'a & b "c" </td>')
    frame = tiny_frame(names)
    card = html_of(result_of(frame))
    seen, text = read(card)
    assert "<script" not in card
    assert "script" not in seen
    assert html.escape(names[1]) in card
    assert names[1] in text
    assert set(re.findall(r"&(?!#?\w+;)", card)) == set()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (frame_of(cell("normal", "std(ddof=0)", 16, 0.2)), "20.00"),
        (undefined_frame(), "undefined"),
        (frame_of(cell("normal", "mean", 64, 0.0, status="exact")), "0"),
        (tiny_frame().assign(reference="population"), "about the population"),
        (tiny_frame().assign(theory=NAN, theory_kind=""), "result.frame"),
        (tiny_frame().assign(status="failed", reason="it raised"), "* some replications failed"),
        (tiny_frame().assign(status="unreliable", mcse=NAN), "†"),
        (tiny_frame().iloc[:0], "result.frame"),
        (frame_of([row("normal", "user.f", 4, "rmse", 0.3, kind="")]), "user.f"),
    ],
    ids=["one cell", "all undefined", "exact", "population", "no theory", "failed",
         "unreliable", "no rows", "a function"],
)  # fmt: skip
def test_odd_runs_have_a_card(frame, said):
    """One cell, nothing defined, nothing to compare with: the card says what there is."""
    assert said in read(html_of(result_of(frame)))[1]


def test_of_many_laws_ten_are_shown_and_the_others_counted():
    """50 laws: ten rows; the rest is told of."""
    rows = [line for i in range(50) for line in cell(f"law{i}", "mean", 4, 0.5)]
    seen, text = read(html_of(result_of(frame_of(rows))))
    assert seen.count("tr") == 11
    assert "... and 40 distributions more: result.frame" in text
    assert "50 distributions" in text


def test_of_many_columns_ten_and_of_many_sizes_eight_are_shown():
    """Of 300 columns at 25 sizes, the ten with the largest errors at eight sizes."""
    rows = [
        line
        for i in range(300)
        for n in range(2, 27)
        for line in of_file(cell("", "std(ddof=0)", n, (1 + i) * 1e-3), f"c{i}")
    ]
    seen, text = read(html_of(result_of(frame_of(rows))))
    assert (seen.count("tr"), seen.count("td")) == (11, 80)
    assert "... and 290 columns and 17 batch sizes more" in text
    assert text.index("c299") < text.index("c298")


def test_a_partial_run_says_so():
    """Where time was over first, the card begins with that."""
    frame = tiny_frame().assign(stop_reason="time", replications=64)
    card = html_of(result_of(frame, time_limit="2"))
    assert "This run is partial" in read(card)[1]


def test_runs_of_every_kind_have_a_card():
    """Sweeps on laws and data, other schemes, both studies: all are well-formed and escaped."""
    data = pd.DataFrame({"<b>": [1.0, 2.0, 4.0, 9.0] * 8, "same": 3.0})
    small = {"batch_sizes": [2, 4], "replications": 32}
    runs = [
        sn.sweep("normal", full_size=32, **small),
        sn.sweep("normal", full_size=32, sampling="iid", **small),
        sn.sweep("cauchy", full_size=32, sampling=["shuffle", "replacement"], **small),
        sn.sweep(data=data, **small),
        sn.sweep(data=data, sampling=["sequential", "shuffle"], **small),
        sn.study("inputs", "normal", full_size=32, **small),
        sn.study("running", data=data, steps=20, **small),
    ]
    for result in runs:
        seen, text = read(result._repr_html_())
        assert "b" not in seen
        assert seen.count("table") == 1
        assert result.design.study == "sweep" or f"study {result.design.study}" in text


def test_a_card_loads_no_matplotlib():
    """A notebook that shows tables alone does not wait for matplotlib."""
    code = (
        "import sys, simnorm as sn\n"
        "sn.sweep('normal', batch_sizes=[2], full_size=8, replications=8)._repr_html_()\n"
        "sn.study('inputs', 'normal', batch_sizes=[2], full_size=8, replications=8)._repr_html_()\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
