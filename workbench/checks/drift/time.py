"""How the times of the rows have moved on: range, freshness and gaps."""

from __future__ import annotations

from workbench.core import gaps_in_time
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.errors import shown
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.gaps_in_time import Gaps, as_text
from workbench.core.intervals import wilson
from workbench.core.numbers import NumberCounts
from workbench.core.pairing import TIMES, Pair, changed_count, is_all_missing, kind_changes, kind_of_both, pairs
from workbench.core.rates import measure
from workbench.core.subject import Subject

_NAMES = ("freshness", "span", "largest_gap", "median_gap", "before_reference_end_share")
_MICROS = 1e6


@check("drift.time", "D006", "Drift of times", needs=("reference",))
def time(subject: Subject, *, as_of: str | None = None) -> Result:
    """Compare the times of the rows with the reference's: how far they reach, how fresh they are, where they pause.

    Measures: for the column of the role `time` and every feature of times, in seconds: `freshness`, the newest time now
        minus the newest of the reference; `lag`, the moment `as_of` (a parameter) minus the newest time now, and
        `after_as_of_share`, the share of times now after it; `span`, newest minus oldest; the largest and the median
        gap between consecutive distinct times, and their ratios to the reference's; the reference's own under window
        "reference"; `before_reference_end_share`, the share of times now that lie before the reference's newest, with a
        Wilson interval.
    Reads well when: the reference lies before the current data, and rows arrive at a steady pace.
    Signs of risk: no time newer than the reference's (the feed stands still); a gap far longer than any before; times
        before the reference's end, where rows were to be new: late, unsorted or doubled deliveries; times after
        `as_of`.
    Limits: times are taken as UTC; those without a zone are read as if they were. Rows of the same time count as one
        for gaps. Count tables know no order of rows: unsorted rows show as times before the reference's end only.
        Beyond 131,072 distinct times gaps come from bins: the largest carries an error bound, the median is undefined.
        No clock is read: without `as_of` there is no lag. A column of texts or numbers is not read as times.
    Reference: definitions; Wilson (1927) JASA 22:209 for the share.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    moment = None if as_of is None else gaps_in_time.moment_of(as_of)
    found, notes = kind_changes(subject, TIMES)
    rows: list[tuple[Cell, ...]] = []
    columns, odd = _columns(subject)
    if not found and not columns:
        raise NotApplicableError(odd or "no column holds times in both data sets")
    found.append(changed_count(found, len(columns)))
    for current, reference in columns:
        found += _column(current, reference, moment, subject.level)
        rows += [_row(reference, "reference"), _row(current, "current")]
    heads = ("column", "data", "oldest", "newest", "distinct times", "largest gap (seconds)")
    tables = [Evidence("times", "Times (UTC)", "table", heads, tuple(rows))] if rows else []
    return Result(found, tables, [*notes, *([odd] if odd else [])])


def _columns(subject: Subject) -> tuple[list[Pair], str]:
    """Return the columns of times, that of the role first, and what is odd about the role's column."""
    features = [pair for pair in pairs(subject) if kind_of_both(*pair) is Kind.TIME]
    name = subject.roles.time
    current = None if name is None else subject.current.columns.get(name)
    reference = None if name is None or subject.reference is None else subject.reference.columns.get(name)
    if name is None or current is None or reference is None:
        return features, "" if name is None else f"the time column {shown(name)} is not in both data sets"
    if kind_of_both(current, reference) is not Kind.TIME:
        kinds = " and ".join(dict.fromkeys((f"{reference.kind} values", f"{current.kind} values")))
        return features, f"the time column {shown(name)} holds {kinds}, not times"
    return [(current, reference), *features], ""


def _column(current: ColumnCounts, reference: ColumnCounts, moment: float | None, level: float) -> list[Measure]:
    name = current.name
    a, b = reference.numbers or NumberCounts(), current.numbers or NumberCounts()
    if b.maximum is None or b.minimum is None or a.maximum is None or a.minimum is None:
        why = is_all_missing(current, reference) or "one side has no time"
        return [Measure(k, None, name, n=b.n, undefined_because=why) for k in _NAMES]
    found = [Measure("freshness", (b.maximum - a.maximum) / _MICROS, name, n=b.n, unit="seconds")]
    if moment is not None:
        found.append(Measure("lag", (moment - b.maximum) / _MICROS, name, n=b.n, unit="seconds"))
        found.append(_after(name, b, moment, level))
    for table, window in ((b, ""), (a, "reference")):
        span = ((table.maximum or 0.0) - (table.minimum or 0.0)) / _MICROS
        found.append(Measure("span", span, name, window=window, n=table.n, unit="seconds"))
        found += _gaps(name, gaps_in_time.gaps(table), table.n, window)
    found += _ratios(name, gaps_in_time.gaps(b), gaps_in_time.gaps(a), b.n)
    return [*found, _overlap(name, b, a.maximum, level)]


def _gaps(name: str, gaps: Gaps, n: int, window: str) -> list[Measure]:
    few = "it needs two distinct times"
    unsure = few if gaps.largest is None and not gaps.bound else "times fell into bins: too many distinct ones"
    bound = gaps.bound or None
    return [
        Measure("largest_gap", gaps.largest, name, "", window, n=n, unit="seconds", error_bound=bound,
                undefined_because="" if gaps.largest is not None else unsure),
        Measure("median_gap", gaps.median, name, "", window, n=n, unit="seconds",
                undefined_because="" if gaps.median is not None else unsure),
    ]  # fmt: skip


def _ratios(name: str, now: Gaps, then: Gaps, n: int) -> list[Measure]:
    found = []
    for key, one, two in (("largest", now.largest, then.largest), ("median", now.median, then.median)):
        value = one / two if one is not None and two else None
        why = "" if value is not None else "one side has no such gap"
        found.append(Measure(f"{key}_gap_to_reference", value, name, n=n, unit="ratio", undefined_because=why))
    return found


def _after(name: str, times: NumberCounts, moment: float, level: float) -> Measure:
    over = int(times.counts[times.lows > moment].sum())
    return measure("after_as_of_share", over, times.n, wilson(over, times.n, level), column=name)


def _overlap(name: str, times: NumberCounts, end: float, level: float) -> Measure:
    under, across = gaps_in_time.before(times, end)
    n = times.n
    share = measure("before_reference_end_share", under, n, wilson(under, n, level), column=name)
    if not across:
        return share
    head = (share.name, share.value, name, "", "", "", share.low, min(1.0, (share.high or 0.0) + across / n))
    return Measure(*head, share.method, n, "share", across / n)


def _row(column: ColumnCounts, data: str) -> tuple[Cell, ...]:
    table = column.numbers or NumberCounts()
    largest = gaps_in_time.gaps(table).largest
    return (column.name, data, as_text(table.minimum), as_text(table.maximum), table.distinct, largest)
