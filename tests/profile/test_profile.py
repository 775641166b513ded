"""The profile through the public door: what it measures beside the reference, what it hides, what is drawn."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import workbench as wb
from workbench.audit.record import Record
from workbench.core.finding import Evidence
from workbench.report.captions import chart_sentence
from workbench.report.charts import chart_spec, chart_svg
from workbench.report.html import render_html
from workbench.report.shown import ShownEvidence
from workbench.report.static import section

CHECKS = ["quality.profile", "quality.missing", "quality.associations", "quality.duplicates"]


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return people with a code, an age, an income with gaps, a town, a flag, an hour and an account."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "account": [f"AC-{900_000 + 7 * i}" for i in rng.permutation(n)],
            "age": rng.integers(18, 90, n),
            "income": rng.lognormal(8, 1, n),
            "town": rng.choice(["Ulm", "Kiel"], n),
            "code": [f"{'ABC'[i % 3]}-{i % 90:02d}" for i in range(n)],
            "member": rng.random(n) < 0.4,
            "when": pd.date_range("2026-01-01", periods=n, freq="h"),
            "salary": rng.integers(20_000, 90_000, n) * 1.0,
        }
    )
    data.loc[rng.random(n) < 0.1, "income"] = np.nan
    data.loc[[5, 50, 120, 290], "town"] = "Rottweil"
    return data


def audit(current: Any, reference: Any = None, checks: list[str] = CHECKS, **about: Any) -> Record:
    """Audit data quality alone, nothing judged unless asked."""
    return wb.Audit(current, reference=reference, checks=checks, **{"policy": {"rules": []}, **about}).run()


def values_of(record: Record, window: str = "") -> dict[tuple[str, str], Any]:
    """Return the profile's measures by name and column."""
    found = record.finding("quality.profile").measures
    return {(m.name, m.column): m for m in found if m.window == window}


def evidence(record: Record, name: str, check: str = "quality.profile") -> Evidence:
    """Return a table of a finding."""
    return next(e for e in record.finding(check).evidence if e.name == name)


@pytest.mark.parametrize("window", ["", "reference"])
def test_numbers_are_pandas(window: str) -> None:
    """Range, centre, spread, shape, quantiles and shares, of both sides."""
    current, reference = people(), people(300, 1)
    current.loc[:9, "income"], reference.loc[:3, "income"] = 0.0, -5.0
    found = values_of(audit(current, reference), window)
    x = (reference if window else current).income.dropna()
    expected = {
        "minimum": x.min(), "maximum": x.max(), "mean": x.mean(), "standard_deviation": x.std(), "skewness": x.skew(),
        "kurtosis": x.kurt(), "quantile_05": x.quantile(0.05), "median": x.median(), "quantile_95": x.quantile(0.95),
        "zero_share": (x == 0).mean(), "negative_share": (x < 0).mean(), "infinite_share": 0.0,
        "distinct": x.nunique(), "constant": 0,
    }  # fmt: skip

    assert {k: found[(k, "income")].value for k in expected} == {k: pytest.approx(v) for k, v in expected.items()}
    assert {found[(k, "income")].n for k in expected} == {len(x)}
    half = stats.t.ppf(0.975, len(x) - 1) * x.std() / np.sqrt(len(x))
    assert found[("mean", "income")].high == pytest.approx(x.mean() + half)


def test_texts_and_times() -> None:
    """Lengths, the share that follows the reference's pattern, and the steps of times."""
    current, reference = people(), people(300, 1)
    current.loc[:39, "code"] = "unknown code"
    current = current.drop(index=[100, 101, 200])
    found, before = values_of(audit(current, reference)), values_of(audit(current, reference), "reference")

    share = found[("dominant_pattern_share", "code")]
    assert (share.value, share.n) == (pytest.approx(357 / 397), 397)
    assert before[("dominant_pattern_share", "code")].value == 1
    assert [found[(k, "code")].value for k in ("shortest_text", "longest_text")] == [4, 12]
    assert found[("mean_text_length", "code")].value == pytest.approx(current.code.str.len().mean())
    steps = {k: found[(k, "when")].value for k in ("typical_step_seconds", "gaps", "largest_gap_seconds")}
    assert steps == {"typical_step_seconds": 3600, "gaps": 2, "largest_gap_seconds": 3 * 3600}
    assert found[("time_span_days", "when")].value == pytest.approx(399 / 24)
    assert found[("regular_share", "when")].value == pytest.approx(394 / 396)
    row = next(r for r in evidence(audit(current, reference), "times").rows if r[1] == "current")
    assert row[2:6] == ("2026-01-01 00:00:00", "2026-01-17 15:00:00", "hourly", "394 of 396 steps")


