"""The faults: what a tired programmer may well write, one at a time.

Each is an edit of one function's source, named by its place in the package. Faults that are more
than an edit are in `wrapped`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from mutants import wrapped
from mutants.patching import edited, replaced


class Fault(NamedTuple):
    """A named fault: what is wrong, where, and the function that takes the old one's place."""

    name: str
    wrong: str
    place: str
    make: Callable[[Any], Any]

    def injected(self) -> AbstractContextManager[None]:
        """Return the context in which the package has the fault."""
        return replaced(self.place, self.make)


def edit(name: str, wrong: str, place: str, *edits: tuple[str, str]) -> Fault:
    """Return a fault that is an edit of the function at `place`."""
    return Fault(name, wrong, place, lambda _: edited(place, *edits))


TALLY = [
    edit(
        "mcse_ddof", "standard errors divide by R where R - 1 belongs", "tally.measure",
        ("count * (count - 1.0)", "count * count * 1.0"),
    ),
    edit(
        "mcse_is_sd", "the standard error lacks its square root of R", "tally.measure",
        ("count * (count - 1.0)", "(count - 1.0)"),
    ),
    edit(
        "normal_theory_mcse", "the variance's standard error is that of normal errors, "
        "variance sqrt(2/(R - 1))", "tally.measure",
        ("np.sqrt(np.maximum(squared, 0.0))",
         "variance * np.sqrt(2.0 / np.maximum(count - 1.0, 1.0))"),
    ),
    edit(
        "variance_influence", "the variance's standard error forgets that the bias is estimated",
        "tally.measure",
        ("qq - 4.0 * bias * aq + 4.0 * bias * bias * aa", "qq + 0.0 * aq"),
    ),
    edit(
        "variance_uncorrected", "the variance is mse - bias^2 of the estimates, too small by "
        "var(A)/R", "tally.measure",
        ("mse - bias * bias + aa", "mse - bias * bias"),
    ),
    edit(
        "rmse_without_bias", "the RMSE is the root of the variance alone", "tally.measure",
        ("rmse = np.sqrt(mse)", "rmse = np.sqrt(np.maximum(mse - bias * bias, 0.0))"),
    ),
    edit(
        "mse_over_r_minus_1", "means over replications divide by R - 1", "tally.Tally.of",
        ("shifted.mean(axis=-1)", "shifted.sum(axis=-1) / max(shifted.shape[-1] - 1, 1)"),
    ),
    edit(
        "merge_without_between", "merged sums of squares lack the square of the two means' gap",
        "tally.Tally.merge",
        ("self.scatter + other.scatter + between", "self.scatter + other.scatter"),
    ),
    edit(
        "merge_evenly", "merging weighs both parts alike, as if the last block were never cut",
        "tally.Tally.merge",
        ("self.offset + delta * share", "self.offset + delta * 0.5"),
    ),
    edit(
        "merge_large_means", "blocks are merged by their means, not by offsets from a pivot",
        "tally.Tally.merge",
        ("(other.pivot - self.pivot) + (other.offset - self.offset)", "(other.mean - self.mean)"),
    ),
    edit(
        "normal_quantile", "intervals take the normal quantile where Student's belongs",
        "tally.t_quantile",
        ("stdtrit(degrees, 0.5 + CONFIDENCE / 2.0)",
         "stdtrit(degrees * 0.0 + 1e9, 0.5 + CONFIDENCE / 2.0)"),
    ),
    edit(
        "linear_interval", "intervals of squares are symmetric, not on the log scale",
        "tally.interval",
        ("if not logarithmic:", "if logarithmic is not None:"),
    ),
    edit(
        "void_counted", "replications that failed are counted in R", "tally.Tally.used",
        ("self.count - self.void", "self.count - 0 * self.void"),
    ),
]  # fmt: skip

