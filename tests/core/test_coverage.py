"""The coverage study of the interval methods, small: the whole is `python -m tests.bench.coverage`."""

from __future__ import annotations

import pytest

from tests.bench.coverage_methods import every

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_no_method_covers_less_than_it_says() -> None:
    """Each interval method at each of its denominators and rates meets STATISTICS section 5 within two errors."""
    lines = list(every(1000, 20261125))
    methods = {line.method for line in lines}

    assert len(lines) > 450
    assert {"wilson", "newcombe-tukey", "mover-r-tukey", "multinomial bootstrap", "delong, paired"} <= methods
    assert [line for line in lines if line.answer == "under"] == []
