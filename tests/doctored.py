"""Run folders that are not what they say: what somebody may do to one, for the tests of check."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import sqlite3

import numpy as np

from simnorm import store, stored
from simnorm.design import Design
from simnorm.results import csv_text
from simnorm.schema import SCHEMA
from simnorm.settling import Maker


def read_csv(folder, name="results.csv"):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(folder, rows, name="results.csv"):
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def row_of(rows, **key):
    """Return the first row with these values."""
    return next(r for r in rows if all(r[name] == value for name, value in key.items()))


def edit_text(folder, name, old, new):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@contextlib.contextmanager
def database(folder):
    with contextlib.closing(sqlite3.connect(folder / "run.db")) as opened:
        yield opened
        opened.commit()
        opened.execute("pragma wal_checkpoint(truncate)")


def nodes_of(folder):
    with database(folder) as opened:
        return opened.execute("select * from nodes order by source, position").fetchall()


def changed_payload(payload, change):
    """Return a payload with its first array changed, and its checksum."""
    buffer = io.BytesIO(payload)
    arrays = []
    while buffer.tell() < len(payload):
        arrays.append(np.lib.format.read_array(buffer, allow_pickle=False))
    change(arrays[0])
    out = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(out, array, allow_pickle=False)
    return out.getvalue(), hashlib.sha256(out.getvalue()).hexdigest()


def edit_node(folder, place, change):
    """Change the sums of one node, with a right checksum."""
    source, level, position, _, payload, _ = nodes_of(folder)[place]
    values = (*changed_payload(payload, change), source, level, position)
    with database(folder) as opened:
        opened.execute(
            "update nodes set payload = ?, sha256 = ? "
            "where source = ? and level = ? and position = ?",
            values,
        )


def rebuild(folder):
    """Write the tables that the stored nodes give, whatever they hold."""
    design = Design.from_file(folder / "design.toml")
    nodes = [pair for part in stored.stored(folder, design).values() for pair in part]
    frame, curves, _ = Maker.of_nodes(design, nodes).tables()
    store.write_text(folder / "results.csv", csv_text(frame[list(SCHEMA)]))
    store.write_text(folder / "curves.csv", csv_text(curves))


# What somebody may do


def stale_rows(folder, other):
    """Rows of another seed's run in the place of this one's."""
    mine, theirs = read_csv(folder), read_csv(other)
    for i, row in enumerate(theirs):
        if row["estimator"] == "mean":
            mine[i] = row | {"seed": mine[i]["seed"]}
    write_csv(folder, mine)


def stale_rows_with_their_seed(folder, other):
    """The same, with the other seed beside them."""
    mine, theirs = read_csv(folder), read_csv(other)
    write_csv(folder, [t if t["estimator"] == "mean" else m
                       for m, t in zip(mine, theirs, strict=True)])  # fmt: skip


def wrong_size(folder, _):
    """Another N in the design and in every row, with as many batches as it has."""
    edit_text(folder, "design.toml", "full_size = 64", "full_size = 48")
    rows = read_csv(folder)
    for row in rows:
        row["full_size"] = "48"
        if row["batches"] != "1":
            row["batches"] = str(48 // int(row["batch_size"]))
    write_csv(folder, rows)


def _put_design(folder):
    text = (folder / "design.toml").read_text(encoding="utf-8")
    with database(folder) as opened:
        opened.execute("update meta set value = ? where key = 'design'", [text])


def wrong_size_everywhere(folder, other):
    """The same in run.db, and all tables made again with it."""
    wrong_size(folder, other)
    _put_design(folder)
    rebuild(folder)


def wrong_seed(folder, _):
    """Another seed in the design and in every row."""
    edit_text(folder, "design.toml", "seed = 5", "seed = 6")
    write_csv(folder, [row | {"seed": "6"} for row in read_csv(folder)])


def wrong_seed_everywhere(folder, other):
    """The same in run.db."""
    wrong_seed(folder, other)
    _put_design(folder)


def copied_block(folder, _):
    """The numbers of one node in the place of the next one's, with a right checksum."""
    first, second = nodes_of(folder)[:2]
    with database(folder) as opened:
        opened.execute(
            "update nodes set payload = ?, sha256 = ? "
            "where source = ? and level = ? and position = ?",
            (*first[4:], *second[:3]),
        )


def copied_block_in_tables_too(folder, other):
    """The same, and the tables that these nodes give."""
    copied_block(folder, other)
    rebuild(folder)


def doubled_node(folder, _):
    """A node once more, as one of a higher level."""
    source, level, position, *rest = nodes_of(folder)[0]
    with database(folder) as opened:
        opened.execute(
            "insert into nodes values (?, ?, ?, ?, ?, ?)", (source, level + 1, position, *rest)
        )


def deleted_node(folder, _):
    """A node is gone."""
    source, level, position, *_ = nodes_of(folder)[1]
    with database(folder) as opened:
        opened.execute(
            "delete from nodes where source = ? and level = ? and position = ?",
            (source, level, position),
        )


def foreign_source(folder, _):
    """Nodes of a law that the design does not have."""
    with database(folder) as opened:
        opened.execute("update nodes set source = ? where position = 0 and source like '%normal%'",
                       ['["cauchy", "shuffle"]'])  # fmt: skip


