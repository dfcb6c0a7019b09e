"""What the caption of the first page's picture says a larger batch is worth."""

from tiny_tables import cell, data_frame, frame_of, tiny_frame, undefined_frame

from simnorm.report.findings.overview import overview_finding


def test_four_times_the_batch_halves_an_error_that_falls_as_one_over_the_root():
    """Errors of 1/sqrt(n) are halved, by hand; values without a valid error bar take no part."""
    said = (
        "Among the larger batches, four times the size divides the error of the standard deviation "
        "by 2.0 and that of the mean by 2.0."
    )
    assert overview_finding(tiny_frame()) == said
    assert overview_finding(data_frame()) == said


def test_the_smallest_and_largest_ratio_are_told():
    """1/n of one distribution and 1/sqrt(n) of the other: a quarter and a half, by hand."""
    rows = [
        line
        for name, power in (("normal", 1.0), ("uniform", 0.5))
        for n in (2, 8, 32, 128)
        for line in cell(name, "mean", n, n**-power)
    ]
    frame = frame_of(rows).assign(full_size=512)
    assert overview_finding(frame).endswith("divides the error of the mean by 2.0 to 4.0.")


def falling(errors, **rows):
    """The mean of one distribution with these errors by batch size."""
    lines = [line for n, error in errors.items() for line in cell("a", "mean", n, error)]
    return frame_of(lines).assign(**rows)


def test_a_factor_is_told_where_batches_reach_over_it():
    """The upper half of 4, 5, 8, 16 is too short; that of 2, 4, 8, 32 reaches over four."""
    near, far = ({n: n**-0.5 for n in sizes} for sizes in ((4, 5, 8, 16), (2, 4, 8, 32)))
    assert overview_finding(falling(near, full_size=512)) == ""
    assert "by 2.0." in overview_finding(falling(far, full_size=512))


def test_near_the_full_set_no_factor_is_told():
    """Of N = 32 only batches up to 8 count, which do not reach over four; drawn anew all do."""
    errors = {n: n**-0.5 for n in (2, 4, 8, 32)}
    assert overview_finding(falling(errors, full_size=32)) == ""
    anew = falling(errors, full_size=32, sampling="replacement")
    assert "by 2.0." in overview_finding(anew)


def test_errors_that_fall_by_no_one_power_have_no_factor():
    """As that of the median of a rare event: hardly at first, and by orders of magnitude then."""
    errors = {2: 1.0, 4: 1.0, 8: 0.9, 16: 0.5, 32: 1e-3, 64: 1e-7}
    assert overview_finding(falling(errors, full_size=4096)) == ""


def test_one_size_has_no_ratio_and_undefined_values_have_none():
    """Nothing is said where there is nothing to compare."""
    assert overview_finding(frame_of(cell("normal", "mean", 8, 0.5))) == ""
    assert overview_finding(undefined_frame()) == ""
