"""What both transformers share: rows in, and normalizing by the statistics learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from simnorm.errors import SimnormError
from simnorm.preprocessing.batches import Floats, spread
from simnorm.preprocessing.checks import per_feature

# float32 comes back as float32; everything in between is float64.
DTYPES = (np.float64, np.float32)

# Set by every fit after all checks: rows that were refused do not count as learned.
LEARNED = "n_samples_seen_"

Rows = NDArray[np.floating]


class Normalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer that subtracts a mean and divides by a standard deviation it has learned."""

    def _learned(self) -> tuple[Floats, Floats, float]:
        """Return mean and variance of every feature, and epsilon."""
        raise NotImplementedError

    def transform(self, X: Any) -> Any:
        """Normalize rows by the statistics learned: gamma (x - mean)/sqrt(var + epsilon) + beta.

        This is inference: no row depends on those beside it. A feature with var + epsilon = 0
        comes out as beta.

        Parameters
        ----------
        X
            Array or data frame, shape (rows, features).

        Returns
        -------
        array of the shape of `X`, float32 if `X` is, otherwise float64
        """
        check_is_fitted(self, LEARNED)
        rows: Rows = validate_data(self, X, reset=False, dtype=DTYPES)
        mean, variance, epsilon = self._learned()
        gamma, beta = self._affine(rows)
        normalized = (rows - mean) / spread(variance, epsilon)
        return (gamma * normalized + beta).astype(rows.dtype, copy=False)

    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform`; where var + epsilon = 0 the mean comes back, the rest was lost.

        Parameters
        ----------
        X
            Array or data frame, shape (rows, features).

        Returns
        -------
        array of the shape of `X`, float32 if `X` is, otherwise float64
        """
        check_is_fitted(self, LEARNED)
        # Names are not asked for: what comes back from `transform` is an array without any.
        rows: Rows = check_array(X, dtype=DTYPES, estimator=self)
        if rows.shape[1] != self.n_features_in_:
            allowed = f"allowed are {self.n_features_in_} features"
            raise SimnormError("X", rows.shape, allowed)
        mean, variance, epsilon = self._learned()
        gamma, beta = self._affine(rows)
        if not gamma.all():
            needed = "inverse_transform needs numbers other than 0"
            raise SimnormError("gamma", self.gamma, needed, "0 makes all rows beta.")
        original = (rows - beta) / gamma * np.sqrt(variance + epsilon) + mean
        return original.astype(rows.dtype, copy=False)

    def _first_rows(self, X: Any, *, reset: bool = True) -> Rows:
        """Check rows to learn from; with reset=False against what was learned, if anything was."""
        if not reset and not hasattr(self, LEARNED):
            unlearned: Rows = check_array(X, dtype=DTYPES, estimator=self)
            return unlearned
        rows: Rows = validate_data(self, X, reset=reset, dtype=DTYPES)
        return rows

    def _affine(self, rows: Rows) -> tuple[Floats, Floats]:
        features = rows.shape[1]
        return (
            per_feature("gamma", self.gamma, features),
            per_feature("beta", self.beta, features),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