def wrong_checksum(folder, _):
    """One bit of a payload is flipped."""
    source, level, position, _, payload, _ = nodes_of(folder)[0]
    flipped = payload[:-1] + bytes([payload[-1] ^ 1])
    with database(folder) as opened:
        opened.execute(
            "update nodes set payload = ? where source = ? and level = ? and position = ?",
            (flipped, source, level, position),
        )


def edited_estimate(folder, _):
    """One digit of one estimate, the ninth."""
    rows = read_csv(folder)
    row = row_of(rows, estimator="std(ddof=1)", measure="bias", status="ok")
    text = row["estimate"].lstrip("-")
    digit = str((int(text[10]) + 1) % 10)
    row["estimate"] = row["estimate"].replace(text, text[:10] + digit + text[11:])
    write_csv(folder, rows)


def edited_sums(folder, _):
    """A mean of a node is a tenth larger, its checksum right, and all tables are made of it."""

    def change(sums):
        sums[2, 0] += 0.1 * np.sqrt(abs(sums[1, 0] + sums[3, 0]))

    edit_node(folder, 1, change)
    rebuild(folder)


def wrong_theory(folder, _):
    """Another theory of one row, and the z that it gives."""
    rows = read_csv(folder)
    row = row_of(rows, estimator="mean", measure="variance", status="ok")
    row["theory"] = repr(1.01 * float(row["theory"]))
    row["z"] = repr((float(row["estimate"]) - float(row["theory"])) / float(row["mcse"]))
    write_csv(folder, rows)


def better_status(folder, _):
    """A row that is unreliable says that it is ok."""
    rows = read_csv(folder)
    row = row_of(rows, status="unreliable")
    row["status"], row["reason"] = "ok", ""
    write_csv(folder, rows)


def deleted_rows(folder, _):
    """The rows of one cell are gone."""
    rows = read_csv(folder)
    kept = [r for r in rows if (r["estimator"], r["batch_size"]) != ("mean", "4")]
    assert len(kept) < len(rows)
    write_csv(folder, kept)


def doubled_row(folder, _):
    """A row stands there twice."""
    rows = read_csv(folder)
    write_csv(folder, [rows[0], *rows])


def foreign_row(folder, _):
    """A row of a batch size that the design does not have."""
    rows = read_csv(folder)
    write_csv(folder, [*rows, rows[0] | {"batch_size": "16", "batches": "4"}])


def fewer_replications(folder, _):
    """Rows say that they are of more replications than there are."""
    write_csv(folder, [row | {"replications": "1000"} for row in read_csv(folder)])


def edited_curve(folder, _):
    """A point of a curve."""
    rows = read_csv(folder, "curves.csv")
    rows[0]["y"] = repr(1.001 * float(rows[0]["y"]))
    write_csv(folder, rows, "curves.csv")


def other_text(folder, _):
    """The same numbers in another form."""
    edit_text(folder, "results.csv", ",shuffle,", ',"shuffle",')


def lost_column(folder, _):
    """A column of the results is gone."""
    write_csv(folder, [{k: v for k, v in row.items() if k != "z"} for row in read_csv(folder)])


def no_number(folder, _):
    """A word stands where a number belongs."""
    rows = read_csv(folder)
    rows[3]["mcse"] = "small"
    write_csv(folder, rows)


def truncated_database(folder, _):
    """The second half of run.db is gone."""
    path = folder / "run.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_database(folder, _):
    """Something else is called run.db."""
    (folder / "run.db").write_text("nothing", encoding="utf-8")


def lost_table(folder, _):
    """A table of run.db is gone."""
    with database(folder) as opened:
        opened.execute("drop table failures")


def other_engine(folder, _):
    """run.db is of an earlier engine."""
    with database(folder) as opened:
        opened.execute("update meta set value = '1' where key = 'engine_version'")


def other_engine_in_provenance(folder, _):
    """The provenance is of an earlier engine."""
    edit_text(folder, "provenance.json", '"engine_version": ', '"engine_version": 9')


def other_schema(folder, _):
    """The results are of a later schema."""
    write_csv(folder, [row | {"schema_version": "2"} for row in read_csv(folder)])


def broken_design(folder, _):
    """The design is no TOML."""
    (folder / "design.toml").write_text("seed = = 3", encoding="utf-8")


def lost_provenance_text(folder, _):
    """The provenance is no JSON."""
    (folder / "provenance.json").write_text(json.dumps({})[:1], encoding="utf-8")


# What is done, and the check that must find it at least.
DOCTORED = {
    stale_rows: "rebuilt",
    stale_rows_with_their_seed: "completeness",
    wrong_size: "files",
    wrong_size_everywhere: "replayed",
    wrong_seed: "files",
    wrong_seed_everywhere: "replayed",
    copied_block: "uniqueness",
    copied_block_in_tables_too: "uniqueness",
    doubled_node: "completeness",
    deleted_node: "completeness",
    foreign_source: "files",
    wrong_checksum: "files",
    edited_estimate: "rebuilt",
    edited_sums: "replayed",
    wrong_theory: "rebuilt",
    better_status: "rebuilt",
    deleted_rows: "completeness",
    doubled_row: "completeness",
    foreign_row: "completeness",
    fewer_replications: "completeness",
    edited_curve: "rebuilt",
    other_text: "rebuilt",
    lost_column: "files",
    no_number: "files",
    truncated_database: "files",
    no_database: "files",
    lost_table: "files",
    other_engine: "files",
    other_engine_in_provenance: "files",
    other_schema: "files",
    broken_design: "files",
    lost_provenance_text: "files",
}