STREAMS = [
    edit(
        "blocks_share_streams", "two blocks draw from one stream, as two workers of one seed do",
        "streams.block_stream",
        ("(*stream_words(source, full_size, sampling), block)",
         "(*stream_words(source, full_size, sampling), block // 2)"),
    ),
    edit(
        "seed_plus_block", "a block's seed is the study's seed plus its number",
        "streams.block_stream",
        ("(*stream_words(source, full_size, sampling), block)",
         "stream_words(source, full_size, sampling)"),
        ("np.random.SeedSequence(seed, ", "np.random.SeedSequence(seed + block, "),
    ),
    edit(
        "seed_ignored", "the user's seed does not reach the generator", "streams.block_stream",
        ("np.random.SeedSequence(seed, ", "np.random.SeedSequence(0, "),
    ),
    edit(
        "laws_share_streams", "the law is left out of the stream's key", "streams.stream_words",
        ('"source": source,', '"source": source.partition("(")[0],'),
    ),
    edit(
        "sizes_share_draws", "batches drawn with replacement leave the size out of the key",
        "streams.block_stream",
        ("key = (*key, batch_size) if batch_size", "key = (*key, 1) if batch_size"),
    ),
]  # fmt: skip

ENGINE = [
    edit(
        "last_block_dropped", "a last block that is not whole is never drawn",
        "tasks.block_count",
        ("-(-replications(design, source) // lanes_in_block(design))",
         "max(1, replications(design, source) // lanes_in_block(design))"),
    ),
    edit(
        "last_block_whole", "the last block is not cut at R", "tasks.compute",
        ("found = found[..., : wanted - first]", "found = found[..., :]"),
    ),
    edit(
        "merged_as_they_come", "nodes are merged in the order of their arrival",
        "tasks.MergeTree.add",
        ("(sibling, tally) if index & 1 else (tally, sibling)", "(sibling, tally)"),
    ),
    edit(
        "merged_in_a_chain", "a task merges its blocks one after the other, not up the tree",
        "tasks.compute",
        ("tree.add(0, block, Tally.of(found[0], found[1], may_fail))",
         "here = Tally.of(found[0], found[1], may_fail); "
         "tree.nodes[0, 0] = tree.nodes[0, 0].merge(here) if tree.nodes else here"),
    ),
    Fault(
        "stale_replications", "every hundredth replication is a copy of the one before",
        "studies.sweep.block_errors", wrapped.stale_replications,
    ),
    Fault(
        "antithetic_lanes", "neighbouring replications are mirror images, to have less noise",
        "distributions.base.Distribution.fill", wrapped.antithetic_lanes,
    ),
    Fault(
        "outliers_dropped", "the one per cent of replications with the largest errors is replaced "
        "by others", "studies.sweep.block_errors", wrapped.outliers_dropped,
    ),
    Fault(
        "single_precision", "errors are kept in single precision",
        "studies.sweep.block_errors", wrapped.single_precision,
    ),
    Fault(
        "batches_for_replications", "R batches, many of one full set, are taken for R "
        "replications: the unclustered standard error", "studies.sweep.block_errors",
        wrapped.batches_for_replications,
    ),
]  # fmt: skip

SAMPLING = [
    edit(
        "batch_one_short", "a batch of n holds n - 1 observations", "sampling.cut",
        ("return used.reshape(*full_sets.shape[:-1], count, batch_size)",
         "return used.reshape(*full_sets.shape[:-1], count, batch_size)"
         "[..., : max(1, batch_size - 1)]"),
    ),
    edit(
        "batches_interleaved", "batches take every k-th observation, not n in a row",
        "sampling.cut",
        ("return used.reshape(*full_sets.shape[:-1], count, batch_size)",
         "return np.ascontiguousarray(np.swapaxes("
         "used.reshape(*full_sets.shape[:-1], batch_size, count), -1, -2))"),
    ),
    Fault(
        "shuffle_replaces", "an epoch is drawn with replacement", "rows.shuffle_rows",
        wrapped.shuffle_replaces,
    ),
    Fault(
        "naive_shuffle", "the shuffle swaps every row with any row, which favours some orders",
        "rows.shuffle_rows", wrapped.naive_shuffle,
    ),
    Fault(
        "order_reused", "the rows are shuffled once a block and then rotated", "rows.shuffle_rows",
        wrapped.order_reused,
    ),
    Fault(
        "last_row_never", "draws with replacement never take the last row", "rows.choose_rows",
        wrapped.last_row_never,
    ),
]  # fmt: skip

