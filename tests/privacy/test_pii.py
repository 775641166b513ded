"""Personal data and secrets are found by their shapes and checksums; no value is ever kept."""

from __future__ import annotations

import json
import math
import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.audit.record import Record
from workbench.core.finding import Finding
from workbench.core.national_ids import best_match
from workbench.core.personal import kind_by_name, kinds_of, looks_random, luhn, redacted, spans

# Published examples: the IBAN registry, test numbers of card networks, documentation ranges (RFC 5737, 3849).
SAMPLES = {
    "email": ["jane.doe@example.org", "write to o'brien+x@mail.example.co.uk please", "jörg@exämple.de"],
    "phone": ["+44 20 7946 0958", "+1-202-555-0143", "(202) 555-0143", "202-555-0143", "+4930123456"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR14 2004 1010 0505 0001 3M02 606"],
    "card": ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011111111111117", "3530111333300000"],
    "ip": ["192.0.2.17", "host 198.51.100.3 answered", "2001:db8::8a2e:370:7334"],
    "secret": [
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "xoxb-1234567890-abcdef", "AIza" + "x" * 34 + "7",
        "sk_live_" + "a1" * 12, "-----BEGIN RSA PRIVATE KEY-----", "postgres://me:hunter22@db/x",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def",
    ],
}  # fmt: skip
PLAIN = [
    "", "a@b", "@", "12:30:45", "2026-01-02", "2024-01-02T10:11:12.123456", "3.11.4", "1.2.3.4.5", "0.0558790447602",
    "4111111111111112", "DE89370400440532013001", "999.1.1.1", "1700000000000000000", "sk-learn-is-a-package-here",
    "550e8400-e29b-41d4-a716-446655440000", "sha256:" + "ab12" * 16, "3573 <= income < 6377", "race=White & sex=Female",
    "127", "C3PO and R2D2", "12-34-5678", "https://example.org/home/page", "a/b/c", "50:50", "::",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), [(k, v) for k, vs in SAMPLES.items() for v in vs])
def test_published_examples_are_of_their_kind(kind: str, value: str) -> None:
    """Each example is of its kind and of no other, and none of it is left once it is redacted."""
    assert kinds_of(value) == {kind}
    assert not kinds_of(redacted(value))


@pytest.mark.parametrize("value", PLAIN)
def test_ordinary_values_are_of_no_kind(value: str) -> None:
    """Numbers, dates, versions, digests and labels are nothing personal."""
    assert not kinds_of(value)
    assert redacted(value) == value


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/jane/data.csv", "[path withheld]"),
        ("read '/Users/jane/x.csv', then", "read '[path withheld]', then"),
        (r"C:\Users\jane\x.csv", "[path withheld]"),
        ("file:///root/x/y.csv", "file://[path withheld]"),
        ("data/home/x and https://example.org/home/x/y", None),
    ],
)
def test_paths_of_a_computer_are_withheld(text: str, left: str | None) -> None:
    """Absolute paths go; relative ones and addresses stay."""
    assert redacted(text) == (text if left is None else left)


@given(st.text(alphabet="0123456789", min_size=1, max_size=20), st.data())
def test_luhn_notices_one_wrong_digit(digits: str, data: st.DataObject) -> None:
    """For every number there is one check digit, and one changed digit never passes."""
    right = [d for d in "0123456789" if luhn(digits + d)]
    assert len(right) == 1
    whole = digits + right[0]
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != whole[at]]))
    assert not luhn(whole[:at] + other + whole[at + 1 :])


def test_checksums_agree_with_python_stdnum() -> None:
    """Luhn and IBAN are those of python-stdnum on random numbers, right and wrong ones."""
    stdnum = pytest.importorskip("stdnum.luhn")
    iban = pytest.importorskip("stdnum.iban")
    chance = random.Random(0)
    for _ in range(2000):
        digits = "".join(chance.choice("0123456789") for _ in range(16))
        assert luhn(digits) == stdnum.is_valid(digits)
    for country, length in (("DE", 18), ("GB", 18), ("ES", 20)):
        for _ in range(300):
            body = "".join(chance.choice("0123456789") for _ in range(length))
            # German and Spanish numbers are digits; stdnum checks the bank's own digits of Spain beside them.
            text = f"{country}{chance.randrange(100):02d}{body}"
            assert not iban.is_valid(text, check_country=False) or kinds_of(text) >= {"iban"}


def test_entropy_is_shannons() -> None:
    """A token of 64 letters used once each has 6 bits a letter; repeated letters, words and digests do not count."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    shares = [letters.count(c) / len(letters) for c in set(letters)]
    assert math.isclose(-sum(p * math.log2(p) for p in shares), 6)
    assert looks_random(letters)
    assert not looks_random("aB1" * 10)
    assert not looks_random("ab12" * 16)
    assert not looks_random("A sentence with 3 words, 20 letters and more")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("name", "name"), ("CustomerName", "name"), ("last_name", "name"), ("Vorname", "name"), ("product_name", ""),
        ("E-Mail", "email"), ("eMailAddress", "email"), ("ip_address", "ip"), ("address", "address"),
        ("ssn", "national_id"),
        ("date of birth", "date_of_birth"), ("DOB", "date_of_birth"), ("birth_country", ""), ("platform", ""),
        ("hotel", ""), ("API key", "secret"), ("lat", "location"), ("salon", ""), ("mobile_2", "phone"), ("", ""),
    ],
)  # fmt: skip
def test_names_of_columns(column: str, kind: str) -> None:
    """A column's name announces a kind by whole words only."""
    assert kind_by_name(column) == kind