def test_a_column_used_as_another_type_is_a_measure() -> None:
    """A rule of the policy can say what follows from it; the check itself does not."""
    current, reference = people(), people(seed=1)
    reference["salary"], current["age"] = "none", 7
    found = values_of(audit(current, reference))

    changed = {c: m.value for (k, c), m in found.items() if k == "type_changed"}
    assert changed == {c: int(c in ("salary", "age")) for c in current}
    assert found[("type_changed", "age")].method == "count then, constant now"
    rule = {"id": "types", "check": "quality.profile", "measure": "type_changed", "operator": "<=", "limit": 0}
    rule |= {"severity": "fail", "basis": "point", "reason": "types stay"}
    judged = audit(current, reference, policy={"rules": [rule]})
    assert {j.column for j in judged.verdict.judgements if j.outcome == "fail"} == {"salary", "age"}


def test_a_type_does_not_change_by_chance_at_the_border_of_a_category() -> None:
    """Twenty whole numbers then and twenty-two now, or as many words, are one type; five hundred are another."""

    def changed(now: int, then: int, write: Any = int) -> tuple[float, str]:
        current, reference = ([write(i % n) for i in range(4000)] for n in (now, then))
        data = pd.DataFrame({"x": current}), pd.DataFrame({"x": reference})
        found = values_of(audit(*data, checks=["quality.profile"]))[("type_changed", "x")]
        return found.value, found.method

    assert changed(22, 20) == changed(20, 22) == changed(40, 20) == (0, "")
    assert changed(41, 20) == (1, "category then, count now")
    assert changed(20, 500) == (1, "count then, category now")
    assert changed(22, 20, lambda i: i - 5) == (0, "")
    assert changed(210, 190, str) == changed(190, 210, str) == (0, "")
    assert changed(410, 190, str) == (1, "category then, text now")
    assert changed(22, 20, lambda i: i + 0.5) == (0, "")


def test_values_of_identifiers_and_of_few_rows_are_nowhere() -> None:
    """Neither measures nor tables nor pages hold an account, an id's extremes, or a town of four rows."""
    data = people()
    data["number"] = np.random.default_rng(5).permutation(400) + 7_654_321
    data["score"] = np.random.default_rng(5).permutation(400) * 3 + 1_000_001
    record = audit(data, data, id="number")
    told = record.to_json().decode() + render_html(record) + section(record, "quality").html

    assert 0 < (data.town == "Rottweil").sum() < 10
    for hidden in ("AC-9", "7654321", "7654720", "7 654", "1000001", "1001198", "Rottweil"):
        assert hidden not in told.replace("\u202f", " "), hidden
    assert "AA-999999" in told
    uses = {row[0]: row[1] for row in evidence(record, "columns").rows}
    assert [uses[c] for c in ("account", "number", "score", "age")] == ["identifier"] * 3 + ["count"]


def test_what_is_drawn_is_what_is_counted() -> None:
    """Bins and categories hold every value of both sides; the sentence and the table say the same."""
    current, reference = people(), people(300, 1)
    record = audit(current, reference)
    ages = evidence(record, "age")
    now = np.array([row[3] for row in ages.rows])
    inside = [((current.age >= low) & (current.age < high)).mean() for low, high, *_ in ages.rows]

    assert now.sum() == pytest.approx(1)
    assert now[1:-1].tolist() == pytest.approx(inside[1:-1])
    towns = {row[0]: row[1:] for row in evidence(record, "town").rows}
    assert towns["Ulm"] == (
        pytest.approx((reference.town == "Ulm").mean()),
        pytest.approx((current.town == "Ulm").mean()),
    )
    assert towns["(1 other)"][1] == pytest.approx((current.town == "Rottweil").mean())
    row = next(r for r in evidence(record, "columns").rows if r[0] == "income")
    assert row[2:4] == (pytest.approx(current.income.isna().mean()), pytest.approx(reference.income.isna().mean()))
    assert len(row[10]) == len(row[11]) == 24


