"""Which outcomes are known, and how far the unknown ones could move what is measured."""

from __future__ import annotations

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.joint import UNKNOWN, JointCounts
from workbench.core.rates import measure
from workbench.core.subject import Subject


@check("performance.selective_labels", "P014", "Selective labels", needs=("target", "prediction"))
def selective_labels(subject: Subject) -> Result:
    """Report how many outcomes are known among those decided positively and negatively, and bound what is not known.

    Measures: `labelled_share` overall and by decision (`where`) with Wilson intervals; for accuracy and recall the
        least and the largest value that the missing outcomes allow (`_lower_bound`, `_upper_bound`).
    Reads well when: nearly every outcome is known.
    Signs of risk: outcomes known only for those who were accepted: then recall and false negatives are measured on
        a part chosen by the very decision that is audited.
    Limits: the bounds assume nothing and are wide. They hold for these rows and carry no sampling interval.
    Reference: Lakkaraju et al. (2017) KDD, the selective labels problem; worst-case bounds as in Manski (1989),
        J. Human Resources 24:343; Wilson (1927).
    """
    counts = _by_decision(subject.joint)
    total = sum(sum(c) for c in counts.values())
    if not total:
        raise NotApplicableError("no row has a prediction")
    found, rows = [], []
    for where, (negative, positive, unknown) in {"": _added(counts), **counts}.items():
        known, n = negative + positive, negative + positive + unknown
        interval = intervals.wilson(known, n, subject.level)
        m = measure("labelled_share", known, n, interval, why="0/0: no row is decided so")
        found.append(_at(m, where))
        rows.append((where or "all", n, known, m.value, m.low, m.high))
    found += _bounds(counts)
    columns = ("decision", "rows", "with outcome", "share", "low", "high")
    notes = []
    shares = [r[3] for r in rows[1:] if r[3] is not None]
    if len(shares) == 2 and min(shares) < 0.5 * max(shares):
        notes.append("outcomes are known mostly for one decision: read recall and error rates with the bounds")
    return Result(found, [Evidence("labels", "Known outcomes by decision", "table", columns, tuple(rows))], notes)


def _by_decision(joint: JointCounts) -> dict[str, list[int]]:
    found = {"decided negative": [0, 0, 0], "decided positive": [0, 0, 0]}
    names = list(found)
    for (_, truth, prediction), count in joint.rows.items():
        if prediction != UNKNOWN:
            found[names[prediction]][truth] += count
    return found


def _added(counts: dict[str, list[int]]) -> list[int]:
    return [sum(values) for values in zip(*counts.values(), strict=True)]


def _at(m: Measure, where: str) -> Measure:
    head = (m.name, m.value, "", "", "", where, m.low, m.high, m.method, m.n, m.unit)
    return Measure(*head, m.error_bound, m.undefined_because)


def _bounds(counts: dict[str, list[int]]) -> list[Measure]:
    (tn, fn, u0), (fp, tp, u1) = counts["decided negative"], counts["decided positive"]
    n = tn + fn + u0 + fp + tp + u1
    positives = (tp + fn + u0, tp + fn + u1)  # all unknown in the decision's favour, or against it
    values = {
        "accuracy_lower_bound": ((tp + tn) / n, n),
        "accuracy_upper_bound": ((tp + tn + u0 + u1) / n, n),
        "recall_lower_bound": (tp / positives[0] if positives[0] else None, positives[0]),
        "recall_upper_bound": ((tp + u1) / positives[1] if positives[1] else None, positives[1]),
    }
    why = "0/0: no row is truly positive"
    return [
        Measure(name, value, n=size, unit="share", undefined_because="" if value is not None else why)
        for name, (value, size) in values.items()
    ]