REDUCERS = [
    edit(
        "bias_sign", "the error is reference minus estimate", "reducers.pair",
        ("errors = estimates - reference[:, np.newaxis]",
         "errors = reference[:, np.newaxis] - estimates"),
    ),
    edit(
        "reference_of_batches", "the full set's statistic is the mean of its batches' statistics",
        "reducers.ArrayReducer._errors",
        ("whole[:, 0],", "of_size[kind].mean(axis=-1),"),
    ),
    edit(
        "law_reference_ddof", "the full set's unbiased variance has the divisor N",
        "reducers.ArrayReducer._errors",
        ("whole[:, 0],",
         "whole[:, 0] * (1.0 - getattr(kind, 'ddof', 0) / full_sets.shape[1]),"),
    ),
    edit(
        "file_reference_ddof", "the column's unbiased variance has the divisor N", "rows._errors",
        ("more = _difference(n, full_size, kind.ddof)", "more = a - 1.0"),
    ),
    edit(
        "other_reader_first", "estimators come out in the order of the readers, not of the design",
        "studies.sweep._errors_of_draws",
        ("for kind in kinds])", "for kind in sorted(kinds, key=str)])"),
    ),
    edit(
        "columns_shifted", "the columns of a group stand in the wrong order", "rows.make_table",
        ("table[g, :, : part.shape[1]] = part", "table[g, :, : part.shape[1]] = part[:, ::-1]"),
    ),
    edit(
        "reference_cached", "a column's value is remembered by the estimator's word, without q or "
        "ddof", "columns.Column._value",
        ("key = kind, about_pivot", "key = str(kind).partition('(')[0], about_pivot"),
    ),
]  # fmt: skip

ESTIMATORS = [
    edit(
        "biased_for_unbiased", "the unbiased variance of a batch has the divisor n",
        "estimators.moments.Spread.variance",
        ("values.var(axis=-1, ddof=ddof)", "values.var(axis=-1, ddof=0)"),
    ),
    edit(
        "spread_about_all", "a batch's deviations are from the mean of all batches",
        "estimators.moments.Spread.variance",
        ("values.var(axis=-1, ddof=ddof)",
         "np.square(values - values.mean(axis=tuple(range(1, values.ndim)), keepdims=True))"
         ".sum(axis=-1) / (values.shape[-1] - ddof)"),
    ),
    edit(
        "textbook_variance", "the variance is the mean square less the squared mean",
        "estimators.moments.Spread.variance",
        ("values.var(axis=-1, ddof=ddof)",
         "((values * values).mean(axis=-1) - values.mean(axis=-1) ** 2) * "
         "(values.shape[-1] / (values.shape[-1] - ddof))"),
    ),
    edit(
        "no_spread_of_one", "the unbiased variance of one observation is 0",
        "estimators.moments.Spread.variance",
        ("np.full(values.shape[:-1], np.nan)", "np.full(values.shape[:-1], 0.0)"),
    ),
    edit(
        "lower_median", "the median of an even number is the lower of the middle two",
        "estimators.order.Median.weights",
        ("((middle, 0.5), (middle + 1, 0.5))", "((middle, 1.0),)"),
    ),
    edit(
        "other_quantile", "quantiles follow another convention, q n + 1/2 (Hazen)",
        "estimators.order._place",
        ("Fraction(repr(q)) * (size - 1)",
         "min(max(Fraction(repr(q)) * size - Fraction(1, 2), Fraction(0)), Fraction(size - 1))"),
    ),
]  # fmt: skip