def test_of_many_columns_those_that_differ_come_first() -> None:
    """Beyond 40 columns the tables and drawings begin with what changed; every column is in them."""
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(60)]
    reference, current = (pd.DataFrame(rng.normal(size=(300, 60)), columns=names) for _ in range(2))
    current["c57"] += 3
    current.loc[:200, "c31"] = np.nan
    table = evidence(audit(current, reference), "columns")

    assert [row[0] for row in table.rows[:2]] == ["c57", "c31"]
    assert {row[0] for row in table.rows} == set(names)
    assert "differ most" in table.title


# ---------------------------------------------------------------------------- hostile names and values

HOSTILE = {
    "<script>alert(1)</script>": "<img src=x onerror=alert(2)>",
    "=cmd|' /C calc'!A1": '=HYPERLINK("http://x.example")',
    "two\nlines\ttabs": "a\nb",
    "gnp.\u202egpj": "\u202eevil\u2066",
    "$$x$$ ![a](javascript:alert(3))": "</td></tr></table><script>alert(4)</script>",
    "']]></style><svg onload=alert(5)>": "{{7*7}}${7*7}",
    "": "",
    " ": " ",
}


def hostile(n: int = 200) -> pd.DataFrame:
    """Return columns with hostile names that hold hostile categories, numbers, and gaps."""
    rng = np.random.default_rng(0)
    data = {name: np.where(rng.random(n) < 0.5, value, "other") for name, value in HOSTILE.items()}
    data |= {f"{name} number": rng.normal(size=n) for name in list(HOSTILE)[:4]}
    frame = pd.DataFrame(data)
    return frame.mask(rng.random(frame.shape) < 0.1)


