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
    assert overview_finding(frame_of(rows)).endswith("divides the error of the mean by 2.0 to 4.0.")


def test_one_size_has_no_ratio_and_undefined_values_have_none():
    """Nothing is said where there is nothing to compare."""
    assert overview_finding(frame_of(cell("normal", "mean", 8, 0.5))) == ""
    assert overview_finding(undefined_frame()) == ""
