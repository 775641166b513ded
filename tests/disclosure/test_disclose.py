"""A shareable record gives no small group away, whatever is put together of it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.disclosure.people import audited, cracked, people, secrets
from workbench.audit import disclose as module
from workbench.audit import edges, released_tables, withheld
from workbench.audit.attack import Attacker
from workbench.audit.cells import COUNTS, Level, as_dicts, read_cells
from workbench.audit.disclose import disclose, parent_of
from workbench.audit.edges import tails_of
from workbench.audit.groups import Groups
from workbench.audit.record import Record
from workbench.audit.released import Release
from workbench.audit.suppressed import WITHHELD
from workbench.audit.threshold import thresholds
from workbench.core.errors import ConfigError


def told(record: Record) -> str:
    """Return everything that a record tells."""
    return record.to_json().decode()


@settings(max_examples=12)
@given(
    st.integers(0, 10**6), st.integers(40, 900), st.integers(1, 3), st.sampled_from([0.0, 0.0, 0.03, 0.1]),
    st.booleans(), st.booleans(),
)  # fmt: skip
@example(1, 40, 2, 0.0, True, False)  # one column has the same value in every row
def test_the_attacker_recovers_no_small_cell(
    seed: int, n: int, columns: int, missing: float, truth: bool, with_reference: bool
) -> None:
    """Rows, decisions, errors and score bins of groups and intersections, current and reference, all together."""
    data = people(seed, n, columns, missing, truth)
    reference = people(seed + 1, n, columns, missing, truth) if with_reference else None
    parent = audited(data, reference)

    assert cracked(parent, disclose(parent)) == []


def test_no_small_cell_is_recovered_in_whole_numbers() -> None:
    """The same with integer programs, which see what fractions hide."""
    parent = audited(people(3, 250, 2))
    released = disclose(parent)
    assert len(list(secrets(parent, released))) > 10
    assert cracked(parent, released, exact=True) == []


# ---------------------------------------------------------------------------- broken on purpose


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Switch off the attack that `disclose` makes on itself."""
    monkeypatch.setattr(module, "_given_away", lambda *_: [])
    return monkeypatch


def small_one() -> pd.DataFrame:
    """Return 200 rows: one group of 4, one of 30, two large ones; 3 rows without the other column's value."""
    rng = np.random.default_rng(1)
    score = np.round(rng.random(200), 2)
    groups = ["rare"] * 4 + ["scarce"] * 30 + ["many"] * 86 + ["most"] * 80
    other = np.array([None] * 3 + ["p", "q"] * 98 + ["p"], object)
    return pd.DataFrame(
        {"score": score, "x": score, "y": (rng.random(200) < score).astype(int), "g0": groups, "g1": other}
    )


def no_complement(patch: pytest.MonkeyPatch) -> None:
    """Withhold small groups only."""
    patch.setattr(withheld, "_covered", lambda *_: True)


def all_edges(patch: pytest.MonkeyPatch) -> None:
    """Tell every threshold."""
    patch.setattr(edges, "_chosen", lambda at, units, minimum: list(range(units[0].above.shape[0])))
    patch.setattr(edges, "_thinned", lambda chosen, at, most: chosen)


def columns_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """Tell what quality and drift say of sensitive columns."""
    patch.setattr(Release, "_of_grouping", lambda self, finding, m, columns: m)


def every_rate(patch: pytest.MonkeyPatch) -> None:
    """Tell every rate of a group whose rows are told."""
    patch.setattr(Release, "tells_group", lambda *_: True)


def tables_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """Tell group tables in full."""
    patch.setattr(released_tables, "_groups", lambda release, finding, evidence: evidence)


def numbers_of_hidden_groups(patch: pytest.MonkeyPatch) -> None:
    """Tell how far hidden groups lie from all rows, with their n."""
    original = Release._of_group

    def broken(self: Release, finding: Any, m: Any) -> Any:
        kept = original(self, finding, m)
        return m if kept is None and m.name == "selection_rate_to_overall_difference" else kept

    patch.setattr(Release, "_of_group", broken)
    patch.setattr(module._Scrubber, "clean", lambda self, value: value)


def one_column() -> pd.DataFrame:
    """Return the same rows with one sensitive column and ten scores."""
    data = small_one()[["score", "y", "g0"]]
    return data.assign(score=data.score.round(1))


BROKEN = [
    (no_complement, one_column), (all_edges, one_column), (columns_as_they_are, small_one),
    (every_rate, small_one), (tables_as_they_are, one_column), (numbers_of_hidden_groups, one_column),
]  # fmt: skip


