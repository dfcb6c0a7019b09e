"""Batch normalization as scikit-learn transformers, to be compared with standardizing.

`BatchNormalizer` keeps running statistics as Keras, PyTorch and Flax do, `PreciseBatchNormalizer`
pools the batches instead, and `StreamingMoments` merges moments up to the fourth. This is the only
part of simnorm that imports scikit-learn.

Examples
--------
Four rows in one batch: Keras 3 keeps the biased variance 1.25, PyTorch the unbiased one, 5/3, and
both start from 1.

>>> import numpy as np
>>> rows = np.array([[1.0], [2.0], [3.0], [4.0]])
>>> BatchNormalizer(batch_size=4, preset="keras3").fit(rows).running_var_
array([1.0025])
>>> BatchNormalizer(batch_size=4, preset="pytorch").fit(rows).running_var_.round(5)
array([1.06667])
"""

from __future__ import annotations

from simnorm.preprocessing.moments import StreamingMoments
from simnorm.preprocessing.precise import PreciseBatchNormalizer
from simnorm.preprocessing.running import PRESETS, BatchNormalizer, Preset

__all__ = [
    "PRESETS",
    "BatchNormalizer",
    "PreciseBatchNormalizer",
    "Preset",
    "StreamingMoments",
]
