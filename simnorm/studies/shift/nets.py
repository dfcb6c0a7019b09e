"""Two small nets with and without batch normalization, and the noise put in behind it.

Each hidden layer takes a linear map, then one of the three variants, then in the mlp a rectifier:

==========  ================================================================
variant     what a hidden layer gives on, of its linear map z
==========  ================================================================
none        z + b
bn          gamma (z - mean)/sqrt(variance + 1e-5) + beta, by the batch at hand
noisy_bn    s (what bn gives) + m, with s and m drawn anew in every step
==========  ================================================================

The last layer is a linear map with a bias in all variants. b and beta start at 0, gamma at 1, and
the weights are the same in all variants.

The noise is that of Santurkar et al. (2018, appendix A): in every step each unit draws a mean from
U(-0.5, 0.5) and a scale from U(1, 1.25); around these, each row draws its m from a uniform law of
half width 0.1, and its s from a normal one of standard deviation 0.1.

References
----------
Ioffe and Szegedy (2015), Batch normalization: accelerating deep network training by reducing
internal covariate shift. Santurkar, Tsipras, Ilyas and Madry (2018), How does batch normalization
help optimization?
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

NONE, BN, NOISY_BN = "none", "bn", "noisy_bn"
EPSILON = 1e-5


class Net(NamedTuple):
    """The shape of a net, and how it is trained.

    Parameters
    ----------
    hidden
        Units of each hidden layer.
    is_rectified
        Whether a rectifier stands behind each hidden layer; without, the whole net is linear.
    """

    hidden: tuple[int, ...]
    is_rectified: bool

    @property
    def gain(self) -> float:
        """Return the variance of a weight times its layer's inputs, which keeps scales alike."""
        return 2.0 if self.is_rectified else 1.0


NETS: Mapping[str, Net] = {
    "mlp": Net((64, 64, 64), is_rectified=True),
    "linear": Net((32,) * 8, is_rectified=False),
}


class Layer(NamedTuple):
    """Parameters of a layer: weight (outputs, inputs), shift b or beta, and gamma or nothing."""

    weight: Tensor
    shift: Tensor
    scale: Tensor | None = None

    def tensors(self) -> list[Tensor]:
        """Return what is trained."""
        return [self.weight, self.shift] + ([] if self.scale is None else [self.scale])


Layers = tuple[Layer, ...]
# Of every layer, the gradients by its tensors.
Slopes = Sequence[Sequence[Any]]


class Noise(NamedTuple):
    """How strong the noise behind batch normalization is.

    Parameters
    ----------
    mean
        A unit's mean is uniform between this and its negative.
    scale
        A unit's scale is uniform between 1 and this.
    mean_spread, scale_spread
        Half width of the uniform law of a row's shift, standard deviation of its normal scale.
    """

    mean: float = 0.5
    scale: float = 1.25
    mean_spread: float = 0.1
    scale_spread: float = 0.1

    @property
    def middle(self) -> tuple[float, float]:
        """Return scale and shift on average, which stand in for the noise where none is wanted."""
        return (1.0 + self.scale) / 2.0, 0.0


NOISE, SILENCE = Noise(), Noise(0.0, 1.0, 0.0, 0.0)

# What is multiplied by, and what is added, in one hidden layer.
Disturbance = tuple[Any, Any]


class Units(NamedTuple):
    """Means and scales of the noise of a layer's units in one step."""

    mean: Floats
    scale: Floats


def draw_units(noise: Noise, net: Net, rng: np.random.Generator) -> tuple[Units, ...]:
    """Draw the noise of all units for one step."""
    return tuple(
        Units(
            rng.uniform(-noise.mean, noise.mean, width), rng.uniform(1.0, noise.scale, width)
        )
        for width in net.hidden
    )  # fmt: skip


def disturbances(
    noise: Noise, units: Sequence[Units], rows: int, rng: np.random.Generator
) -> list[Disturbance]:
    """Draw the noise of so many rows around that of the units, for every hidden layer."""
    import torch

    found: list[Disturbance] = []
    for unit in units:
        size = rows, unit.mean.size
        shift = unit.mean + noise.mean_spread * rng.uniform(-1.0, 1.0, size)
        scale = unit.scale + noise.scale_spread * rng.standard_normal(size)
        found.append((torch.from_numpy(scale), torch.from_numpy(shift)))
    return found


def first_weights(
    net: Net, inputs: int, classes: int, rng: np.random.Generator
) -> tuple[Floats, ...]:
    """Draw weights that are normal, with variance gain/inputs (He et al. 2015; Glorot 2010)."""
    sizes = (inputs, *net.hidden, classes)
    return tuple(
        rng.standard_normal((after, before)) * math.sqrt(net.gain / before)
        for before, after in itertools.pairwise(sizes)
    )


