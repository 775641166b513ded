"""Which tables of a record go into its shareable derivative, with how many of their rows, columns and edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from workbench.audit import vocabulary as known
from workbench.audit.cells import Level, as_dicts, group_of, sizes
from workbench.audit.edges import merged
from workbench.audit.released import Release
from workbench.audit.suppressed import holds_personal_data
from workbench.core.finding import Cell, Evidence, Finding, Measure

Row = tuple[Cell, ...]
_SCORES = frozenset({"lines", "reliability", "curve"})


def tables(release: Release, finding: Finding, most_edges: int) -> list[Evidence]:
    """Return the tables of a finding that go out."""
    found = []
    for evidence in finding.evidence:
        kept = _table(release, finding, evidence, most_edges)
        if kept is not None and kept.rows:
            notes = {k: v for k, v in kept.notes.items() if k in known.TABLE_NOTES}
            found.append(replace(kept, notes=notes))
    return found


def _table(release: Release, finding: Finding, evidence: Evidence, most_edges: int) -> Evidence | None:
    if evidence.kind == "threshold":
        # Of two tables the one by group goes out: the other's finer edges would tell more of what is left.
        return _thresholds(release, evidence, most_edges) if evidence in _told_thresholds(release) else None
    if evidence.kind == "categories":
        return _categories(release, finding, evidence)
    if evidence.kind == "distribution":
        return _distribution(release, finding, evidence)
    if "group" in evidence.columns:
        return _groups(release, finding, evidence)
    if evidence.kind in _SCORES and _scores_by_group(release):
        return _curve(release, evidence, most_edges)
    if evidence.kind == "confusion":
        return _confusion(evidence, release.minimum)
    if finding.check in known.WHOLE_TABLES or evidence.kind in ("reliability", "curve"):
        return evidence
    if finding.check in known.TABLE_COLUMNS and evidence.kind not in known.NEVER_TABLES:
        return _some_columns(release, evidence, known.TABLE_COLUMNS[finding.check])
    return None


# ---------------------------------------------------------------------------- scores


def _thresholds(release: Release, evidence: Evidence, most: int) -> Evidence:
    return merged(evidence, release.withheld, release.minimum, most, _by_score(release, evidence))[0]


def _by_score(release: Release, evidence: Evidence) -> bool:
    """Say whether the predictions judged are the scores cut at the audit's threshold."""
    at = evidence.notes.get("threshold")
    overall = [r for r in as_dicts(evidence) if not r["group"] and r["threshold"] == at]
    for _, m in release.record.measures():
        if m.name == "selection_rate" and not (m.group or m.column or m.window or m.where) and m.n and overall:
            return round((m.value or 0) * m.n) == overall[0]["selected"] and m.n == overall[0]["predicted"]
    return False


def _told_thresholds(release: Release) -> list[Evidence]:
    every = [e for f in release.record.findings for e in f.evidence if e.kind == "threshold"]
    return [e for e in every if _has_groups(e)] or every


def _scores_by_group(release: Release) -> bool:
    return any(_has_groups(e) for e in _told_thresholds(release))


def _has_groups(evidence: Evidence) -> bool:
    return any(r["group"] for r in as_dicts(evidence))


def _curve(release: Release, evidence: Evidence, most: int) -> Evidence | None:
    """Return a ROC or precision-recall curve at the edges that are told; other drawings of scores tell more edges."""
    if evidence.kind != "curve" or evidence.notes.get("name") not in ("roc", "pr"):
        return None
    points = {(0.0, 0.0), (1.0, 1.0)} if evidence.notes["name"] == "roc" else set()
    for table in _told_thresholds(release):
        points |= _points(_thresholds(release, table, most), str(evidence.notes["name"]))
    x, y = evidence.columns.index("x"), evidence.columns.index("y")
    rows = tuple(r for r in evidence.rows if any(_near(r[x], px) and _near(r[y], py) for px, py in points))
    return replace(evidence, rows=rows)


