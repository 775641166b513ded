"""Lengths and words of free text, by hand, by SciPy and by a plain count of words."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.performance.measured import one, run, value
from workbench.core import texts
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status
from workbench.core.values import ValueCounts

NOBODY = Roles()
words = st.sampled_from(["the", "Late", "late", "paid", "x_1", "Ünder", "日本", "don't", ""])
sentences = st.lists(st.lists(words, max_size=5).map(" ".join), min_size=1, max_size=40)


def drift(current: list[str | None], reference: list[str | None]) -> Finding:
    """Compare two columns called x."""
    return run("drift.text", *(pd.DataFrame({"x": c}, dtype=object) for c in (current, reference)), NOBODY)


def of(finding: Finding, name: str, window: str = "") -> float:
    """Return a measure of x."""
    return value(finding, name, column="x", window=window)


@given(sentences, sentences)
def test_words_and_lengths_are_as_counted_plainly(b: list[str], a: list[str]) -> None:
    """From tables of values as from every row: words, unseen occurrences, singletons, lengths."""
    one_table, two_table = ValueCounts.of(a), ValueCounts.of(b)
    said = [[w for text in side for w in re.findall(r"\w+", text.casefold())] for side in (a, b)]
    known = texts.vocabulary(one_table)
    found = texts.unseen_words(two_table, known)

    assert known == Counter(said[0])
    assert (found.x, found.n) == (sum(w not in known for w in said[1]), len(said[1]))
    assert found.distinct == len({w for w in said[1] if w not in known})
    assert texts.chance_of_unseen(known) == (sum(c == 1 for c in Counter(said[0]).values()), len(said[0]))
    if found.n:
        assert found.interval is not None
        assert 0 <= found.interval.low <= found.x / found.n <= found.interval.high <= 1
    lengths = texts.lengths(two_table)
    assert np.repeat(lengths.values, lengths.counts).tolist() == sorted(len(t) for t in b)


def test_from_frames_to_measures() -> None:
    """Lengths against SciPy's KS; the longest on both sides; unseen words with n occurrences."""
    reference = [f"claim {i} paid" for i in range(60)]
    current = [f"claim {i} refused late" for i in range(30)] + [f"claim {i} paid" for i in range(30)]
    found = drift([*current, None], reference)
    lengths = [[len(t) for t in side] for side in (reference, current)]

    assert of(found, "length_ks") == pytest.approx(stats.ks_2samp(*lengths, method="asymp").statistic)
    assert of(found, "length_mean_difference") == pytest.approx(np.mean(lengths[1]) - np.mean(lengths[0]))
    assert (of(found, "longest"), of(found, "longest", "reference")) == (21, 13)
    share = one(found, "unseen_word_share", column="x")
    assert (share.value, share.n) == (pytest.approx(60 / 210), 210)
    assert of(found, "unseen_words") == 2
    assert of(found, "unseen_word_share_null_mean") == pytest.approx(60 / 180)  # the numbers occur once each
    assert {m.name for m in found.measures if m.name.startswith("length_")} == {
        "length_ks", "length_ks_reference_n", "length_ks_p_value", "length_mean_difference",
    }  # fmt: skip


def test_interval_allows_for_words_that_come_together() -> None:
    """Texts that are wholly new: the interval goes by texts, not by words, and covers over repeated draws."""
    rng = np.random.default_rng(6)
    covered = narrow = 0
    for _ in range(400):
        new = rng.random(80) < 0.2
        table = ValueCounts.of([" ".join(["new" if n else "old"] * 25) + f" {'old ' * 5}" for n in new])
        found = texts.unseen_words(table, {"old": 9})
        assert found.interval is not None
        low, high = found.interval.low, found.interval.high
        covered += low <= 0.2 * 25 / 30 <= high
        plain = stats.binomtest(found.x, found.n).proportion_ci(method="wilson")
        narrow += plain.low <= 0.2 * 25 / 30 <= plain.high
    assert covered >= 0.93 * 400
    assert narrow < 0.6 * 400


def test_a_new_language() -> None:
    """Every word unseen: the share is 1 and its interval stays below by what the texts allow."""
    english = [f"the {w} is late" for w in "abcdefghijklmnopqrstuvwxyz"]
    german = [f"die {w}{w} kommt spaet" for w in "abcdefghijklmnopqrstuvwxyz"]
    share = one(drift(german, english), "unseen_word_share", column="x")

    assert (share.value, share.n, share.high) == (1.0, 104, 1.0)
    assert share.low == pytest.approx(1 / (1 + 1.959964**2 / 26), abs=1e-4)  # Wilson's of 26 texts of 26


@pytest.mark.parametrize("side", ["current", "reference"])
def test_missing_and_wordless_on_one_side(side: str) -> None:
    """No value, or values without a word: undefined with a reason."""
    texts_here = [f"case {i}" for i in range(40)]
    order = (lambda x: (x, texts_here)) if side == "current" else (lambda x: (texts_here, x))
    gone = drift(*order([None] * 40))
    where = "current data" if side == "current" else "reference"
    assert {m.undefined_because for m in gone.measures} == {f"every value is missing in the {where}"}

    marks = drift(*order(["!" * (i + 1) for i in range(40)]))
    name = "unseen_word_share" if side == "current" else "unseen_word_share_null_mean"
    assert "word" in one(marks, name, column="x").undefined_because
    assert of(marks, "length_ks") > 0.5


def test_categories_are_left_to_the_other_check() -> None:
    """Few distinct values are no free text, on both sides; many on one side are."""
    few = ["a", "b"] * 30
    assert drift(few, few).status is Status.NOT_APPLICABLE
    assert drift(few, [f"t{i}" for i in range(60)]).status is Status.MEASURED


def test_a_sample_of_values_says_so() -> None:
    """Beyond the table of values lengths and words are those of a hashed sample, told in notes and methods."""
    many = [f"order number {i}" for i in range(140_000)]
    found = drift(many, many)

    assert found.notes == ("column 'x': lengths and words are those of a sample of 1 in 2 values",)
    assert of(found, "unseen_word_share") == 0.0
    assert one(found, "longest", column="x").method == "of a sample of values: a lower bound"
    assert 60_000 < (one(found, "length_ks", column="x").n or 0) < 80_000
