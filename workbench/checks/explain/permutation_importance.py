"""Which features the model's performance rests on, by shuffling each."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Result
from workbench.core.importance import importances, ranked
from workbench.core.subject import Subject


@check(
    "explain.permutation_importance",
    "X001",
    "Permutation importance",
    needs=("truth", "rows", "model"),
    on_request=True,
)
def permutation_importance(subject: Subject, *, repeats: int = 5, most_rows: int = 5_000) -> Result:
    """Measure how much worse the model gets when one feature's values are dealt out anew among the rows.

    Measures: `importance` of each feature: mean increase of the row's loss over the repeats (error rate; squared
        error of the score where there is one; absolute error for numbers), with a paired t interval over the rows.
    Reads well when: features are not near copies of each other.
    Signs of risk: much of the performance rests on one feature, on an identifier, or on a sensitive column.
    Limits: features that carry the same information share or hide importance; shuffling makes rows that cannot exist.
        It explains this model on these rows, not the world. The interval is over rows, given the shuffles.
    Reference: Breiman (2001) Machine Learning 45:5; Fisher, Rudin and Dominici (2019) JMLR 20:177, model reliance.
    """
    found = importances(subject, repeats=repeats, most_rows=most_rows)
    if not found.measures:
        raise NotApplicableError("the model takes no feature that is in the data")
    table = [(m.column, m.column, m.n, m.n, m.value, m.low, m.high) for m in ranked(found.measures)]
    evidence = Evidence(
        "permutation importance",
        f"Increase of {found.loss} when a feature is shuffled",
        "forest",
        ("label", "feature", "rows", "n", "value", "low", "high"),
        tuple(table[:40]),
        {"measure": "importance", "overall": 0.0, "overall_is": "no effect:"},
    )
    return Result(found.measures, [evidence], [subject.sample.measured(found.n)])
