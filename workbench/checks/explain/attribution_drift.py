"""Whether the model rests on the same features now as on the reference."""

from __future__ import annotations

from workbench.core.check import check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.importance import importances, ranked
from workbench.core.intervals import Interval, mover_difference
from workbench.core.rates import with_interval
from workbench.core.subject import Subject


@check(
    "explain.attribution_drift",
    "X002",
    "Attribution drift",
    needs=("truth", "rows", "model", "reference"),
    on_request=True,
)
def attribution_drift(subject: Subject, *, repeats: int = 5, most_rows: int = 5_000) -> Result:
    """Compare the permutation importance of each feature now with that on the reference.

    Measures: `importance_change` of each feature, now minus reference, with an interval from both; Spearman's rank
        correlation of the two rankings.
    Reads well when: both data sets have truth and some thousands of rows.
    Signs of risk: a feature that carried the model and no longer does; one that now carries it alone.
    Limits: those of permutation importance. With few features the rank correlation has few values it can take; it has
        no interval.
    Reference: Breiman (2001) for importance; Zou and Donner (2008) for the interval of a difference; Spearman (1904).
    """
    now = importances(subject, repeats=repeats, most_rows=most_rows)
    then = {m.column: m for m in importances(subject, subject.reference, repeats=repeats, most_rows=most_rows).measures}
    measures, table = [], []
    for m in ranked(now.measures):
        change = _change(m, then[m.column])
        measures.append(change)
        table.append((m.column, m.n, m.value, then[m.column].value, change.value, change.low, change.high))
    measures.append(_correlation(list(now.measures), then))
    columns = ("feature", "n", "importance", "on the reference", "change", "low", "high")
    evidence = Evidence("attribution drift", "Importance now and on the reference", "table", columns, tuple(table[:40]))
    return Result(measures, [evidence], [f"importance is the increase of {now.loss} when a feature is shuffled"])


def _change(now: Measure, then: Measure) -> Measure:
    name, n = "importance_change", now.n
    if now.value is None or then.value is None:
        return Measure(name, None, now.column, n=n, undefined_because="no row has what it needs")
    m = Measure(name, now.value - then.value, now.column, n=n)
    if now.low is None or now.high is None or then.low is None or then.high is None:
        return m
    ends = (Interval(now.low, now.high, ""), Interval(then.low, then.high, ""))
    return with_interval(m, mover_difference(now.value, ends[0], then.value, ends[1]))


def _correlation(now: list[Measure], then: dict[str, Measure]) -> Measure:
    from scipy.stats import spearmanr

    pairs = [(m.value, then[m.column].value) for m in now if m.value is not None]
    name = "rank_correlation"
    if len(pairs) < 3:
        return Measure(name, None, n=len(pairs), undefined_because="under three features")
    one, two = [a for a, _ in pairs], [b for _, b in pairs]
    if len(set(one)) < 2 or len(set(two)) < 2:
        return Measure(name, None, n=len(pairs), undefined_because="all features are equally important")
    return Measure(name, float(spearmanr(one, two).statistic), n=len(pairs), method="no interval")
