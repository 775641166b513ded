"""Values outside the documented ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.distinct import Distinct, of_counted
from workbench.core.errors import ConfigError, shown, unknown
from workbench.core.finding import Measure, Result
from workbench.core.outcome import canonical
from workbench.core.subject import Subject
from workbench.core.suspected import Faulty, told_value, value_result

_KINDS = (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN)


@check("quality.out_of_domain", "Q010", "Values outside their domain", uses=("rows",), on_request=True)
def out_of_domain(subject: Subject, *, domains: dict[str, list[str | int | float | bool]] | None = None) -> Result:
    """Count the values of each named column that its documentation does not list.

    Measures: `suspected_cells` and `suspected_share` per column of `domains`, over its cells with a value, with a
        Wilson interval; under `where` the number of each unknown value held by enough rows of a column that is not
        sensitive ("6"), and of the others together ("other values"); the reference's under window "reference".
    Reads well when: `domains` is what the source documents, for example {EDUCATION: [1, 2, 3, 4]}.
    Signs of risk: codes nobody knows the meaning of reach the model; a code added at the source.
    Limits: numbers are compared by value and texts as they are, so " 1" and "1" differ; missing values are not outside.
        Counts are exact up to 131,072 distinct values, beyond that they are measured on the sample.
    Reference: domain constraints, Codd (1970) CACM 13:377; Wilson (1927) for the interval.
    """
    if not domains:
        raise NotApplicableError("no domain was given: name them as `domains`, for example {grade: [1, 2, 3]}")
    for name in domains:
        column = subject.current.columns.get(name)
        if column is None:
            raise ConfigError("quality.out_of_domain: " + unknown("column", name, subject.current.columns))
        if column.kind not in _KINDS:
            raise ConfigError(f"quality.out_of_domain: column {shown(name)} holds {column.kind} values, not codes.")
    known = {name: frozenset(canonical(v) for v in values) for name, values in domains.items()}

    def find(d: Distinct) -> Faulty:
        outside = d.none
        outside[[i for i, label in enumerate(d.labels) if label not in known[d.name] and d.counts[i]]] = True
        return Faulty(d, {"not documented": outside})

    result = value_result(subject, list(domains), find, "Values that are not documented")
    return Result([*result.measures, *_codes(subject, list(domains), find)], result.evidence, result.notes)


def _codes(subject: Subject, names: Sequence[str], find: Callable[[Distinct], Faulty]) -> list[Measure]:
    measures = []
    for d in of_counted(subject.current, names):
        f = find(d)
        others = 0
        for at in f.wrong.nonzero()[0].tolist():
            told = told_value(d, at, subject)
            count = int(d.counts[at])
            others += count if told is None else 0
            if told is not None:
                measures.append(Measure("suspected_cells", count, d.name, where=told, n=d.n, unit="cells"))
        if others:
            measures.append(Measure("suspected_cells", others, d.name, where="other values", n=d.n, unit="cells"))
    return measures
