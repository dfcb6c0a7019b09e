# %% [markdown]
# # Do I need to standardize the inputs if batch normalization comes first?
#
# The usual answer: batch normalization does it too, but by the mean and spread of a small sample.
# This notebook puts numbers to "small", on the 13 columns of scikit-learn's wine data.
#
# It is a plain script: VS Code, Spyder and Jupyter (with Jupytext) open it as a notebook, and
# `python scripts/notebook.py` runs it. It needs no network and leaves no files.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

import simnorm as sn

try:
    from IPython.display import display
except ImportError:  # run as a script
    display = print

wine = load_wine(as_frame=True).data

# %% [markdown]
# ## How far is a batch from all rows?
#
# 256 times the rows are shuffled and cut into batches, as in an epoch of training. Every number
# has the standard error that comes of having done it 256 times, and where an exact value is known
# it stands beside.

# %%
result = sn.sweep(data=wine, batch_sizes="2:64:x2")
display(result)

# %%
display(result.figure("overview"))

# %% [markdown]
# One column in numbers, and the errors of three columns on axes of your own:

# %%
display(result.table("relative_rmse").loc["proline"].round(3))

# %%
fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
for ax, name in zip(axes, ["proline", "malic_acid", "magnesium"], strict=True):
    result.plot("relative_rmse", ax, estimator="biased_variance", name=name)
    ax.set_title(name)
display(fig)
plt.close(fig)

# %% [markdown]
# ## Theory beside simulation
#
# The variance of a batch mean about the mean of all N rows is S²(1/n - 1/N), for any data. That of
# a batch variance is known as well. Simulated values should lie within a few standard errors.

# %%
proline = wine["proline"].to_numpy()
simulated = result.table("relative_variance").loc["proline"]
errors = result.table("relative_variance", value="mcse").loc["proline"]
for n in (4, 16, 64):
    exact = sn.theory.variance_of("biased_variance", n=n, data=proline) / proline.var() ** 2
    found, error = simulated.loc[n, "biased_variance"], errors.loc[n, "biased_variance"]
    z = (found - exact) / error
    print(f"n = {n:2}: {found:.4f} ± {error:.4f}, exact {exact:.4f}, z = {z:+.1f}")

# %% [markdown]
# ## What a batch's statistics are distributed like
#
# Small batches are not only noisy: their variances are skewed, and too small more often than not.

# %%
display(result.plot("sampling_distribution", estimator="biased_variance", name="proline").figure)

# %% [markdown]
# ## What that does to the values
#
# The value that leaves the layer against the z-score that `StandardScaler` gives, in standard
# deviations:

# %%
inputs = sn.study("inputs", data=wine, batch_sizes=[2, 8, 16, 32, 64])
display(inputs)
display(inputs.figure("error"))

# %% [markdown]
# ## Which batch size is enough?
#
# For an error of 0.2 standard deviations in every value:

# %%
for answer in sn.solve(0.2, data=wine, columns=["proline", "malic_acid", "magnesium"]):
    print(answer)

# %% [markdown]
# ## Error bars for a simulation of your own
#
# Batches of one epoch come from the same rows, so their errors depend on each other: an epoch is
# the unit, and `cluster` says which one an error belongs to. Of two ways to do something on the
# same draws, `compare` finds the difference with an error bar that knows of the pairing. Here: is
# the spread of a batch better measured by the standard deviation or by the interquartile range?

# %%
rng = np.random.default_rng(0)
n, epochs = 16, 400
k = proline.size // n
batches = np.stack([rng.permutation(proline)[: k * n].reshape(k, n) for _ in range(epochs)])
epoch = np.repeat(np.arange(epochs), k)


def relative_errors(spread):
    """Return the errors of all batches, relative to the value for all rows."""
    return (spread(batches) / spread(proline) - 1.0).ravel()


def quartile_range(sample):
    """Return the distance of the quartiles."""
    low, high = np.quantile(sample, [0.25, 0.75], axis=-1)
    return high - low


std, iqr = relative_errors(lambda x: np.std(x, axis=-1)), relative_errors(quartile_range)
display(sn.mcse(std, "rmse", cluster=epoch))
display(sn.compare(iqr, std, "rmse", kind="ratio", cluster=epoch))

# %% [markdown]
# ## To show it around
#
# The report has all of this, with the results and the design attached. Here it goes into a folder
# that is gone afterwards; `result.report("wine.pdf")` keeps it.

# %%
with tempfile.TemporaryDirectory(prefix="simnorm-") as folder:
    report = result.report(Path(folder) / "wine.pdf")
    print(f"{report.name}: {report.stat().st_size / 1e3:,.0f} kB")
