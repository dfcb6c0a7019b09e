"""Compiled loops: drawing, moments in one pass, merging and reading order statistics, distances.

These are the only modules that import numba. The pass over a block has no fast-math: where straight
row segments end depends on which batch sizes are asked for, so a reassociated sum would change the
last bits of one size when another size joins the grid. Each loop over lanes is a function of its
own, because that is what the compiler turns into vector instructions. There is no array arithmetic:
a single line of it takes seconds to compile.
"""

from simnorm.kernels.distances import largest_steps
from simnorm.kernels.fills import ORIGINS, fill_normal, look_up
from simnorm.kernels.moments import REBASE, add_block, add_rows, moment_errors
from simnorm.kernels.order import (
    median_distances,
    merge_halves,
    paired_errors,
    rank_sums,
    sort_pairs,
    trimmed_means,
)
from simnorm.kernels.rows import BLOCK_ROWS, choose_rows, gather_moments, shuffle_rows
from simnorm.kernels.running import average_steps, draw_moments, row_moments
from simnorm.kernels.shapes import shapes

__all__ = [
    "BLOCK_ROWS",
    "ORIGINS",
    "REBASE",
    "add_block",
    "add_rows",
    "average_steps",
    "choose_rows",
    "draw_moments",
    "fill_normal",
    "gather_moments",
    "largest_steps",
    "look_up",
    "median_distances",
    "merge_halves",
    "moment_errors",
    "paired_errors",
    "rank_sums",
    "row_moments",
    "shapes",
    "shuffle_rows",
    "sort_pairs",
    "trimmed_means",
]