class Live(HTMLParser):
    """Everything of a page that a browser would act upon."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.acting: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.acting += [(k, v) for k, v in attrs if k.startswith("on") or (k in ("src", "href") and not _inert(v))]


def _inert(address: str | None) -> bool:
    return bool(address) and address.startswith(("data:image/svg+xml;base64,", "data:image/png;base64,", "#"))


def test_hostile_names_and_values_are_text_everywhere() -> None:
    """Report, notebook fragment and drawings hold no element, attribute or address that came from the data."""
    record = audit(hostile(), hostile())
    assert [str(f.status) for f in record.findings] == ["measured"] * 4
    for page in (render_html(record), section(record, "quality").html):
        live = Live(page)
        assert not live.tags & {"script", "iframe", "object", "embed", "form", "svg", "base", "link"}
        assert live.acting == []
        assert "\u202e" not in page
    for encoded in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", render_html(record)):
        svg = base64.b64decode(encoded).decode()
        drawn = list(ElementTree.fromstring(svg).iter())  # noqa: S314 (made here)
        assert {e.tag.rpartition("}")[2] for e in drawn} <= {
            "svg",
            "g",
            "path",
            "text",
            "title",
            "desc",
            "style",
            "line",
        }
        assert not [k for e in drawn for k in e.attrib if k.lower().startswith("on") or k.endswith("href")]
        assert "\u202e" not in svg


@pytest.mark.parametrize("kind", ["profile", "missing_sets", "associations"])
def test_drawings_take_names_as_data(kind: str) -> None:
    """No name becomes a field, an expression or a format of the drawing; every drawing draws."""
    record = audit(hostile(), hostile())
    tables = [e for f in record.findings for e in f.evidence if e.kind == kind]
    assert tables
    for table in tables:
        shown = ShownEvidence((0, 0), table)
        spec = chart_spec(shown)
        fields = set(re.findall(r'"(?:field|filter|expr|calculate|as|format)": "([^"]*)"', json.dumps(spec)))
        assert fields <= {
            "x", "x2", "y", "y2", "text", "row", "size", "!datum.gone", "datum.gone", "!datum.dark", "datum.dark",
        }  # fmt: skip
        assert chart_svg(shown)


def test_drawings_leave_room_for_long_names_and_show_no_minus_zero() -> None:
    """A name is cut in the drawing (whole in the table), and a correlation of -0.001 is 0.00."""
    name = "a name that goes on and on and on"
    columns = ("one", "two", "measure", "value", "n", "reference")
    rows = ((name, "b", "spearman", -0.001, 90, None), (name, "c", "spearman", -0.006, 90, None))
    spec = json.dumps(chart_spec(ShownEvidence((0, 0), Evidence("a", "A", "associations", columns, rows))))

    assert '"0.00"' in spec
    assert '"\\u22120.01"' in spec
    assert "\\u22120.00" not in spec
    assert name not in spec
    assert f'"{name[:17]}\\u2026"' in spec


def test_times_are_drawn_in_utc_to_the_second() -> None:
    """Labels are short enough to be read whole; lengths of time have no zone."""
    data = people().assign(wait=pd.to_timedelta(np.arange(400), unit="min"))
    record = audit(data)
    when = evidence(record, "when")
    starts = pd.to_datetime([row[0].removeprefix("from ") for row in when.rows[1:]])
    bins = starts.searchsorted(data.when, side="right")

    assert when.title == "when over time, UTC"
    assert when.rows[0][0] == f"before {starts[0]}"
    assert [row[2] for row in when.rows] == pytest.approx(np.bincount(bins) / 400, abs=1 / 400)
    assert evidence(record, "wait").title == "wait over time"
    assert evidence(record, "wait").rows[0][0].startswith("below ")


def test_sentences_say_what_stands_out() -> None:
    """With a reference the largest change, alone the largest share; bins of whole numbers by the numbers in them."""

    def said(record: Record, name: str, check: str = "quality.profile") -> str:
        return chart_sentence(evidence(record, name, check))

    ages = pd.DataFrame({"age": [20] * 30 + [21] * 20 + [22] * 50, "town": ["Ulm"] * 60 + ["Kiel"] * 40})
    later = ages.assign(age=ages.age.replace(20, 22))
    assert said(audit(later, ages), "age").startswith("Largest change: 22, 80.0% of current rows against 50.0%")
    assert said(audit(ages, ages), "town") == "No share differs from the reference's by more than 0.1 points."
    assert said(audit(ages), "town") == "Largest share: Ulm, 60.0% of rows."
    assert said(audit(ages), "missing", "quality.missing") == "No value is missing."
    assert said(audit(people()), "missing", "quality.missing").startswith("Most missing: income, ")


def test_the_same_use_of_another_kind_of_values_is_told() -> None:
    """A grade that was a number and is a text stays a category; the tables and sentences tell it."""
    reference = people().assign(grade=np.arange(400) % 5)
    current = reference.assign(grade=[f"{i}x" for i in reference.grade])
    record = audit(current, reference)

    uses = {row[0]: row[1] for row in evidence(record, "columns").rows}
    assert uses["grade"] == "category as text, was as number"
    assert "; 1 of another type than in the reference." in chart_sentence(evidence(record, "columns"))
    said = chart_sentence(evidence(record, "grade"))
    assert said.endswith("Not compared: the reference holds another kind of values (number).")
    spec = json.dumps(chart_spec(ShownEvidence((0, 0), evidence(record, "columns"))))
    assert '"category as text"' in spec
    assert '"was as number"' in spec


def test_small_drawings_draw() -> None:
    """One column, no reference, nothing missing, one pair."""
    for data in (people()[["age"]], people()[["age", "salary"]], people().assign(income=np.nan)):
        for finding in audit(data).findings:
            for table in finding.evidence:
                assert table.kind not in ("profile", "missing_sets", "associations") or chart_svg(
                    ShownEvidence((0, 0), table)
                ), table.title


def test_the_report_shows_the_profile() -> None:
    """Small multiples, one column beside its reference, missing together and associations, each with a sentence."""
    page = render_html(audit(people(), people(300, 1)))

    for said in (
        "8 columns; most missing: income",
        "of rows miss nothing; most often missing together: income",
        "The strongest: ",
        "Distribution of age",
        "Types as used, and their rules in order",
        "Patterns of texts",
    ):
        assert said in page, said
