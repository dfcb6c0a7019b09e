"""Reports are made without the garbage collector, which is as it was before and after."""

from __future__ import annotations

import gc

import pytest

from simnorm.report.collector import uncollected


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_off_inside_and_then_as_before(on):
    """Whether it was on or off, and after an error too."""
    was_on = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == on
        with pytest.raises(ZeroDivisionError), uncollected():
            _ = 1 / 0
        assert gc.isenabled() == on
    finally:
        (gc.enable if was_on else gc.disable)()
