"""The random stream that belongs to (seed, source, block): a pure function of content.

Neither batch sizes nor estimators, workers or grid position enter the key, so adding one changes
no number that was there before.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from simnorm.design import canonical_json

# Part of every key: raised whenever the same key would have to mean other draws.
STREAM_VERSION = 2

# A block is the unit of randomness and of merging: so many draws, within these replications.
BLOCK_DRAWS = 1 << 20
FEWEST_LANES, MOST_LANES = 16, 4096
# A law fills a block in slabs of whole observations that stay in the processor's cache.
SLAB_DRAWS = 1 << 15


def lanes_of(full_size: int) -> int:
    """Return the replications in a block: a power of two, and a function of N alone.

    Examples
    --------
    >>> lanes_of(16_384), lanes_of(100), lanes_of(10**7)
    (64, 4096, 16)
    """
    wanted = -(-BLOCK_DRAWS // full_size)
    return min(max(1 << (wanted - 1).bit_length(), FEWEST_LANES), MOST_LANES)


def slab_rows(full_size: int) -> int:
    """Return the observations of every lane that are filled at a time, from N alone."""
    return max(1, SLAB_DRAWS // lanes_of(full_size))


@functools.lru_cache(maxsize=256)
def stream_words(source: str, full_size: int, sampling: str) -> tuple[int, ...]:
    """Return the eight 32-bit words that name a source's streams."""
    content = {
        "full_size": full_size,
        "sampling": sampling,
        "source": source,
        "stream_version": STREAM_VERSION,
    }
    digest = hashlib.sha256(canonical_json(content).encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4))


def block_stream(
    seed: int, source: str, full_size: int, sampling: str, block: int, batch_size: int = 0
) -> np.random.Generator:
    """Return the generator of one block.

    Parameters
    ----------
    seed
        From 0 to 2^128 - 1.
    source
        Canonical spec of the law, or what `rows_source` says of the rows of a file.
    full_size, sampling
        N and the word of the sampling scheme, which decide what is drawn.
    block
        Index of the block, below 2^32.
    batch_size
        n, where batches of one size are drawn apart from those of another: with replacement.

    Examples
    --------
    >>> first = block_stream(0, "normal", 100, "shuffle", 0)
    >>> again = block_stream(0, "normal", 100, "shuffle", 0)
    >>> first.random() == again.random()
    True
    """
    # A fixed number of words: SeedSequence would confuse (2**32,) with (0, 1). A batch size is
    # never 0, so that the key with it is no other key padded.
    key = (*stream_words(source, full_size, sampling), block)
    key = (*key, batch_size) if batch_size else key
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key)))


def rows_source(group_digest: str = "") -> str:
    """Return the source of the rows of a file, which no cell of the file enters.

    Columns stay paired, and a changed cell draws nothing anew; only the groups that the rows are
    drawn by belong to it.
    """
    return f"rows:{group_digest}" if group_digest else "rows"
