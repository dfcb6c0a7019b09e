"""One thread for PyTorch, which counts its threads for the whole process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

# One at a time sets the number and puts back what was there.
_ALONE = threading.Lock()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread, and nobody else here meanwhile; then as before.

    Sums are then always added up in the same order, and times are those of one thread.
    """
    import torch

    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
