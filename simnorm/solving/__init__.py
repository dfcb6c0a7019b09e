"""The inverse question: the smallest batch size, or number of batches or steps, that is enough."""

from __future__ import annotations

from simnorm.solving.answers import Answer
from simnorm.solving.ask import solve

__all__ = ["Answer", "solve"]
