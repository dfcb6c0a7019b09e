"""The streams of a run, and the first 128 bits of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from simnorm.design import Design
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, batch_count, group_column
from simnorm.streams import block_stream, rows_source
from simnorm.studies.drawing import Source


class Stream(NamedTuple):
    """What names a stream beside seed and full size; see `simnorm.streams.block_stream`."""

    source: str
    sampling: str
    block: int
    number: int = 0

    @property
    def words(self) -> str:
        """What the stream is called."""
        number = f", {self.number}" * bool(self.number)
        return f"stream of {self.source} {self.sampling}, block {self.block}{number}"


def streams_of(design: Design, source: Source, blocks: int) -> Iterator[Stream]:
    """Yield the streams of the first blocks of a source, which sources of a file may share."""
    word = source.sampling.partition(":")[0]
    if word == SEQUENTIAL:
        return
    text = source.distribution or rows_source(_groups(design, source))
    of_block = _of_steps if design.study == "running" else _of_batches
    for block in range(blocks):
        yield from of_block(design, Stream(text, word, block), is_law=bool(source.distribution))


def _of_batches(design: Design, first: Stream, *, is_law: bool) -> Iterator[Stream]:
    """Yield the streams of a block: of full sets or orders of rows, and of batches drawn again."""
    again = first.sampling == REPLACEMENT
    if is_law or not again:
        yield first
    if again:
        yield from (first._replace(number=n) for n in design.batch_sizes)


def _of_steps(design: Design, first: Stream, *, is_law: bool) -> Iterator[Stream]:
    """Yield the streams of a block of training steps: of batch sizes, or of epochs."""
    if first.sampling == IID:
        yield from (first._replace(number=n) for n in design.batch_sizes)
        return
    if is_law:
        yield first
    if first.sampling == REPLACEMENT:
        for n in design.batch_sizes:
            for epoch in range(_epochs(design, n)):
                text = f"{first.source}:epoch={epoch}" if epoch else first.source
                yield first._replace(source=text, number=n)
        return
    # The first epoch of a law's full set is in drawing order.
    text = f"{first.source}:epochs" if is_law else first.source
    for epoch in range(int(is_law), max(_epochs(design, n) for n in design.batch_sizes)):
        yield first._replace(source=text, number=epoch)


def _epochs(design: Design, n: int) -> int:
    return -(-design.steps // batch_count(design.full_size, n))


def _groups(design: Design, source: Source) -> str:
    column = group_column(source.sampling)
    if column is None or design.dataset is None:
        return ""
    return design.dataset.group_digest(column)


def fingerprint(design: Design, stream: Stream) -> bytes:
    """Return the first 128 bits of a stream."""
    rng = block_stream(
        design.seed, stream.source, design.full_size, stream.sampling, stream.block, stream.number
    )
    return bytes(rng.bit_generator.random_raw(2).data)
