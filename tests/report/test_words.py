import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.records import IMG, LONG, RTL, judgements, passing, record
from workbench.audit.record import Verdict
from workbench.core.finding import Measure, group_label
from workbench.report import words
from workbench.report.static import static_text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "–"),
        (0.84213, "", "0.842"),
        (0.84213, "share", "84.2%"),
        (1.0, "share", "100.0%"),
        (0.0, "share", "0.0%"),
        (0.00123, "share", "0.123%"),
        (-0.5, "", "−0.500"),
        (1488, "rows", "1\u202f488"),
        (-1234567, "", "−1\u202f234\u202f567"),
        (12345.678, "", "12\u202f346"),
        (3e-9, "", "3.00e−09"),
    ],
)
def test_a_number_reads_with_three_digits(value, unit, text):
    assert words.number(value, unit) == text


def test_value_and_interval_share_their_decimals():
    assert words.value_words(Measure("x", 0.84, low=0.79, high=0.88)) == "0.840 [0.790, 0.880]"
    assert words.value_words(Measure("x", 0.841, low=0.789, high=0.884), "share") == "84.1% [78.9, 88.4]"
    assert words.value_words(Measure("x", 0.00002, low=-0.05, high=0.05)) == "0.0000 [−0.0500, 0.0500]"
    assert words.value_words(Measure("x", 2.0, low=None, high=3.0)) == "2.00 [−∞, 3.00]"
    assert words.value_words(Measure("x", None, undefined_because="0/0")) == "–"


def test_no_difference_shown_is_not_called_fair():
    sentence = words.measure_sentence(Measure("a_difference", 0.01, low=0.0, high=0.04, unit="share"))
    assert "no difference shown" in sentence
    assert "no difference shown" not in words.measure_sentence(Measure("a_ratio", 0.8, low=0.7, high=0.9))


def test_nothing_promises_too_much():
    everything = static_text(record()) + static_text(passing())
    for word in ("safe", "bias-free", "compliant", "fair "):
        assert word not in everything.lower()


@pytest.mark.parametrize("values", [["a", "b"], ["a=b & c", None], ["\\N", ""], [IMG, "\\"], ["=", "&"]])
def test_a_group_label_is_read_back(values):
    columns = ["x & y=z", "race"]
    assert words.group_parts(group_label(columns, values)) == list(zip(columns, values, strict=True))


def test_text_from_data_is_made_visible():
    assert words.plain("") == "(empty)"
    assert words.plain("  ") == "(blank)"
    assert words.plain("a\x00b") == "a\\u0000b"
    assert "\u202e" not in words.plain(RTL)
    assert words.plain("\ud800") == "\ufffd"
    assert len(words.plain(LONG)) == 80


def test_rules_are_counted_once_by_their_worst_judgement():
    counts = words.rule_counts(record())
    assert counts["rules"] == 7
    assert (counts["fail"], counts["warn"], counts["cannot_tell"], counts["not_tested"]) == (2, 1, 1, 2)
    assert words.verdict_line(record()) == "■ FAIL: 2 of 7 rules fail, 1 warn, 1 cannot tell, 2 not tested"


def test_a_judgement_reads_as_a_sentence():
    sentence = words.judgement_sentence(judgements()[0])
    assert "0.841 [0.789, 0.884]" in sentence
    assert "limit at least 0.90" in sentence
    assert words.limit_words("between 0.8 and", 1.25) == "between 0.80 and 1.25"
    assert words.limit_words("change <=", 0.05, "share") == "at most 5%"


def test_titles_for_people():
    assert words.measure_title("selection_rate") == "Selection rate"
    assert words.measure_title("roc_auc") == "ROC AUC"
    assert words.title_of(Measure("x_to_overall_ratio", 1, group="g")) == "X, group over overall"
    assert words.title_of(Measure("x_to_overall_ratio", 1)) == "X, group farthest from overall"


def test_text_fits_one_screen():
    many = record()
    full = Verdict("fail", judgements() * 40, ("a: b",) * 200)
    text = static_text(type(many)(many.subject, many.policy, many.findings, full))
    assert len(text.splitlines()) <= 40


def test_limits_are_shown_as_set_or_in_four_digits() -> None:
    """A limit set by hand keeps its digits; one learnt from windows has four; both ends of a range look alike."""
    assert [words.limit_number(x) for x in (0.8, 5, 0.1234, 123_456_789.0)] == [
        "0.80", "5", "0.1234", "123\u202f456\u202f789",
    ]  # fmt: skip
    assert words.limit_number(0.965806) == "0.9658"
    assert words.limit_number(0.938384, "share") == "93.84%"
    assert words.limit_words("between 29187.4 and", 30099.92) == "between 29\u202f187 and 30\u202f100"
    assert words.limit_words("between -0.1 and", 0.1, "share") == "between \u221210% and 10%"


AGE, LENDER = "العمر", "עיר המלווה"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (AGE, f"\u2068{AGE}\u2069"),
        (f"KS {AGE} 0.3, limit 0.1", f"KS \u2068{AGE}\u2069 0.3, limit 0.1"),
        (f"{LENDER}=3 > {AGE}_2", f"\u2068{LENDER}\u2069=3 > \u2068{AGE}\u2069_2"),
        ("Straße 3, Île, 年齢", "Straße 3, Île, 年齢"),
        (f"\u202e{AGE}", f"\\u202e\u2068{AGE}\u2069"),
        ("in\u2068come\u2069", "in\\u2068come\\u2069"),
        (f"\u2068{AGE}", f"\\u2068\u2068{AGE}\u2069"),
    ],
)
def test_words_from_right_to_left_are_isolated_once(text: str, shown: str) -> None:
    """Only they: what data brings of direction letters is shown by its number, and a second time changes nothing."""
    assert words.plain(text) == shown
    assert words.plain(shown) == shown


@given(st.text(st.sampled_from("aعש3 _-=.\u0301\u2067\u2068\u2069\u202e\u200f"), max_size=60), st.integers(5, 30))
def test_shown_text_is_shown_the_same_again(text: str, limit: int) -> None:
    """Each mark that opens is closed, nothing else turns the direction, the letters stay within the limit."""
    shown = words.plain(text, limit)
    assert not set(shown) & set("\u2067\u202e\u200f")
    depth = 0
    for letter in shown:
        depth += {"\u2068": 1, "\u2069": -1}.get(letter, 0)
        assert depth in (0, 1)
    assert depth == 0
    once = words.plain(text, 1000)
    assert words.plain(once, 1000) == once
