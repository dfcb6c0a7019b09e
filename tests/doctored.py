"""Run folders that are not what they say: what somebody may do to one, for the tests of check."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3

import numpy as np

from simnorm import store
from simnorm.database import Numbers, Rows, group_id, node_of, read_contents, sealed
from simnorm.database import row_of as stored_row
from simnorm.design import Design
from simnorm.keeping import fill
from simnorm.results import csv_text
from simnorm.schema import SCHEMA
from simnorm.settling import Maker
from simnorm.strands import Place


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
    """Return the rows of the nodes, by stream, first block and level."""
    contents = read_contents(folder)
    streams = {owner: numbers.stream for owner, numbers in contents.groups.items()}
    return sorted(
        contents.rows,
        key=lambda row: (streams[row.owner], row.position << row.level, row.level, row.owner),
    )


def identity_of(folder):
    return read_contents(folder).identity


def replace_rows(folder, old, new):
    """Put rows in the place of others, all with a right checksum."""
    identity = identity_of(folder)
    with database(folder) as opened:
        for row in old:
            opened.execute(
                "delete from nodes where owner = ? and level = ? and position = ? "
                "and replications = ?",
                (row.owner, *row.place),
            )
        for row in new:
            right = row._replace(sha256=sealed(identity, *row[:-1]))
            opened.execute("insert into nodes values (?, ?, ?, ?, ?, ?, ?)", right)


def edit_stored(folder, row, change):
    """Change a node as a whole, with a right checksum: `change` takes and returns it."""
    contents = read_contents(folder)
    node = change(node_of(row, len(contents.groups[row.owner].labels)))
    replace_rows(folder, [row], [stored_row(contents.identity, row.owner, row.place, node)])


def edit_node(folder, place, change):
    """Change the sums of one node, with a right checksum: pivots, offsets, products, 7 rows."""

    def edited(node):
        tally = node.tally
        sums = np.concatenate([tally.pivot, tally.offset, tally.scatter])
        change(sums)
        parts = (sums[:2], sums[2:4], sums[4:], tally.void)
        return node._replace(tally=type(tally)(tally.count, *parts))

    edit_stored(folder, nodes_of(folder)[place], edited)


def resealed(folder, identity):
    """Say that a database is of another run, with all checksums right."""
    contents = read_contents(folder)
    names = {owner: group_id(identity, numbers) for owner, numbers in contents.groups.items()}
    groups = {names[owner]: numbers for owner, numbers in contents.groups.items()}
    moved = [row._replace(owner=names[row.owner]) for row in contents.rows]
    rows = [row._replace(sha256=sealed(identity, *row[:-1])) for row in moved]
    fill(folder / "run.db", contents._replace(identity=identity, groups=groups, rows=rows))


def rebuild(folder):
    """Write the tables that the stored nodes give, whatever they hold."""
    design = Design.from_file(folder / "design.toml")
    frame, curves, _ = Maker.of_pool(design, Rows.of(read_contents(folder))).tables()
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


def _put_identity(folder):
    resealed(folder, store.identity_of(Design.from_file(folder / "design.toml")))


def wrong_size_everywhere(folder, other):
    """The same in run.db, and all tables made again with it."""
    wrong_size(folder, other)
    _put_identity(folder)
    rebuild(folder)


def wrong_seed(folder, _):
    """Another seed in the design and in every row."""
    edit_text(folder, "design.toml", "seed = 5", "seed = 6")
    write_csv(folder, [row | {"seed": "6"} for row in read_csv(folder)])


def wrong_seed_everywhere(folder, other):
    """The same in run.db."""
    wrong_seed(folder, other)
    _put_identity(folder)


def copied_block(folder, _):
    """The numbers of one node in the place of the next one's, with a right checksum."""
    first, second = nodes_of(folder)[:2]
    replace_rows(folder, [second], [second._replace(payload=first.payload)])


def copied_block_in_tables_too(folder, other):
    """The same, and the tables that these nodes give."""
    copied_block(folder, other)
    rebuild(folder)


def swapped_positions(folder, _):
    """Two nodes stand in each other's place, their checksums right, and the tables are made."""
    first, second = nodes_of(folder)[:2]
    swapped = [first._replace(position=second.position), second._replace(position=first.position)]
    replace_rows(folder, [first, second], swapped)
    rebuild(folder)


def other_labels(folder, _):
    """Nodes of two laws have changed places, their checksums right, and the tables are made."""
    rows = nodes_of(folder)
    one = rows[0]
    other = next(r for r in rows if r.owner != one.owner and r.place == one.place)
    swapped = [one._replace(payload=other.payload), other._replace(payload=one.payload)]
    replace_rows(folder, [one, other], swapped)
    rebuild(folder)


