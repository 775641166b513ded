"""How well the model does on the rows that are least like the reference."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import import_extra
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.means import difference_of, mean_of
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import design, rows_of
from workbench.core.subject import Subject

_MOST_ROWS = 5_000


@check("performance.resilience", "P011", "Resilience", needs=("truth", "rows", "reference"), on_request=True)
def resilience(subject: Subject, *, shares: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5), neighbours: int = 5) -> Result:
    """Measure errors on the rows that lie farthest from the reference data.

    Measures: error rate (or mean absolute error) of the farthest tenth, fifth and so on (`where`), and its difference
        to the errors of the other rows, with intervals; mean distance of the rows to the reference.
    Reads well when: the reference is what the model was trained on.
    Signs of risk: errors that grow with distance: the model extrapolates badly, and drift will cost performance.
    Limits: distance is the mean Euclidean distance to the nearest rows of the reference over standardised features,
        all weighing alike, categories as 0/1 columns. It measures these rows, not every possible shift.
    Reference: nearest neighbours by scikit-learn; Newcombe (1998) for rates, Welch (1947) for means; worst subsamples
        by distance as in the resilience tests of PiML (Sudjianto et al. 2023).
    """
    if subject.reference is None or subject.reference.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    rows = rows_of(subject)
    rows = rows.take(rows.known)
    rows = rows.take(np.arange(min(rows.n, _MOST_ROWS)))
    if not rows.n:
        raise NotApplicableError("no row has a truth and a prediction")
    distance = _distances(subject, rows.batch, neighbours)
    order, name, unit = np.argsort(-distance, kind="stable"), rows.loss_name, rows.loss_unit
    measures = [
        mean_of(name, rows.loss, subject.level, unit=unit),
        mean_of("mean_distance", distance, subject.level),
    ]
    table = []
    for share in shares:
        far = np.zeros(rows.n, bool)
        far[order[: round(share * rows.n)]] = True
        answer = difference_of(rows.loss[far], rows.loss[~far], subject.level)
        if answer is None or far.sum() < subject.minimum_group_size:
            continue
        where = f"farthest {share:.0%}"
        own = mean_of(name, rows.loss[far], subject.level, unit=unit, where=where)
        gap = Measure(f"{name}_against_rest", answer[0], where=where, n=int(far.sum()), unit=unit)
        measures += [own, with_interval(gap, answer[1])]
        table.append((share, own.value, own.low, own.high, "farthest rows"))
    about = {"x": "share of rows, the farthest first", "y": name.replace("_", " "), "unit": unit}
    evidence = Evidence(
        "resilience", "Errors of the rows farthest from the reference", "lines",
        ("x", "y", "low", "high", "series"), tuple(table), about,
    )  # fmt: skip
    return Result(measures, [evidence], [subject.sample.measured(rows.n)])


def _distances(subject: Subject, batch: object, neighbours: int) -> Floats:
    near = import_extra("sklearn.neighbors", "model", "distances to the reference")
    reference = subject.reference.sample if subject.reference is not None else None
    if reference is None or not subject.features:
        raise NotApplicableError("there are no features, or no rows of the reference")
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    batches = [reference.rows.slice(0, _MOST_ROWS), batch]
    there, here = design(batches, subject.features, kinds)
    k = min(neighbours, len(there.matrix))
    found, _ = near.NearestNeighbors(n_neighbors=k).fit(there.matrix).kneighbors(here.matrix)
    return np.asarray(found.mean(axis=1), np.float64)
