"""How long a net is trained: until its loss falls no more, by a rule that is the same for all.

A net stops when its loss on the training rows, the mean over an epoch, has not fallen by 0.0001 in
200 updates (0.0001 is what scikit-learn's ``MLPClassifier`` takes), and after 2,000 updates at the
latest. It is tested with the weights that it had after the epoch of its least loss, so that no net
is the worse for having been trained on. Each net stops by its own loss: those that learn slowly
get more updates, and none gets fewer because another one is done. No test row has a say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.studies.scaling.models import Nets
from simnorm.studies.scaling.sides import SideBySide

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_UPDATES = 2000
# Updates without a fall of the loss by so much are enough.
PATIENCE, FALL = 200, 1e-4


class Training:
    """Nets that are trained side by side, each until it learns no more.

    Parameters
    ----------
    nets
        One for each scaling, not trained yet.
    codes
        The classes of the training rows.
    tests
        The number of test rows.

    Attributes
    ----------
    predicted
        The classes of the test rows as a net told them when it stopped, shape (nets, rows).
    updates
        How many each has had.
    going
        The places of those that still learn.
    """

    def __init__(self, nets: Nets, codes: Codes, tests: int) -> None:
        count = len(nets.parameters)
        self.predicted = np.full((count, tests), -1, np.int64)
        self.updates = np.zeros(count, np.int64)
        self._nets, self._codes = nets, codes
        self.going = np.arange(count)
        self._best = nets.parameters.copy()
        self._least = np.full(count, np.inf)
        # The loss when it last fell by enough, and the update then.
        self._mark = np.full(count, np.inf)
        self._since = np.zeros(count, np.int64)

    @property
    def is_done(self) -> bool:
        """Tell whether all have stopped."""
        return not self.going.size

    def epoch(self, side: SideBySide) -> None:
        """Train those that still learn by one epoch, as it is scaled; test those that stop."""
        if self.is_done:
            return
        going, nets = self.going, self._nets
        losses = nets.epoch(lambda order: side.take(order, going), self._codes)
        better = losses < self._least[going]
        self._least[going[better]] = losses[better]
        self._best[going[better]] = nets.parameters[better]
        fallen = losses < self._mark[going] - FALL
        self._mark[going[fallen]] = losses[fallen]
        self._since[going[fallen]] = nets.updates
        self.updates[going] = nets.updates
        stops = nets.updates - self._since[going] >= PATIENCE
        stops |= nets.updates >= MOST_UPDATES
        if stops.any():
            done = going[stops]
            self.predicted[done] = nets.predict(side.test()[done], self._best[done])
            self.going = going[~stops]
            nets.keep(~stops)