@pytest.mark.parametrize(("breaking", "rows"), BROKEN)
def test_the_attacker_cracks_a_broken_disclosure(breaking: Any, rows: Any, unguarded: pytest.MonkeyPatch) -> None:
    """Each part of disclosure control is needed: without it a small cell is recovered."""
    parent = audited(rows())
    assert cracked(parent, disclose(parent)) == []
    breaking(unguarded)
    assert cracked(parent, disclose(parent))


def test_without_a_complement_the_small_group_is_recovered_exactly(unguarded: pytest.MonkeyPatch) -> None:
    """Total minus the groups told is 4, the number of rows of the one withheld."""
    parent = audited(one_column())
    no_complement(unguarded)
    attacker = Attacker(disclose(parent), read_cells(parent))
    part = next(p for p, n in secrets(parent, parent) if p.group == ("rare",) and p.states == COUNTS["count"])
    assert attacker.range(part) == (4, 4)


@pytest.mark.parametrize(("seed", "columns"), [(1, 2), (4, 1), (9, 1)])
def test_the_attack_on_itself_repairs_what_the_rules_miss(
    seed: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With complements switched off, `disclose` still withholds until its own attacker fails."""
    parent = audited(people(seed, 400, columns))
    no_complement(monkeypatch)
    assert cracked(parent, disclose(parent)) == []


# ---------------------------------------------------------------------------- what is told, and what is not


@pytest.fixture(scope="module")
def parent() -> Record:
    """Return the record of the rows with one small group, judged."""
    rules = [
        {"id": "gap", "check": "B001", "measure": "selection_rate_difference", "operator": "<=", "limit": 0.1},
        {"id": "each", "check": "bias.impact_ratio", "measure": "impact_ratio", "group": "*", "operator": ">=",
         "limit": 0.8, "basis": "point", "severity": "warn"},
        {"id": "auc", "measure": "roc_auc", "operator": ">=", "limit": 0.5},
    ]  # fmt: skip
    return audited(small_one(), policy={"rules": rules, "minimum_group_size": 10})


@pytest.fixture(scope="module")
def released(parent: Record) -> Record:
    """Return its derivative."""
    return disclose(parent)


def test_the_derivative_names_its_parent_and_has_its_own_digest(parent: Record, released: Record) -> None:
    """It is a record like any other, valid by the schema, with another digest, and the same each time."""
    again = Record.from_json(released.to_json())
    schema = json.loads(files("workbench.audit.schemas").joinpath("record.schema.json").read_text())

    assert parent_of(released) == parent.digest
    assert parent_of(parent) == ""
    assert again.digest == released.digest != parent.digest
    assert disclose(parent).digest == released.digest == wb.disclose(parent).digest
    jsonschema.validate(json.loads(released.to_json()), schema)


def test_the_parent_stays_as_it_was(parent: Record) -> None:
    """The record is computed and judged unsuppressed, before and after."""
    before = parent.to_json()
    disclose(parent)
    assert parent.to_json() == before
    assert any(m.group == "g0=rare" and m.value == 4 for _, m in parent.measures())


def test_small_groups_and_their_complement_are_nowhere(parent: Record, released: Record) -> None:
    """Neither the small group nor the one that hides it is named; the others keep their numbers."""
    assert "rare" in told(parent)
    assert "rare" not in told(released)
    assert "scarce" not in told(released)
    rates = {m.group: m.value for _, m in released.measures() if m.name == "selection_rate" and m.column == "g0"}
    assert set(rates) == {"g0=many", "g0=most"}
    assert None not in rates.values()


def test_every_cell_told_of_a_group_is_none_or_the_minimum(released: Record) -> None:
    """Each count in the derivative that is about a group is 0 or at least 10, and so is its rest of all rows."""
    attacker = Attacker(released, read_cells(released))
    counts = [(part, n) for part, n in attacker.facts if part.columns]
    assert len(counts) > 30
    assert [c for c in counts if 0 < c[1] < 10] == []


def test_a_gap_is_told_of_the_groups_told(parent: Record, released: Record) -> None:
    """The gap of the rates that are told, by hand; its n is theirs, so that it names no other."""
    group = {m.group: m for _, m in released.measures() if m.name == "selection_rate" and m.column == "g0"}
    gap = next(m for _, m in released.measures() if m.name == "selection_rate_difference" and m.column == "g0")
    values = [float(m.value or 0) for m in group.values()]

    assert gap.value == pytest.approx(max(values) - min(values))
    assert gap.n == sum(m.n or 0 for m in group.values())
    assert "of the groups told" in gap.method


def test_the_verdict_stays_and_its_numbers_go_with_their_measures(parent: Record, released: Record) -> None:
    """Outcomes by rule are the parent's; what is judged of withheld groups is one judgement, without a number."""
    for rule in ("gap", "each", "auc"):
        outcomes = [{j.outcome for j in r.verdict.judgements if j.rule == rule} for r in (parent, released)]
        assert outcomes[1] <= outcomes[0]
    assert released.verdict.outcome == parent.verdict.outcome
    gap = next(j for j in released.verdict.judgements if j.rule == "gap" and j.column == "g0")
    assert (gap.value, gap.low, gap.n, gap.p_value, gap.reason) == (None, None, None, None, WITHHELD)
    auc = next(j for j in released.verdict.judgements if j.rule == "auc")
    assert auc == next(j for j in parent.verdict.judgements if j.rule == "auc")
    merged = [j for j in released.verdict.judgements if j.rule == "each" and not (j.group or j.column)]
    assert len(merged) == 1
    assert merged[0].value is None


def test_a_threshold_moves_between_edges_that_are_told(parent: Record, released: Record) -> None:
    """Fewer thresholds, the audit's among them; between two of them each group has 0 or 10 rows of a truth or more."""
    assert 0.5 in thresholds(released)
    assert 1 < len(thresholds(released)) < len(thresholds(parent))
    table = next(e for f in released.findings for e in f.evidence if e.kind == "threshold")
    for tails in tails_of(table).values():
        steps = np.concatenate([np.diff(tails.above[::-1], axis=0), [tails.above[-1]], [tails.whole - tails.above[0]]])
        assert bool(((steps == 0) | (steps >= 10)).all())
    told = Groups(released)
    found = [told.grouping(column, told.nearest(0.7)) for column in ("g0", "g1")]
    groups = {g.label for grouping in found if grouping is not None for g in grouping.groups if g.compared}
    assert groups
    assert groups <= {"g0=many", "g0=most", "g1=p", "g1=q"}
    assert told.nearest(0.7) in thresholds(released)


def test_curves_have_no_more_edges_than_the_table(released: Record) -> None:
    """ROC and precision-recall are told at the edges told, and no drawing tells scores more finely."""
    edges_told = len(thresholds(released))
    finding = released.finding("performance.classification")
    sizes = {e.name: len(e.rows) for e in finding.evidence}
    assert sizes["roc"] <= edges_told + 2
    assert sizes["pr"] <= edges_told


def test_fingerprints_and_places_are_left_out(parent: Record, released: Record) -> None:
    """A column's fingerprint tells its counts, sources are paths: neither is there."""
    assert parent.subject["current"]["fingerprint"]["columns"]["g0"] not in told(released)
    assert released.subject["current"] == {"name": "current", "rows": 200, "fingerprint": None}
    assert "sources" not in released.beside


def test_nothing_is_withheld_where_every_group_is_large() -> None:
    """Of two groups of 500 all rates stay, gaps unchanged, and the intersection too."""
    rng = np.random.default_rng(0)
    n = 2000
    score = rng.random(n)
    data = pd.DataFrame({"score": score, "y": (rng.random(n) < score).astype(int), "x": score})
    data["g0"], data["g1"] = np.tile(["a", "b"], n // 2), np.repeat(["c", "d"], n // 2)
    parent = audited(data)
    released = disclose(parent)
    assert parent.finding("B001").measures == released.finding("B001").measures


def test_a_larger_minimum_withholds_more(parent: Record) -> None:
    """With 100 rows as the minimum nothing of these groups is left, and the derivative says which minimum it has."""
    strict = disclose(parent, minimum=100)
    assert strict.subject["disclosed"]["minimum"] == 100
    assert [m for _, m in strict.measures() if m.column == "g0" and m.group and m.value is not None] == []
    assert cracked(parent, strict, 100) == []


def test_the_derivative_does_not_depend_on_the_engine() -> None:
    """pandas and Polars, in another order of rows: the same derivative."""
    data = small_one()
    shuffled = pl.from_pandas(data.sample(frac=1, random_state=0))
    assert disclose(audited(data)).digest == disclose(audited(shuffled)).digest  # type: ignore[arg-type]


def test_what_cannot_be_disclosed_is_refused(parent: Record, released: Record) -> None:
    """A derivative, fewer rows than the minimum, a minimum of nothing."""
    with pytest.raises(ConfigError, match="derivative already"):
        disclose(released)
    with pytest.raises(ConfigError, match="6 rows, fewer than the minimum"):
        disclose(wb.Audit(small_one().head(6), checks=["quality.missing"], policy={"rules": []}).run())
    with pytest.raises(ConfigError, match="1 or more"):
        disclose(parent, minimum=0)


def test_tables_and_remarks_that_nobody_vouched_for_stay_at_home(parent: Record) -> None:
    """A table, a note, a place or a group measure that disclosure control does not know is withheld."""
    finding = parent.findings[0]
    strange = {
        "measures": [
            {"name": "secret_score", "value": 0.25, "n": 80, "group": "g0=most", "column": "g0", "unit": "share"},
            {"name": "error_rate", "value": 0.5, "n": 60, "where": "income < 573", "unit": "share"},
        ],
        "evidence": [
            {"name": "examples", "title": "Rows", "kind": "table", "columns": ["row", "value"], "rows": [[7, "Jane"]],
             "notes": {}}
        ],
        "notes": ["row 7 holds Jane", "measured on 200 of 200 rows, of Jane"],
    }  # fmt: skip
    content = {**finding.to_dict(), "check": "plugin.strange", "code": "Z999"}
    for key, more in strange.items():
        content[key] = [*content[key], *more]
    from dataclasses import replace

    from workbench.core.finding import Finding

    odd = replace(parent, findings=(*parent.findings, Finding.from_dict(content)))
    text = told(disclose(odd))
    for planted in ("Jane", "573", "0.25,"):
        assert planted not in text.partition('"plugin.strange"')[2]
    assert "measured on 200 of 200 rows" in text


@pytest.mark.parametrize("column", ["city", "email"])
def test_rare_categories_go_together(column: str) -> None:
    """Categories of fewer than ten rows are one row; of a column that names people nothing is drawn."""
    values = ["here"] * 120 + ["there"] * 60 + ["nowhere"] * 12 + ["Jane"] * 3 + ["elsewhere"] * 5
    data = small_one().assign(**{column: values})
    parent = audited(data, data.sample(frac=1, random_state=0), checks=["drift.categorical", "quality.missing"])
    finding = disclose(parent).finding("drift.categorical")
    drawn = [e for e in finding.evidence if e.notes.get("column") == column]
    if column == "email":
        assert drawn == []
        return
    rows = {r["category"]: r["current"] for r in as_dicts(drawn[0])}
    assert rows == {"here": 0.6, "there": 0.3, "nowhere": 0.06, "(others)": pytest.approx(0.04)} or rows == {
        "here": 0.6, "there": 0.3, "(others)": pytest.approx(0.1)
    }  # fmt: skip
    assert "Jane" not in told(disclose(parent))


def test_extremes_and_the_ends_of_histograms_are_no_values() -> None:
    """The largest value of a column is one row's: it is emptied, and the histogram ends beyond it."""
    data = small_one().assign(income=np.r_[np.linspace(100, 200, 199), 987654.25])
    parent = audited(data, data, checks=["drift.numeric", "quality.profile"])
    released = disclose(parent)
    assert "987654.25" in told(parent)
    assert "987654.25" not in told(released)
    drawn = released.finding("drift.numeric").evidence
    table = next(e for e in drawn if e.notes["column"] == "income")
    for side in ("reference", "current"):
        shares = [float(r[side] or 0) for r in as_dicts(table)]
        assert sum(shares) == pytest.approx(1)
        assert all(s == 0 or round(s * 200) >= 10 for s in shares)


def test_levels_nest(parent: Record) -> None:
    """What is withheld by rows is withheld by prediction, truth and both."""
    chosen = withheld.choose(read_cells(parent), 10)
    for columns in read_cells(parent):
        rows, both = chosen.at(columns, Level.ROWS), chosen.at(columns, Level.BOTH)
        assert rows <= chosen.at(columns, Level.PREDICTION) <= both
        assert rows <= chosen.at(columns, Level.TRUTH) <= both


def test_conditions_do_not_name_a_withheld_group() -> None:
    """What the rows were narrowed to is told, but not the name of a group of few."""
    data = people(5, 400, 1).assign(g0=["common"] * 395 + ["rarest"] * 5)
    where = [
        {"column": "g0", "operator": "in", "value": ["common", "rarest"]},
        {"column": "x", "operator": "<", "value": 9},
    ]
    parent = audited(data, where=where)
    assert "rarest" in told(parent)
    released = disclose(parent)
    assert "rarest" not in told(released)
    assert released.subject["where"][1] == {"column": "x", "operator": "<", "value": 9}