def _points(table: Evidence, name: str) -> set[tuple[float, float]]:
    found = set()
    for row in as_dicts(table):
        if row["group"]:
            continue
        tp, fp = float(row["true_positives"] or 0), float(row["false_positives"] or 0)
        positives = float(row["positives"] or 0)
        negatives = float(row["labelled"] or 0) - positives
        if name == "roc" and positives and negatives:
            found.add((fp / negatives, tp / positives))
        elif name == "pr" and positives and tp + fp:
            found.add((tp / positives, tp / (tp + fp)))
    return found


def _near(a: Cell, b: float) -> bool:
    return isinstance(a, int | float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


# ---------------------------------------------------------------------------- columns of data


def _categories(release: Release, finding: Finding, evidence: Evidence) -> Evidence | None:
    """Return the shares of categories with the rare ones together, so that each has 0 rows or the minimum."""
    column = str(evidence.notes.get("column") or "")
    n = sizes(finding, column)
    if not all(n) or holds_personal_data(release.record, column):
        return None
    columns = release.groupings.get(column)
    if columns is not None and (None,) in release.withheld.at(columns, Level.ROWS):
        return None  # shares are of the rows with a value: they tell how many have none
    rest: list[Row] = []
    kept: list[Row] = []
    for row in evidence.rows:
        (rest if _rare(release, evidence, row, n) or _is_rest(row) else kept).append(row)
    while rest and kept and not _may(_counts(evidence, rest, n), release.minimum):
        kept.sort(key=lambda row: min(_counts(evidence, [row], n)))
        rest.append(kept.pop(0))
    order = {row: i for i, row in enumerate(evidence.rows)}
    kept.sort(key=lambda row: order[row])
    if rest and not _may(_counts(evidence, rest, n), release.minimum):
        return None
    return replace(evidence, rows=(*kept, *([_together(evidence, rest)] if rest else ())))


def _is_rest(row: Row) -> bool:
    return isinstance(row[0], str) and row[0].startswith("(") and row[0].endswith(" others)")


def _rare(release: Release, evidence: Evidence, row: Row, n: tuple[int, int]) -> bool:
    if "group" in evidence.columns and (label := row[evidence.columns.index("group")]):
        columns, group = group_of(str(label))
        if columns in release.tables:
            return not release.shows(columns, group, Level.ROWS)
    return not _may(_counts(evidence, [row], n), release.minimum)


def _counts(evidence: Evidence, rows: Sequence[Row], n: tuple[int, int]) -> tuple[int, int]:
    current, reference = (evidence.columns.index(c) for c in ("current", "reference"))
    now = sum(round(float(r[current] or 0) * n[0]) for r in rows)
    return now, sum(round(float(r[reference] or 0) * n[1]) for r in rows)


def _may(counts: Sequence[int], minimum: int) -> bool:
    return all(c == 0 or c >= minimum for c in counts)


def _together(evidence: Evidence, rows: Sequence[Row]) -> Row:
    found: list[Cell] = []
    for i, name in enumerate(evidence.columns):
        if name in ("current", "reference"):
            found.append(sum(float(r[i] or 0) for r in rows))
        else:
            found.append("(others)" if i == 0 else "" if name == "group" else None)
    return tuple(found)


def _distribution(release: Release, finding: Finding, evidence: Evidence) -> Evidence | None:
    """Return a histogram whose bins have 0 rows or the minimum on both sides, its outer edges rounded outwards."""
    column = str(evidence.notes.get("column") or "")
    n = sizes(finding, column) if column != "residual" else _residuals(finding)
    if not n[0] or column in release.groupings or holds_personal_data(release.record, column):
        return None
    low, high = evidence.columns.index("low"), evidence.columns.index("high")
    bins: list[list[Row]] = []
    for row in evidence.rows:
        if bins and not _may(_counts(evidence, bins[-1], n), release.minimum):
            bins[-1].append(row)
        else:
            bins.append([row])
    while len(bins) > 1 and not _may(_counts(evidence, bins[-1], n), release.minimum):
        last = bins.pop()
        bins[-1] += last
    if not bins or not _may(_counts(evidence, bins[-1], n), release.minimum):
        return None
    rows = []
    for rows_of in bins:
        whole = list(rows_of[0])
        for i, name in enumerate(evidence.columns):
            if name in ("current", "reference"):
                whole[i] = None if rows_of[0][i] is None else sum(float(r[i] or 0) for r in rows_of)
        whole[high] = rows_of[-1][high]
        rows.append(whole)
    rows[0][low], rows[-1][high] = _outwards(float(rows[0][low] or 0), float(rows[-1][high] or 0))
    return replace(evidence, rows=tuple(tuple(r) for r in rows))


def _residuals(finding: Finding) -> tuple[int, int]:
    n = next((m.n for m in finding.measures if m.name == "count" and not m.window), 0)
    reference = next((m.n for m in finding.measures if m.name == "count" and m.window == "reference"), 0)
    return int(n or 0), int(reference or 0)


def _outwards(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a range rounded outwards to two digits of its width, so that neither is a row's value."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return low, high
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    return math.floor(low / step) * step, math.ceil(high / step) * step


# ---------------------------------------------------------------------------- groups and the rest


def _groups(release: Release, finding: Finding, evidence: Evidence) -> Evidence | None:
    """Return a table of groups: rows of groups that are told, and of these the columns that may be told."""
    if finding.check not in known.LEVELLED:
        return None
    at = evidence.columns.index("group")
    rows: list[Row] = []
    for row in evidence.rows:
        columns, group = group_of(str(row[at])) if row[at] else ((), ())
        if columns and release.shows(columns, group, Level.ROWS):
            pairs = zip(evidence.columns, row, strict=True)
            rows.append(tuple(c if _tells(release, evidence, name, str(row[at])) else None for name, c in pairs))
    keys = {i for i, name in enumerate(evidence.columns) if name in known.GROUP_KEYS}
    told = any(c is not None for row in rows for i, c in enumerate(row) if i not in keys)
    return replace(evidence, rows=tuple(rows)) if told else None


def _tells(release: Release, evidence: Evidence, name: str, label: str) -> bool:
    columns, group = group_of(label)
    if name in known.GROUP_KEYS:
        return True
    if evidence.kind == "forest" and name in ("n", "value", "low", "high"):
        return release.tells_group(columns, group, Measure(str(evidence.notes.get("measure") or ""), None))
    if name in known.TABLE_LEVELS:
        return release.shows(columns, group, known.TABLE_LEVELS[name])
    if name == "n":
        return release.shows(columns, group, Level.PREDICTION)
    return release.tells_group(columns, group, Measure(name, None))


def _confusion(evidence: Evidence, minimum: int) -> Evidence | None:
    # A class's name is a value of the data: it goes out when enough rows have it.
    sizes_of: dict[Cell, int] = {}
    for row in as_dicts(evidence):
        for side in ("truth", "prediction"):
            sizes_of[row[side]] = max(sizes_of.get(row[side], 0), 0) + int(row["n"] or 0)
    few = any(0 < n < minimum for n in sizes_of.values())
    return None if few else evidence


def _some_columns(release: Release, evidence: Evidence, wanted: frozenset[str]) -> Evidence | None:
    if wanted.intersection(evidence.columns) <= {"column"}:
        return None
    rows = []
    for row in evidence.rows:
        about = dict(zip(evidence.columns, row, strict=True))
        columns = release.groupings.get(str(about.get("column")))
        hides = columns is not None and bool(release.withheld.at(columns, Level.ROWS))
        kept = {"column"} if hides else wanted
        rows.append(tuple(c if name in kept else None for name, c in about.items()))
    return replace(evidence, rows=tuple(rows))