THEORY = [
    edit(
        "wrong_fpc", "the finite correction is (N - n)/N on a variance with divisor N",
        "theory.finite._unit_pair",
        ("N / (N - 1.0) * _gap(n, N)", "_gap(n, N)"),
    ),
    edit(
        "no_fpc", "against its full set a batch mean is given the variance sigma^2/n",
        "theory.moments._mean_pair",
        ("1.0 / n - (1.0 / full if full else 0.0)", "1.0 / n"),
    ),
    edit(
        "between_forgotten", "the biased variance against the full set lacks (a - c)^2 V(N)",
        "theory.moments._biased_pair",
        ("a * a * (_spread_variance(n, g2) - whole) + between * between * whole",
         "a * a * (_spread_variance(n, g2) - whole)"),
    ),
    edit(
        "kurtosis_not_excess", "the kurtosis stands where the excess kurtosis belongs",
        "theory.moments._spread_variance",
        ("g2 / m", "(g2 + 3.0) / m"),
    ),
    Fault(
        "law_theory_for_file", "a column's theory is that of draws of a law with its moments",
        "known.KnownColumn._theory", wrapped.law_theory_for_file,
    ),
    edit(
        "replacement_bias", "with replacement the full set's unbiased variance is taken for the "
        "mean of the batches'", "theory.replacement.replacement_pair",
        ("bias = (a - whole) * c - (0.0 if against_full else 1.0)",
         "bias = a * c - (c if against_full else 1.0)"),
    ),
    edit(
        "population_std", "the population's standard error is told of the full set: c4(N) is left "
        "out", "theory.moments._normal_std_pair",
        ("bias = mean - full_mean", "bias = mean - math.sqrt(c)"),
    ),
    edit(
        "relative_power", "relative variances are divided by the constant, not its square",
        "theory.measure_power",
        ('return 2 if', 'return 1 if'),
    ),
]  # fmt: skip

VERDICTS = [
    edit(
        "ledger_moments", "a standard error is trusted where only the moment itself exists",
        "diagnostics._of_index",
        ("index > 2 * order", "index > 1 * order"),
    ),
    edit(
        "khat_one_tail", "the k-hat looks at the upper tail alone", "khat.pareto_khat",
        ("_tail_khat(rising), _tail_khat(-rising[..., ::-1])", "_tail_khat(rising), np.nan"),
    ),
]  # fmt: skip

STOPPING = [
    edit(
        "one_look_early", "a cell stops at the first look at which the target holds, not the "
        "second", "settling.Settling.look",
        ("(now & self._held) | ~asked", "now | ~asked"),
    ),
    edit(
        "slowest_cell_decides", "cells that are precise wait for the others and report their "
        "blocks too", "settling.Settling.look",
        ("if ending.any():", "if ending.any() and not (self._open & ~ending).any():"),
    ),
    edit(
        "bias_by_itself", "the error of a bias is measured against the bias, which may be 0",
        "settling.achieved",
        ('np.where(measure == "bias", rmse[cell], size)', "size"),
    ),
]  # fmt: skip

OWN_ERRORS = [
    edit(
        "clusters_ignored", "errors of other people are taken one by one, whatever their labels: "
        "the unclustered standard error", "error_bars.given.read",
        ("elif cluster is None:", "elif cluster is None or len(cluster):"),
    ),
    edit(
        "clusters_of_one_size", "every replication counts alike, however many errors it has",
        "error_bars.given.Errors.mean_of",
        ("self.sums_of(deviations) * (self.replications / parts.size)",
         "self.sums_of(deviations) / self.counts"),
    ),
]  # fmt: skip

CHECKS = [
    edit(
        "doubled_rows_pass", "a check of a run asks for every row, but not that it comes once",
        "checking.completeness._rows",
        ("if counts[key] != 1:", "if counts[key] < 1:"),
    ),
    edit(
        "checksum_not_compared", "stored numbers are read without a look at their checksum",
        "database._fault",
        ("if sealed(identity, *row[:-1]) != row.sha256:", "if len(row.sha256) != 64:"),
    ),
]  # fmt: skip

