"""What is looked for among the values of a column: placeholders, ways of writing, spellings, far numbers, dates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.core import outliers, patterns, placeholders, spelling
from workbench.core.arrow import Kind
from workbench.core.distinct import Distinct, of_rows


def distinct(values: list[object], kind: Kind = Kind.TEXT) -> Distinct:
    """Return the distinct values of a column of a kind."""
    if kind is Kind.TIME:
        values = [np.datetime64(str(v), "us").astype(object) for v in values]
    types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.TIME: pa.timestamp("us", "UTC")}
    found = of_rows("c", pa.array(values, types[kind]), kind)
    assert found is not None
    return found


def held(d: Distinct, mask: np.ndarray) -> set[str]:
    """Return the labels of the chosen values."""
    return {label for label, yes in zip(d.labels, mask, strict=True) if yes}


# ---------------------------------------------------------------------------- placeholders


def test_words_and_signs_in_any_case_are_placeholders() -> None:
    d = distinct(
        ["yes"] * 30 + ["?", " n/a ", "None", "NULL", "-", "1900-01-01", "9999-12-31T00:00:00", "none of these"]
    )

    assert held(d, d.placeholders["word or sign"]) == {
        "?", " n/a ", "None", "NULL", "-", "1900-01-01", "9999-12-31T00:00:00",
    }  # fmt: skip
    assert not placeholders.is_word("")
    assert not placeholders.is_word("1900-01-02")


@pytest.mark.parametrize(("empty", "suspected"), [(9, True), (10, True), (11, False), (60, False)])
def test_empty_texts_are_suspected_where_nine_in_ten_cells_are_filled(empty: int, suspected: bool) -> None:
    d = distinct([""] * empty + ["x"] * (100 - empty))

    assert held(d, d.placeholders["empty text"]) == ({""} if suspected else set())


def test_nines_far_from_the_rest_are_placeholders_and_nines_among_the_rest_are_not() -> None:
    ages = [float(20 + i % 60) for i in range(200)]
    far, among, once = (distinct([*ages, *more], Kind.NUMBER) for more in ([999.0, 999.0], [99.0, 99.0], [999.0]))

    assert held(far, far.placeholders["number"]) == {"999"}
    assert not among.placeholders["number"].any()
    assert not once.placeholders["number"].any()  # a code recurs


def test_a_negative_code_needs_no_distance_where_nothing_else_is_negative() -> None:
    d = distinct([float(i % 5) for i in range(100)] + [-9.0, -9.0], Kind.NUMBER)
    balance = distinct([float(i % 50 - 25) for i in range(100)] + [-9.0, -9.0], Kind.NUMBER)

    assert held(d, d.placeholders["number"]) == {"-9"}
    assert not balance.placeholders["number"].any()


def test_numbers_written_as_text_have_the_same_placeholders() -> None:
    d = distinct([str(20 + i % 60) for i in range(200)] + ["-999"] * 3 + ["N/A"] * 60)

    assert held(d, d.placeholders["number"]) == {"-999"}
    assert d.said.sum() == 200


def test_days_at_the_ends_of_calendars_are_placeholders_of_times() -> None:
    year = [np.datetime64("2020-01-01", "us") + np.timedelta64(i, "D") for i in range(100)]
    d = distinct([*year, *[np.datetime64("1900-01-01", "us")] * 2], Kind.TIME)
    early = [np.datetime64("1969-10-01", "us") + np.timedelta64(i, "D") for i in range(200)]
    among = distinct([*early, np.datetime64("1970-01-01", "us")], Kind.TIME)

    assert held(d, d.placeholders["day"]) == {"1900-01-01T00:00:00+00:00"}
    assert not among.placeholders["day"].any()


# ---------------------------------------------------------------------------- ways of writing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", (12.0, "")),
        (" -1.5e3 ", (-1500.0, "")),
        ("1,234.5", (1234.5, "")),
        (".5", (0.5, "")),
        ("12.0 oz.", (12.0, "oz.")),
        ("$5", (5.0, "$")),
        ("7%", (7.0, "%")),
        ("1,23", None),
        ("12/02/2011", None),
        ("E46", None),
        ("", None),
        ("1720 university boulevard west", None),
    ],
)
def test_number_and_unit(text: str, expected: tuple[float, str] | None) -> None:
    assert patterns.number_and_unit(text) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_python_writes_is_read(value: float) -> None:
    assert patterns.number_and_unit(repr(value)) == (value, "")


def odd(values: list[str]) -> dict[str, set[str]]:
    """Return what is written otherwise in a column, by kind."""
    d = distinct(values)
    found = patterns.written_otherwise(d.texts or (), d.said)
    return {why: held(d, mask) for why, mask in found.items() if mask.any()}


def test_units_mixed_in_one_column_are_suspected_all() -> None:
    values = ["12 oz"] * 40 + ["16 oz."] * 40 + ["12 OZ."] * 20

    assert odd(values) == {"unit": {"12 oz", "16 oz.", "12 OZ."}}


def test_a_unit_that_all_values_carry_is_not_suspected_and_one_that_deviates_is() -> None:
    values = [f"{i}%" for i in range(50)]

    assert odd(values) == {}
    assert odd([*values, "51 %", "52", "53 kg"]) == {"unit": {"52", "53 kg"}}


def test_one_unit_written_in_several_ways_is_suspected_though_nobody_knows_it() -> None:
    values = ["3 crates"] * 40 + ["4 Crates"] * 40 + ["5"] * 20

    assert odd(values) == {"unit": {"3 crates", "4 Crates"}}


def test_a_sign_on_a_minority_of_numbers_is_suspected() -> None:
    plain, signed = [f"0.{i:03}" for i in range(70)], [f"0.{i:03}%" for i in range(30)]

    assert odd([*plain, *signed]) == {"unit": set(signed)}


def test_codes_of_number_and_letter_are_no_units() -> None:
    values = [f"{i % 30}{'ABC'[i % 3]}" for i in range(90)]

    assert odd(values) == {}


def test_a_few_words_among_numbers_are_not_numbers_and_many_are_a_column_of_words() -> None:
    numbers = [str(i) for i in range(95)]

    assert odd([*numbers, "many", "some"]) == {"not a number": {"many", "some"}}
    assert odd([*numbers[:50], *["many"] * 50]) == {}


def test_codes_with_another_shape_or_length() -> None:
    assert odd([f"AB-{i:03}" for i in range(97)] + ["AB 098", "Ab-099"]) == {"shape": {"AB 098", "Ab-099"}}
    assert odd([f"{i:05}" for i in range(10_000, 10_300)] + ["1907"]) == {"length": {"1907"}}
    assert odd([str(i) for i in range(9_000, 9_300)] + [str(i) for i in range(10_000, 10_300)]) == {}


def test_numbers_of_three_digits_are_no_codes() -> None:
    assert odd([str(i) for i in range(100, 400)] + ["99"]) == {}


def test_words_beside_fewer_codes_have_no_shape() -> None:
    assert odd(["north"] * 60 + ["A1"] * 36 + ["East"] * 4) == {}


def test_words_have_no_shape_but_a_digit_among_them_is_odd() -> None:
    words = ["north", "South", "east side", "West-End", "O'Hara"] * 40

    assert odd(words) == {}
    assert odd([*words, "n0rth"]) == {"shape": {"n0rth"}}


def test_long_texts_are_no_numbers_and_have_no_shape() -> None:
    assert patterns.number_and_unit("9" * 10_000_000) is None
    assert patterns.shape_of("a" * 10_000_000) == "text"


# ---------------------------------------------------------------------------- spellings


def full_distance(one: str, two: str) -> int:
    """Return the Levenshtein distance by the whole table (Wagner and Fischer 1974), the oracle of the banded one."""
    before = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            row.append(min(before[j - 1] + (a != b), before[j] + 1, row[-1] + 1))
        before = row
    return before[-1]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12), st.integers(0, 6))
def test_banded_distance_is_the_distance_up_to_its_limit(one: str, two: str, most: int) -> None:
    whole = full_distance(one, two)

    assert spelling.edit_distance(one, two, most) == (whole if whole <= most else None)


def spelt(values: list[str]) -> dict[str, str]:
    """Return what is taken for what, in a column."""
    d = distinct(values)
    texts = d.texts or ()
    near = spelling.near_spellings(texts, d.counts)
    return {texts[i]: texts[j] for i, j in (spelling.variants(texts, d.counts) | near).items()}


def test_case_spaces_and_stops_are_variants_of_the_frequent_form() -> None:
    values = ["New York"] * 9 + ["new  york", "NEW YORK ", "New_York."] + ["Boston"] * 5

    assert spelt(values) == dict.fromkeys(["new  york", "NEW YORK ", "New_York."], "New York")


def test_forms_that_are_equally_frequent_accuse_nobody() -> None:
    assert spelt(["yes", "Yes", "no", "no"]) == {}


def test_rare_values_near_frequent_ones_are_misspelt() -> None:
    values = ["birmingham"] * 20 + ["huntsville"] * 20 + ["birminghxm", "hunstville", "mobile"]

    assert spelt(values) == {"birminghxm": "birmingham", "hunstville": "huntsville"}


@pytest.mark.parametrize("other", ["scip-inf-2", "scip-inf-10", "type b patients", "typea patients north"])
def test_other_digits_short_words_and_added_parts_are_other_values(other: str) -> None:
    values = ["scip-inf-1"] * 30 + ["type a patients"] * 30 + ["typea patients"] * 30

    assert other not in spelt([*values, other])


@pytest.mark.parametrize(
    ("word", "other", "yes"),
    [
        ("scip-inf-2", "scip-inf-1", False),
        ("scip-inf-10", "scip-inf-1", False),
        ("type b patients", "type a patients", False),
        ("birmingham ne", "birmingham", False),
        ("birminghamm", "birmingham", True),
        ("birminghm", "birmingham", True),
        ("measure x2", "measure 12", True),
    ],
)
def test_what_may_be_misspelt(word: str, other: str, yes: bool) -> None:
    assert spelling.plausible(word, other) is yes


def test_a_letter_in_place_of_a_digit_is_misspelt() -> None:
    assert spelt(["measure 12"] * 20 + ["measure x2"]) == {"measure x2": "measure 12"}


def test_columns_whose_frequent_values_are_near_each_other_are_passed_over() -> None:
    names = ["martin", "marvin", "marlin", "helena", "helene", "helens"]

    assert spelt([n for n in names for _ in range(20)] + ["mardin", "heleny"]) == {}


def test_long_texts_of_the_same_words_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "_MOST_WORK", 1_000_000)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["alpha", "beta", "gamma", "delta", "omega", "north"], 70)) for _ in range(300)]
    counts = np.array([50] * 200 + [1] * 100)

    assert spelling.near_spellings([*texts, "birmingham", "birminghxm"], np.append(counts, [50, 1])) == {}
    assert spelling.near_spellings([*texts[:2], "birmingham", "birminghxm"], np.array([50, 50, 50, 1])) == {3: 2}


def test_values_and_their_number_of_rows_decide_not_their_order() -> None:
    values = ["birmingham"] * 20 + ["birminghxm", "birmingha", "Birmingham"]

    assert spelt(values) == spelt(values[::-1])


# ---------------------------------------------------------------------------- numbers


@given(st.lists(st.integers(-50, 50), min_size=30, max_size=80), st.sampled_from([3.5, 5.0]))
def test_mad_fences_are_those_of_scipy(values: list[int], threshold: float) -> None:
    x = np.array(values, float) - 100  # all negative: no logarithm, no zeros
    unique, counts = np.unique(x, return_counts=True)
    found = outliers.fences(unique, counts, threshold=threshold)
    spread = stats.median_abs_deviation(x, scale="normal")

    if spread == 0:
        assert found.why
    else:
        assert found.low == pytest.approx(np.median(x) - threshold * spread, rel=1e-9)
        assert found.high == pytest.approx(np.median(x) + threshold * spread, rel=1e-9)


@given(st.lists(st.integers(-50, 50), min_size=30, max_size=80))
def test_tukey_fences_and_tails_are_those_of_numpy(values: list[int]) -> None:
    x = np.array(values, float) - 100
    unique, counts = np.unique(x, return_counts=True)
    found = outliers.fences(unique, counts, method="tukey")
    tail, first, median, third, head = np.quantile(x, [0.05, 0.25, 0.5, 0.75, 0.95])

    if first == third:
        assert found.why
    else:
        assert (found.low, found.high) == pytest.approx((first - 3 * (third - first), third + 3 * (third - first)))
        assert (found.far_low, found.far_high) == pytest.approx(
            (tail - 3 * (median - tail), head + 3 * (head - median))
        )


def test_a_long_tail_has_outliers_and_nothing_suspected_and_a_gross_error_is_suspected() -> None:
    x = np.round(np.random.default_rng(0).lognormal(8, 1, 5_000), 2)
    clean = outliers.fences(x, np.ones(len(x), int))
    spoilt = np.append(x, 1e9)
    found = outliers.fences(spoilt, np.ones(len(spoilt), int))

    assert clean.scale == "log"
    assert not clean.far(x).any()
    assert np.flatnonzero(found.far(spoilt)).tolist() == [5_000]


def test_a_symmetric_column_stays_on_its_own_scale() -> None:
    x = np.random.default_rng(1).normal(100, 5, 2_000)

    assert outliers.fences(x, np.ones(len(x), int)).scale == "plain"


def test_zeros_are_set_apart_where_nothing_is_negative() -> None:
    x = np.append(np.zeros(900), np.random.default_rng(2).normal(100, 5, 100))
    found = outliers.fences(x, np.ones(len(x), int))

    assert not found.why
    assert not found.outside(x).any()


@pytest.mark.parametrize("values", [[], [1.0] * 19, [1.0] * 60 + [2.0] * 5])
def test_too_few_or_too_equal_numbers_have_no_fences(values: list[float]) -> None:
    x = np.array(values)
    found = outliers.fences(x, np.ones(len(x), int))

    assert found.why
    assert not found.outside(x).any()


def test_digits_of_one_length_are_codes_and_amounts_are_not() -> None:
    codes = distinct([f"{35000 + i}" for i in range(100)] + ["99801"])

    assert patterns.fixed_length(codes.texts or (), codes.counts) == 5
    amounts = distinct([str(7 * i) for i in range(300)])
    assert patterns.fixed_length(amounts.texts or (), amounts.counts) == 0
