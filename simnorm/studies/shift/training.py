"""One training run of a net in one variant, and what is measured on its way.

Step t takes the layers from W(t-1) to W(t). At some steps the activations of a fixed probe, some
of the training rows, are looked at before and after; see `simnorm.studies.shift` for the measures.
Whatever chance decides comes from a stream of its own, so that all variants and learning rates
share the split, the first weights, the order of batches and the halves of the probe; those with
noise have the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.streams import block_stream
from simnorm.studies.shift.distances import (
    Change,
    Moments,
    Sample,
    batch_distance,
    gradient_change,
    ks_distance,
    middle,
    moment_distance,
    wasserstein_distance,
)
from simnorm.studies.shift.nets import (
    EPSILON,
    NOISE,
    NOISY_BN,
    NONE,
    Batch,
    Disturbance,
    Layers,
    Net,
    Noise,
    Pass,
    Slopes,
    Units,
    batches,
    disturbances,
    draw_units,
    first_layers,
    first_weights,
    forward,
    gradient_of,
    gradients,
    loss_of,
    moved,
)
from simnorm.tally import quietly

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]
# Makes the generator of a purpose, for a batch size where it has a say.
Chance = Callable[..., np.random.Generator]

MOMENT_SHIFT, KS_SHIFT, WASSERSTEIN_SHIFT = "moment_shift", "ks_shift", "wasserstein_shift"
MOMENT_DRIFT, KS_DRIFT, RAW_SHIFT = "moment_drift", "ks_drift", "raw_shift"
GRADIENT_CHANGE, GRADIENT_SHIFT = "gradient_change", "gradient_shift"
GRADIENT_COSINE = "gradient_cosine"
BATCH_SHIFT, TRAIN_LOSS, TEST_ACCURACY = "batch_shift", "train_loss", "test_accuracy"
# Every layer has a value of these; gradients are in the order of `Change`.
OF_ACTIVATIONS = (
    MOMENT_SHIFT, KS_SHIFT, WASSERSTEIN_SHIFT, MOMENT_DRIFT, KS_DRIFT, RAW_SHIFT, BATCH_SHIFT,
)  # fmt: skip
OF_GRADIENTS = (GRADIENT_CHANGE, GRADIENT_SHIFT, GRADIENT_COSINE)

# So many steps are looked at, evenly spread, and so many more for the outcomes.
MOST_LOOKS, MOST_OUTCOMES = 6, 8
TRAINING_SHARE = 0.75
# Test rows over training rows of a split, for the corrected resampled t.
TEST_SHARE = (1.0 - TRAINING_SHARE) / TRAINING_SHARE
# So many of the training rows at most are the fixed probe: sorting more of them takes longer than
# all training does.
MOST_PROBED = 512
# A loss that is so many times that of the first weights has diverged.
DIVERGED = 2.0
# So many batches show what batch statistics do at fixed weights.
MOST_BATCHES = 8


def looks(steps: int) -> tuple[int, ...]:
    """Return the steps at which the shift is measured: the first, the last, and evenly between.

    Examples
    --------
    >>> looks(300)
    (1, 61, 121, 180, 240, 300)
    >>> looks(3)
    (1, 2, 3)
    """
    return tuple(np.unique(np.linspace(1, steps, MOST_LOOKS).round().astype(int)).tolist())


def outcome_steps(steps: int) -> tuple[int, ...]:
    """Return the steps after which loss and accuracy are taken: 0, more at first, and all looks.

    Examples
    --------
    >>> outcome_steps(5)
    (0, 1, 2, 3, 4, 5)
    """
    rising = np.geomspace(1, steps, MOST_OUTCOMES).round().astype(int).tolist()
    return tuple(sorted({0, *rising, *looks(steps)}))


def chance_of(seed: int, dataset: str, full_size: int, block: int) -> Chance:
    """Return what makes the generators of a replication: one for every purpose."""

    def of(purpose: str, batch_size: int = 0) -> np.random.Generator:
        return block_stream(seed, dataset, full_size, f"shift {purpose}", block, batch_size)

    return of


class Split(NamedTuple):
    """Rows to train on, those of them that are the fixed probe, and rows to test with."""

    train: Batch
    probe: Batch
    test: Batch

    @classmethod
    def of(cls, values: Floats, codes: NDArray[np.int64], rng: np.random.Generator) -> Split:
        """Split rows at random, and standardize them by those to train on.

        Parameters
        ----------
        values
            Shape (N, columns); a column that is constant among the rows to train on becomes 0.
        codes
            Classes from 0 on, shape (N,).
        rng
            Draws the order of the rows.
        """
        import torch

        order = rng.permutation(len(values))
        count = round(TRAINING_SHARE * len(values))
        here = values[order[:count]]
        mean, sd = here.mean(axis=0), here.std(axis=0)
        flat = np.ptp(here, axis=0) == 0.0
        z = np.where(flat, 0.0, (values - mean) / np.where(flat, 1.0, sd))
        return cls(
            *(
                Batch(torch.from_numpy(z[chosen]), torch.from_numpy(codes[chosen]))
                for chosen in (order[:count], order[: min(count, MOST_PROBED)], order[count:])
            )
        )


class Found(NamedTuple):
    """What a run has come to, by quantity; all of a run that has diverged is NaN.

    Parameters
    ----------
    values
        Shape (layers, steps); loss and accuracy have one layer.
    floors
        The same of two samples at the same weights: two halves of the probe, or two batches.
    """

    values: dict[str, Floats]
    floors: dict[str, Floats]

    @property
    def loss(self) -> float:
        """The training loss after the last step."""
        return float(self.values[TRAIN_LOSS][0, -1])


class Run:
    """A training run.

    Parameters
    ----------
    net, word
        The net, and what its streams are called.
    variant
        One of `simnorm.options.VARIANTS`.
    size
        Rows of a batch.
    split
        What it learns from, is probed and tested with.
    weights
        Before the first step.
    chance
        Makes generators.
    rate
        Of plain gradient descent.
    noise
        How strong it is, in the variant that has some.
    """

    def __init__(
        self,
        net: Net,
        word: str,
        variant: str,
        size: int,
        split: Split,
        weights: Sequence[Floats],
        chance: Chance,
        rate: float,
        noise: Noise = NOISE,
    ) -> None:
        self.net, self.variant, self.size, self.split = net, variant, size, split
        self.rate = rate
        self.noise = noise if variant == NOISY_BN else None
        self.first = first_layers(weights, has_scale=variant != NONE)
        self.batches = batches(*split.train, size, chance("batches", size))
        self._units = chance(f"noise {word}", size)
        self._rows = chance(f"noise of rows {word}", size)
        self._probe = chance(f"noise of the probe {word}", size)
        self._halves, self._samples = chance("halves"), chance("samples", size)

    @quietly  # of a net that diverges
    def train(self, steps: int) -> Found:
        """Train for so many steps and return what was measured.

        A run whose loss is no number any more, or in the end more than twice that of the first
        weights, has diverged: all of it is NaN.
        """
        looked, told = looks(steps), set(outcome_steps(steps))
        shifts: list[_Look] = []
        layers, outcomes = self.first, [self._outcome(self.first)]
        batch, (units, noise) = next(self.batches), self._draw()
        start = _samples(self._pass_probe(self.first, units))
        for step in range(1, steps + 1):
            next_batch, (next_units, next_noise) = next(self.batches), self._draw()
            slopes = gradients(self.net, layers, batch, noise)
            after = moved(layers, slopes, self.rate)
            if step in looked:
                change = self._activations(start, (layers, units), (after, next_units))
                change |= self._gradients(
                    (layers, slopes, batch, noise), (after, next_batch, next_noise)
                )
                shifts.append(change)
            if step in told:
                outcomes.append(self._outcome(after))
                if not math.isfinite(outcomes[-1][0]):
                    return self._nothing(steps)
            layers, batch, units, noise = after, next_batch, next_units, next_noise
        if outcomes[-1][0] > DIVERGED * outcomes[0][0]:
            return self._nothing(steps)
        return _found(shifts, outcomes)

    def _nothing(self, steps: int) -> Found:
        """Return what a run that has diverged has come to."""
        hidden, seen = len(self.net.hidden), len(looks(steps))
        shape = dict.fromkeys(OF_ACTIVATIONS, (hidden, seen)) | dict.fromkeys(
            OF_GRADIENTS, (hidden, seen)
        )
        told = dict.fromkeys((TRAIN_LOSS, TEST_ACCURACY), (1, len(outcome_steps(steps))))
        values = {name: np.full(size, np.nan) for name, size in (shape | told).items()}
        return Found(values, {name: values[name] for name in shape if name != BATCH_SHIFT})

    # -----------------------------------------------------------------------------------------
    # Noise

    def _draw(self) -> tuple[tuple[Units, ...], list[Disturbance] | None]:
        if self.noise is None:
            return (), None
        units = draw_units(self.noise, self.net, self._units)
        return units, disturbances(self.noise, units, self.size, self._rows)

    def _pass_probe(self, layers: Layers, units: tuple[Units, ...]) -> Pass:
        """Pass the probe, by its own statistics, with noise of rows around that of the units."""
        rows, noise = self.split.probe.rows, None
        if self.noise is not None:
            noise = disturbances(self.noise, units, len(rows), self._probe)
        return forward(self.net, layers, rows, noise)

    # -----------------------------------------------------------------------------------------
    # Measures

    def _activations(
        self,
        start: list[Sample],
        before: tuple[Layers, tuple[Units, ...]],
        after: tuple[Layers, tuple[Units, ...]],
    ) -> _Look:
        """Return distances of every layer's activations, with their floors."""
        first, passed = self._pass_probe(*before), self._pass_probe(*after)
        here, there = _samples(first), _samples(passed)
        order = self._halves.permutation(len(self.split.probe.rows))
        half = len(order) // 2
        parts = order[:half], order[half : 2 * half]
        halves = [[Sample.of(x.numpy().T[:, part]) for part in parts] for x in passed.given]
        floor = {
            name: [middle(distance(*pair)) for pair in halves]
            for name, distance in (
                ("moment", moment_distance),
                ("ks", ks_distance),
                ("wasserstein", wasserstein_distance),
            )
        }
        raw = [[_moments(x), _moments(y)] for x, y in zip(first.raw, passed.raw, strict=True)]
        raw_halves = [[_moments(x[part]) for part in parts] for x in passed.raw]
        shift, drift = list(zip(here, there, strict=True)), list(zip(start, there, strict=True))
        found = {
            MOMENT_SHIFT: ([middle(moment_distance(*p)) for p in shift], floor["moment"]),
            KS_SHIFT: ([middle(ks_distance(*p)) for p in shift], floor["ks"]),
            WASSERSTEIN_SHIFT: (
                [middle(wasserstein_distance(*p)) for p in shift], floor["wasserstein"],
            ),
            MOMENT_DRIFT: ([middle(moment_distance(*p)) for p in drift], floor["moment"]),
            KS_DRIFT: ([middle(ks_distance(*p)) for p in drift], floor["ks"]),
            RAW_SHIFT: (
                [middle(moment_distance(*pair)) for pair in raw],
                [middle(moment_distance(*pair)) for pair in raw_halves],
            ),
            BATCH_SHIFT: (self._by_batches(passed.raw), None),
        }  # fmt: skip
        return found

    def _by_batches(self, raw: Sequence[Tensor]) -> list[float]:
        """Return how far values normalized by batches are from those normalized by the probe."""
        if self.variant == NONE:
            return [0.0] * len(raw)
        count = len(self.split.probe.rows)
        pieces = max(1, min(MOST_BATCHES, count // self.size))
        order = self._samples.permutation(count)[: pieces * self.size].reshape(pieces, -1)
        return [by_batches(values.numpy().T, order) for values in raw]

    def _gradients(
        self,
        now: tuple[Layers, Slopes, Batch, list[Disturbance] | None],
        then: tuple[Layers, Batch, list[Disturbance] | None],
    ) -> _Look:
        """Return how gradients change as earlier layers move on, and from batch to batch.

        The noise of earlier layers moves on with them. The first layer has none before it.
        """
        (before, slopes, batch, noise), (after, next_batch, next_noise) = now, then
        others = gradients(self.net, before, next_batch, noise)
        changes, floors = [], []
        for place in range(1, len(before)):
            mixed = None
            if noise is not None and next_noise is not None:
                mixed = [*next_noise[:place], *noise[place:]]
            ahead = (*after[:place], *before[place:])
            there = gradient_of(self.net, ahead, place, batch, mixed).numpy()
            here = slopes[place][0].numpy()
            changes.append(gradient_change(here, there))
            floors.append(gradient_change(here, others[place][0].numpy()))
        return {
            name: ([getattr(c, part) for c in changes], [getattr(f, part) for f in floors])
            for name, part in zip(OF_GRADIENTS, Change._fields, strict=True)
        }

    def _outcome(self, layers: Layers) -> tuple[float, float]:
        """Return the loss of all training rows and the share of test rows that are right.

        Batch normalization takes its statistics from all training rows; noise stays at its middle.
        """
        import torch

        (rows, classes), test = self.split.train, self.split.test
        noise = None if self.noise is None else [self.noise.middle] * len(self.net.hidden)
        every = torch.cat([rows, test.rows])
        scores = forward(self.net, layers, every, noise, counted=len(rows)).scores
        loss = float(loss_of(scores[: len(rows)], classes))
        right = scores[len(rows) :].argmax(dim=1) == test.classes
        return loss, float(right.double().mean())


def _samples(passed: Pass) -> list[Sample]:
    return [Sample.of(given.numpy().T) for given in passed.given]


def _moments(values: Tensor) -> Moments:
    return Moments.of(values.numpy().T)


def by_batches(values: Floats, order: NDArray[np.int64]) -> float:
    """Return how far values normalized by batches are from those normalized by all rows.

    Parameters
    ----------
    values
        What a layer is to normalize, shape (units, rows).
    order
        The rows of every batch, shape (batches, n).
    """
    values = np.ascontiguousarray(values)
    mean, sd = values.mean(axis=-1), values.std(axis=-1)
    parts = values[:, order]
    means, sds = parts.mean(axis=-1).T, parts.std(axis=-1).T
    distances = [batch_distance(mean, sd, *part, EPSILON) for part in zip(means, sds, strict=True)]
    return float(np.mean([middle(distance) for distance in distances]))


# By quantity: a number for every layer, and its floor.
_Look = dict[str, tuple[list[float], list[float] | None]]


def _found(shifts: Sequence[_Look], outcomes: Sequence[tuple[float, float]]) -> Found:
    """Put together what was measured at all steps."""
    values, floors = {}, {}
    for name in shifts[0]:
        values[name] = np.array([look[name][0] for look in shifts]).T
        under = [look[name][1] for look in shifts]
        if under[0] is not None:
            floors[name] = np.array(under).T
    ends = np.array(outcomes).T
    values[TRAIN_LOSS], values[TEST_ACCURACY] = ends[:1], ends[1:]
    return Found(values, floors)


def weights_of(
    net: Net, word: str, inputs: int, classes: int, chance: Chance
) -> tuple[Floats, ...]:
    """Return the first weights of a net, the same for all variants and batch sizes."""
    return first_weights(net, inputs, classes, chance(f"weights {word}"))