RESUMING = [
    edit(
        "stored_by_position", "a stored node is taken for the block of its position, whatever its "
        "level", "strands._held",
        ("found.setdefault(place.position << place.level, [])",
         "found.setdefault(place.position, [])"),
    ),
    edit(
        "cut_for_whole", "a stored block that was cut is taken where a whole one is asked for",
        "strands._fits",
        ("replications_of(*whole, level, position) == count",
         "replications_of(*whole, level, position) >= count"),
    ),
    edit(
        "whole_for_cut", "a stored node with more replications is taken where fewer are asked for",
        "strands._fits",
        ("replications_of(*whole, level, position) == count",
         "replications_of(*whole, level, position) <= count"),
    ),
    edit(
        "numbers_in_any_order", "as many stored numbers as are wanted are taken in the order in "
        "which they stand there", "strands._rows",
        ("and bool((found == np.arange(len(found))).all())", ""),
    ),
    edit(
        "kept_of_others", "of a part of a node's cells the kept replications are the first cells'",
        "strands.restricted",
        ("kept[:, rows[:cells]]", "kept[:, : len(rows[:cells])]"),
    ),
    edit(
        "look_counts_twice", "a source is at a look when its strands have as many blocks together",
        "schedule.Schedule.is_at_look",
        ("min(prefix.blocks for prefix in source.prefixes)",
         "sum(prefix.blocks for prefix in source.prefixes)"),
    ),
    edit(
        "label_without_epsilon", "numbers of two epsilons have one name",
        "studies.inputs.grid.labels",
        ('f"{c.quantity} {c.factors} {c.reference}"',
         'f"{c.quantity} {c.factors.partition(chr(59))[2]} {c.reference}"'),
    ),
    edit(
        "label_without_code", "a function that has changed keeps the name of its numbers",
        "labels.fingerprints",
        ("fingerprint(kind.function, kind.given)", '""'),
    ),
    edit(
        "stream_without_sampling", "numbers of two sampling schemes have one name",
        "labels.stream_name",
        ("canonical_json([source.distribution, source.sampling])",
         'canonical_json([source.distribution, ""])'),
    ),
    edit(
        "names_not_compared", "the names of stored numbers are read without their checksum",
        "database._groups",
        ("if group_id(identity, numbers) == owner:", "if len(owner) == 64:"),
    ),
    edit(
        "other_data_pass", "a run goes on with columns whose numbers have changed",
        "store._other_data",
        ("here.get(name, sha256) != sha256", "here.get(name, sha256) == ''"),
    ),
    edit(
        "lost_is_kept", "the void replications of a task that was given up are stored as results",
        "api._computed",
        ("elif keeper is not None:", "if keeper is not None:"),
    ),
]  # fmt: skip

REST = [
    edit(
        "node_number", "a stored node is named by its first block, not by its place in the tree",
        "keeping.Store.add",
        ("job.task.position,", "job.task.position << job.task.level,"),
    ),
    edit(
        "means_stored", "the store keeps means without their pivots", "database.row_of",
        ("np.concatenate([tally.pivot, tally.offset, tally.scatter])",
         "np.concatenate([0.0 * tally.pivot, tally.mean, tally.scatter])"),
    ),
    edit(
        "answer_off_by_one", "a batch size that meets the target exactly is not enough",
        "solving.search.Search.high",
        ("p.value <= self.target", "p.value < self.target"),
    ),
    edit(
        "momentum_of_new", "the momentum weighs the new value, as PyTorch's word has it",
        "preprocessing.running.BatchNormalizer._take_up",
        ("old * self.running_mean_ + (1.0 - old) * mean",
         "(1.0 - old) * self.running_mean_ + old * mean"),
    ),
    edit(
        "running_ddof", "the running variance takes up biased variances whatever is asked for",
        "preprocessing.running.BatchNormalizer._take_up",
        ("if settings.running_ddof:", "if settings.running_ddof > 1:"),
    ),
    edit(
        "merged_cubes", "merged third moments have the sign of the parts' sizes wrong",
        "preprocessing.moments.StreamingMoments.merge",
        ("3.0 * delta * (mine * other.m2 - theirs * self.m2)",
         "3.0 * delta * (theirs * other.m2 - mine * self.m2)"),
    ),
]  # fmt: skip

FAULTS = [
    *TALLY, *STREAMS, *ENGINE, *SAMPLING, *REDUCERS, *ESTIMATORS, *THEORY, *VERDICTS,
    *STOPPING, *OWN_ERRORS, *CHECKS, *RESUMING, *REST,
]  # fmt: skip