def run(data: pd.DataFrame, **params: float) -> Finding:
    """Run the check alone."""
    audit = wb.Audit(data, checks={"privacy.pii": params}, policy={"rules": []}, task="binary")
    return audit.run().finding("Y001")


def value(finding: Finding, name: str, column: str = "") -> float | None:
    """Return one measure, or None when there is none."""
    return next((m.value for m in finding.measures if (m.name, m.column) == (name, column)), None)


def frame() -> pd.DataFrame:
    """100 rows: 40 e-mail addresses, 3 cards as whole numbers, 1 key in a comment, and names."""
    mails = [f"person{i}@example.org" if i < 40 else f"city {i % 7}" for i in range(100)]
    comments = ["nothing to say"] * 99 + ["my key is AKIAIOSFODNN7EXAMPLE, keep it"]
    names = [f"Given{i} Family{i}" for i in range(100)]
    numbers = [4111111111111111, 5555555555554444, 6011111111111117] + [1_234_567_890_123 + i for i in range(97)]
    return pd.DataFrame(
        {"contact": mails, "comment": comments, "full_name": names, "number": numbers, "x": range(100), "age": 40.5}
    )


def test_shares_are_those_planted() -> None:
    """Each column's shares are the planted ones, with Wilson's interval at their n (hand-worked: 40 of 100)."""
    found = run(frame())

    assert value(found, "email_share", "contact") == 0.4
    assert value(found, "pii_share", "contact") == 0.4
    assert value(found, "secret_share", "comment") == 0.01
    assert value(found, "card_share", "number") == 0.03
    mail = next(m for m in found.measures if m.name == "email_share")
    assert (mail.n, mail.method) == (100, "wilson")
    # Wilson (1927) for 40 of 100 at 95 %: 0.3094, 0.4980
    assert mail.low == pytest.approx(0.3094, abs=5e-5)
    assert mail.high == pytest.approx(0.4980, abs=5e-5)
    flagged = {m.column for m in found.measures if m.name == "flagged" and m.value}
    assert flagged == {"contact", "comment", "full_name", "number"}
    assert value(found, "flagged_columns") == 4
    assert value(found, "pii_share", "x") is None


def test_a_column_is_flagged_from_the_minimum_share_on() -> None:
    """One value of a hundred flags at 1 %, not at 2 %; the share is told either way."""
    strict = run(frame(), minimum_share=0.02)
    assert value(strict, "flagged", "comment") == 0
    assert value(strict, "secret_share", "comment") == 0.01


def test_frequent_values_count_by_rows() -> None:
    """A value counts as often as it occurs; missing values are not counted."""
    found = run(pd.DataFrame({"t": ["a@b.org"] * 6 + ["x", "y"] + [None] * 2}))
    assert value(found, "email_share", "t") == 0.75


def test_no_value_is_kept() -> None:
    """Nothing of any planted value is in the finding."""
    text = json.dumps(run(frame()).to_dict())
    for planted in ("person3", "@example.org", "AKIA", "Given5", "4111"):
        assert planted not in text


def test_many_distinct_values_are_sampled_and_it_says_so() -> None:
    """Of 25,000 distinct values some thousands are looked at, the same in any order, and the share is near."""
    values = [f"u{i}@example.org" if i % 4 == 0 else f"word {i}" for i in range(25_000)]
    one = run(pd.DataFrame({"t": values}))
    two = run(pd.DataFrame({"t": values[::-1]}))
    m = next(m for m in one.measures if m.name == "email_share")
    assert one.to_dict() == two.to_dict()
    assert m.n is not None
    assert 5_000 < m.n <= 10_000
    assert "distinct values" in m.method
    assert m.value == pytest.approx(0.25, abs=0.02)


def test_national_ids_need_their_checksum_and_half_of_the_column() -> None:
    """A column of Dutch numbers is one, one of random digits is not although a tenth of them pass."""
    bsn = pytest.importorskip("stdnum.nl.bsn")
    chance = random.Random(3)
    digits = ["".join(chance.choice("0123456789") for _ in range(9)) for _ in range(4000)]
    right = [d for d in digits if bsn.is_valid(d)][:200]
    found = run(pd.DataFrame({"number": right, "other": digits[:200]}))

    assert value(found, "national_id_share", "number") == 1.0
    assert value(found, "flagged", "number") == 1
    assert value(found, "national_id_share", "other") is None
    assert 0.02 < sum(bsn.is_valid(d) for d in digits) / 4000 < 0.2
    assert best_match(dict.fromkeys(digits, 1), 0.5) == ("", 0)
    assert best_match(dict.fromkeys(digits, 1), 0.05)[1] > 0


def test_ordinary_data_is_not_flagged_by_its_values(shared_data) -> None:
    """Census, credit, taxi and electricity data hold no value that looks personal."""
    for name in ("adult/adult.csv", "german-credit/german.csv", "nyc-taxi/yellow_tripdata_sample_2020-04.csv"):
        found: Record = wb.Audit(str(shared_data / name), checks=["privacy.pii"], policy={"rules": []}).run()
        assert [m for _, m in found.measures() if m.name == "pii_share" and m.value] == []


@given(st.text(max_size=300))
def test_redaction_is_final(text: str) -> None:
    """What was redacted holds nothing more to redact, and spans lie inside the text."""
    assert not list(spans(redacted(text)))
    assert all(0 <= s.start < s.end <= len(text) for s in spans(text))