def first_layers(weights: Sequence[Floats], *, has_scale: bool) -> Layers:
    """Return the layers before the first step; the last one is never normalized."""
    import torch

    last = len(weights) - 1
    return tuple(
        Layer(
            torch.from_numpy(weight),
            torch.zeros(len(weight), dtype=torch.float64),
            torch.ones(len(weight), dtype=torch.float64) if has_scale and i < last else None,
        )
        for i, weight in enumerate(weights)
    )


class Pass(NamedTuple):
    """What comes of rows: scores of the classes, and of every hidden layer what it gives.

    Parameters
    ----------
    scores
        Shape (rows, classes).
    raw
        Of every hidden layer, its linear map alone.
    given
        Of every hidden layer, what its rectifier and so the next layer is given.
    """

    scores: Tensor
    raw: list[Tensor]
    given: list[Tensor]


def forward(
    net: Net,
    layers: Layers,
    rows: Tensor,
    noise: Sequence[Disturbance] | None = None,
    counted: int | None = None,
) -> Pass:
    """Pass rows through a net.

    Parameters
    ----------
    net, layers
        Its shape and parameters.
    rows
        Shape (rows, inputs).
    noise
        Of every hidden layer that is normalized, what is multiplied by and added.
    counted
        How many of the first rows make the statistics of batch normalization; all if None.
    """
    import torch.nn.functional as F  # noqa: N812  # so called everywhere

    raw, given = [], []
    for i, layer in enumerate(layers[:-1]):
        values = F.linear(rows, layer.weight)
        raw.append(values)
        if layer.scale is None:
            values = values + layer.shift
        else:
            values = normalized(values, layer, counted)
            if noise is not None:
                scale, shift = noise[i]
                values = values * scale + shift
        given.append(values)
        rows = F.relu(values) if net.is_rectified else values
    return Pass(F.linear(rows, layers[-1].weight, layers[-1].shift), raw, given)


def normalized(values: Tensor, layer: Layer, counted: int | None = None) -> Tensor:
    """Return values normalized by the statistics of the first `counted` of them, or of all."""
    import torch.nn.functional as F  # noqa: N812

    if counted is None:
        return F.batch_norm(
            values, None, None, layer.scale, layer.shift, training=True, eps=EPSILON
        )
    part = values[:counted]
    mean, variance = part.mean(0), part.var(0, correction=0)
    return F.batch_norm(
        values, mean, variance, layer.scale, layer.shift, training=False, eps=EPSILON
    )


def loss_of(scores: Tensor, classes: Tensor) -> Tensor:
    """Return the mean cross-entropy, in natural units."""
    import torch.nn.functional as F  # noqa: N812

    return F.cross_entropy(scores, classes)


class Batch(NamedTuple):
    """Rows with their classes."""

    rows: Tensor
    classes: Tensor


def gradients(
    net: Net, layers: Layers, batch: Batch, noise: Sequence[Disturbance] | None
) -> Slopes:
    """Return the gradient of the loss of a batch by all tensors of all layers."""
    import torch

    live = tuple(_live(layer) for layer in layers)
    loss = loss_of(forward(net, live, batch.rows, noise).scores, batch.classes)
    found = iter(torch.autograd.grad(loss, [t for layer in live for t in layer.tensors()]))
    return [[next(found) for _ in layer.tensors()] for layer in live]


def gradient_of(
    net: Net, layers: Layers, place: int, batch: Batch, noise: Sequence[Disturbance] | None
) -> Tensor:
    """Return the gradient of the loss of a batch by the weight of one layer."""
    import torch

    live = list(layers)
    live[place] = _live(layers[place])
    loss = loss_of(forward(net, tuple(live), batch.rows, noise).scores, batch.classes)
    return torch.autograd.grad(loss, [live[place].weight])[0]


def _live(layer: Layer) -> Layer:
    return Layer(*(tensor.detach().requires_grad_() for tensor in layer.tensors()))


def moved(layers: Layers, slopes: Slopes, rate: float) -> Layers:
    """Return the layers after a step of plain gradient descent; the old ones stay as they are."""
    return tuple(
        Layer(*(old - rate * slope for old, slope in zip(layer.tensors(), part, strict=True)))
        for layer, part in zip(layers, slopes, strict=True)
    )


def batches(rows: Tensor, classes: Tensor, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches for ever: epochs in random order, of which the tail is dropped."""
    import torch

    count = len(rows)
    while True:
        order = torch.from_numpy(rng.permutation(count))
        for first in range(0, count - size + 1, size):
            chosen = order[first : first + size]
            yield Batch(rows[chosen], classes[chosen])