def other_sizes(folder, _):
    """What is of two batch sizes has changed names, with right checksums, and tables are made."""
    contents = read_contents(folder)
    groups, names = {}, {}
    for owner, (stream, labels) in contents.groups.items():
        text = json.dumps(labels).replace(",2,", ",x,").replace(",4,", ",2,").replace(",x,", ",4,")
        numbers = Numbers(stream, tuple(json.loads(text)))
        names[owner] = group_id(contents.identity, numbers)
        groups[names[owner]] = numbers
    moved = [row._replace(owner=names[row.owner]) for row in contents.rows]
    rows = [row._replace(sha256=sealed(contents.identity, *row[:-1])) for row in moved]
    fill(folder / "run.db", contents._replace(groups=groups, rows=rows))
    rebuild(folder)


def node_of_another_run(folder, other):
    """A node of another seed's run, as it is."""
    row, *_ = nodes_of(other)
    with database(folder) as opened:
        opened.execute("insert into nodes values (?, ?, ?, ?, ?, ?, ?)", row)


def node_of_another_run_with_a_checksum(folder, other):
    """The numbers of another seed's run in the place of this one's, and the tables are made."""
    mine, theirs = nodes_of(folder)[0], nodes_of(other)[0]
    replace_rows(folder, [mine], [mine._replace(payload=theirs.payload)])
    rebuild(folder)


def larger_node(folder, _):
    """A node of the first four blocks that a run would take before those of two.

    Its numbers are those of the first two, twice; the tables are made of it.
    """
    row, *_ = nodes_of(folder)
    contents = read_contents(folder)
    node = node_of(row, len(contents.groups[row.owner].labels))
    tally = node.tally.merge(node.tally)
    place = Place(row.level + 1, row.position >> 1, tally.count)
    kept = np.concatenate([node.kept, node.kept], axis=-1)
    large = stored_row(contents.identity, row.owner, place, node._replace(tally=tally, kept=kept))
    replace_rows(folder, [], [large])
    rebuild(folder)


def other_count(folder, _):
    """A node says that it has another number of replications."""
    row, *_ = nodes_of(folder)
    replace_rows(folder, [row], [row._replace(replications=row.replications - 1)])


def deleted_node(folder, _):
    """A node is gone."""
    replace_rows(folder, [nodes_of(folder)[1]], [])


def foreign_source(folder, _):
    """Nodes of a law that the design does not have, in the place of one that it has."""
    contents = read_contents(folder)
    owner, numbers = next(pair for pair in contents.groups.items() if "normal" in pair[1].stream)
    foreign = numbers._replace(stream='["cauchy","shuffle"]')
    name = group_id(contents.identity, foreign)
    with database(folder) as opened:
        labels = json.dumps(list(numbers.labels))
        opened.execute("insert into groups values (?, ?, ?)", (name, foreign.stream, labels))
    rows = [row for row in contents.rows if row.owner == owner]
    replace_rows(folder, rows, [row._replace(owner=name) for row in rows])


def changed_bytes(folder, name, value):
    """Write one field of the first node, and leave its checksum as it is."""
    row, *_ = nodes_of(folder)
    with database(folder) as opened:
        opened.execute(
            f"update nodes set {name} = ? where owner = ? and level = ? and position = ?",
            (value, row.owner, row.level, row.position),
        )


def wrong_checksum(folder, _):
    """One bit of a payload is flipped."""
    payload = nodes_of(folder)[0].payload
    changed_bytes(folder, "payload", payload[:-1] + bytes([payload[-1] ^ 1]))


def wrong_position(folder, _):
    """A node has moved, and its checksum is that of its place before."""
    changed_bytes(folder, "position", 40)


def wrong_group(folder, _):
    """A group has other labels than those that its id was made of."""
    with database(folder) as opened:
        opened.execute("update groups set labels = replace(labels, 'mean', 'median')")


def wrong_identity(folder, _):
    """The database says that it is of another seed."""
    with database(folder) as opened:
        opened.execute("update meta set value = replace(value, '5', '6') where key = 'identity'")


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
        opened.execute("drop table groups")


def other_engine(folder, _):
    """run.db is of an earlier engine."""
    identity = json.loads(identity_of(folder))
    resealed(folder, json.dumps(identity | {"engine": 1}))


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
    swapped_positions: "replayed",
    other_labels: "replayed",
    other_sizes: "replayed",
    node_of_another_run: "files",
    node_of_another_run_with_a_checksum: "replayed",
    larger_node: "uniqueness",
    other_count: "completeness",
    deleted_node: "completeness",
    foreign_source: "completeness",
    wrong_checksum: "files",
    wrong_position: "files",
    wrong_group: "files",
    wrong_identity: "files",
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
