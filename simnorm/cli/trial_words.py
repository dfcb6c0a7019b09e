"""What the words mean that the studies scaling and shift choose from, for ``simnorm list``."""

from __future__ import annotations

from collections.abc import Mapping

DATASETS: Mapping[str, str] = {
    "wine": "chemical analyses: 178 rows, 13 features of different scales, 3 classes",
    "breast_cancer": "cell nuclei: 569 rows, 30 features of different scales, 2 classes",
    "digits": "images of 8 by 8 pixels: 1,797 rows, 64 features of one scale, 10 classes",
    "spread_scales": "digits, with scales of its features from 1 to 1,000,000",
    "heavy_tails": "wine, with features shaped like Student's t with 1, 2 and 4 degrees of freedom",
    "normal_tails": "wine, with features shaped like a normal distribution",
}
MODELS: Mapping[str, str] = {
    "knn": "the five nearest neighbours",
    "mlp": "a neural network with one hidden layer of 32 units",
}
SCALERS: Mapping[str, str] = {
    "none": "features as they are",
    "min_max": "to the range 0 to 1 of the training rows",
    "z_score": "to mean 0 and standard deviation 1 of the training rows, as StandardScaler does",
    "robust": "to median 0 and interquartile range 1 of the training rows",
    "batch": "batch normalization at the input: by each batch, when tested by running averages",
}
NETS: Mapping[str, str] = {
    "mlp": "a network with rectifiers (ReLU)",
    "linear": "a deep network without them, which can learn linear maps alone",
}
VARIANTS: Mapping[str, str] = {
    "none": "no batch normalization",
    "bn": "batch normalization between the layers",
    "noisy_bn": "the same with noise behind it, other in every step (Santurkar et al. 2018)",
}
# Titles of the lists, each with its words.
LISTS: Mapping[str, Mapping[str, str]] = {
    "Data sets with classes (study scaling, study shift)": DATASETS,
    "Models (study scaling)": MODELS,
    "Scalers (study scaling)": SCALERS,
    "Networks (study shift)": NETS,
    "Variants of them (study shift)": VARIANTS,
}
