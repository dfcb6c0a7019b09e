"""The nets that are timed: small perceptrons in PyTorch, without and with batch normalization.

Linear layers, ReLU between them, two hidden layers of one width. All variants have the same weights
and see the same batch; what differs is the batch normalization alone. PyTorch's own generator is
never asked.
"""

from __future__ import annotations

import copy
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simnorm.studies.overhead.timing import BUILT, HIDDEN_BN, INPUT_BN, Bench, Stand

if TYPE_CHECKING:
    from torch import nn

FEATURES, CLASSES, HIDDEN = 64, 10, 2
# So small that weights stay what they are, and times with them.
LEARNING_RATE = 1e-6

Weights = list[NDArray[np.float32]]


def drawn_weights(rng: np.random.Generator, width: int) -> Weights:
    """Return weights of all linear layers, each of shape (outputs, inputs).

    Their variance is 2/inputs, which keeps the scale of activations (He et al. 2015).
    """
    sizes = (FEATURES, *(width for _ in range(HIDDEN)), CLASSES)
    return [
        rng.standard_normal((after, before), dtype=np.float32) * np.float32(math.sqrt(2.0 / before))
        for before, after in itertools.pairwise(sizes)
    ]


def net(weights: Weights, variant: str) -> nn.Sequential:
    """Return a net: batch normalization before everything, before each ReLU, or nowhere.

    Parameters
    ----------
    weights
        Of the linear layers; their biases are 0.
    variant
        One of `simnorm.studies.overhead.timing.BUILT`.
    """
    import torch
    from torch import nn

    layers: list[Any] = [nn.BatchNorm1d(FEATURES)] if variant == INPUT_BN else []
    for place, weight in enumerate(weights):
        # Skipped, the usual start would draw from PyTorch's own generator.
        linear = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.zero_()
        layers.append(linear)
        if place < len(weights) - 1:
            layers += [nn.BatchNorm1d(weight.shape[0])] if variant == HIDDEN_BN else []
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def stand_of(width: int, batch_size: int, rng: np.random.Generator) -> Stand:
    """Return what is timed for one width and batch size.

    Parameters
    ----------
    width
        Of both hidden layers.
    batch_size
        n, at least 2.
    rng
        Draws weights, a batch of standard normal values, and its classes.
    """
    import torch

    weights = drawn_weights(rng, width)
    x = torch.from_numpy(rng.standard_normal((batch_size, FEATURES), dtype=np.float32))
    y = torch.from_numpy(rng.integers(0, CLASSES, batch_size))
    mean, scale = x.mean(dim=0), x.std(dim=0, correction=0)

    def standardize() -> None:
        with torch.no_grad():
            (x - mean) / scale

    return Stand({word: _bench(net(weights, word), x, y) for word in BUILT}, standardize)


def _bench(model: nn.Sequential, x: Any, y: Any) -> Bench:
    """Return training and inference of a net on one batch."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loss = torch.nn.CrossEntropyLoss()
    # Of its own: to change modes is not part of a step.
    trained = copy.deepcopy(model).train(False)

    def train() -> None:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    def infer() -> None:
        with torch.no_grad():
            trained(x)

    return Bench(train, infer)
