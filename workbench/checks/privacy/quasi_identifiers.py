"""How small the crowds are in which people of equal quasi-identifiers could hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, shown, unknown
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.keys import key_hashes
from workbench.core.numbers import Ints
from workbench.core.personal import kind_by_name, words_of
from workbench.core.subject import Subject

_NAMES = """
age birth born dob zip zipcode postcode postal plz city town region state county country nation nationality citizen
citizenship sex gender race ethnicity ethnic religion marital married education degree job occupation profession
employer employed language household children colour color
"""
_QUASI = frozenset(_NAMES.split())
_MOST_PROPOSED = 8
_IDENTIFIES = 0.9  # a text column with more distinct values a row identifies by itself
_SIZES = ((1, 1), (2, 4), (5, 9), (10, 19), (20, None))
_METHOD = "counted in the rows used"


@dataclass(frozen=True)
class _Classes:
    """Rows in classes of equal quasi-identifiers: each row's class, and how many people each class holds."""

    of_row: Ints
    people: Ints

    @cached_property
    def size(self) -> Ints:
        """Return, for each row, how many people are in its class."""
        return self.people[self.of_row]

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.of_row)


@check("privacy.quasi_identifiers", "Y002", "Quasi-identifiers: k-anonymity and l-diversity", needs=("rows",))
def quasi_identifiers(
    subject: Subject, *, columns: list[str] | None = None, sensitive: str | None = None, k: int = 5
) -> Result:
    """Group rows by their quasi-identifiers and count how many people share each combination.

    Measures: `smallest_class`, the k of k-anonymity; the number of classes; `unique_share`, the share of rows alone
        in their class; `small_class_share`, the share in classes under `k`; for each column `unique_share_without`,
        what `unique_share` would be without it; and, with a target or a `sensitive` column, `smallest_diversity` (the
        l of distinct l-diversity) and `uniform_share`, the share of rows in classes of one sensitive value alone.
    Reads well when: `columns` names what somebody outside could know of a person. By default columns with usual names
        (age, postcode, sex, occupation ...) and the sensitive columns are proposed; eight at most.
    Signs of risk: many rows alone in their class; one column that makes most of them unique.
    Limits: in a sample classes are smaller than in all rows, so that shares are an upper bound; all are counts of the
        rows used and carry no interval. Equal values make a class: ages 41 and 42 are two. A missing value is a value
        of its own. Distinct l-diversity does not see that one of two values is rare.
    Reference: Sweeney (2002) International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10:557;
        Machanavajjhala et al. (2007) ACM TKDD 1:3.
    """
    if k < 2:
        raise ConfigError(f"privacy.quasi_identifiers: k is {k}, expected 2 or more.")
    rows = subject.sample.rows
    chosen = _given(columns, subject) if columns else _proposed(subject)
    classes = _classes(rows, chosen, subject.roles.entity)
    measures = _anonymity(classes, k) + _without(rows, chosen, subject.roles.entity)
    tables = [_sizes(classes)]
    attribute = sensitive or subject.roles.target
    if attribute is not None:
        _known([attribute], subject)
        measures += _diversity(classes, rows, attribute)
    notes = [f"measured on {subject.sample.words}, by {', '.join(shown(c, 40) for c in chosen)}"]
    if not subject.sample.whole:
        notes.append("in all rows classes are larger: shares are upper bounds")
    return Result(measures, tables, notes)


def _known(columns: Sequence[str], subject: Subject) -> None:
    for column in columns:
        if column not in subject.current.columns:
            raise ConfigError("privacy.quasi_identifiers: " + unknown("column", column, subject.current.columns))


def _given(columns: Sequence[str], subject: Subject) -> list[str]:
    _known(columns, subject)
    return list(dict.fromkeys(columns))


def _proposed(subject: Subject) -> list[str]:
    roles = subject.roles
    apart = {c for role, c in roles.named() if role not in ("sensitive", "segment")}
    found = list(roles.sensitive)
    for name, column in subject.current.columns.items():
        told = _QUASI & {*words_of(name)} or kind_by_name(name) == "date_of_birth"
        text = column.kind is Kind.TEXT and column.values is not None
        unique = text and column.values is not None and column.values.distinct > _IDENTIFIES * max(1, column.present)
        if told and name not in apart and name not in found and not unique:
            found.append(name)
    found = [name for name in found if name in subject.current.columns][:_MOST_PROPOSED]
    if not found:
        raise NotApplicableError("no column was given under `columns`, and none is called like a quasi-identifier")
    return found


def _classes(rows: pa.RecordBatch, columns: Sequence[str], entity: str | None) -> _Classes:
    table = pa.Table.from_batches([rows])
    if not columns:
        return _Classes(np.zeros(rows.num_rows, np.int64), np.array([rows.num_rows]))
    of_row = _numbered(table, tuple(columns))
    if entity is None or entity not in table.column_names:
        return _Classes(of_row, np.bincount(of_row))
    # Rows of one person are one person: a crowd is counted in people.
    pairs = np.unique(np.stack((of_row, _numbered(table, (entity,))), axis=1), axis=0)
    return _Classes(of_row, np.bincount(pairs[:, 0]))


def _numbered(table: pa.Table, columns: tuple[str, ...]) -> Ints:
    hashes, _ = key_hashes(table, columns)
    _, numbers = np.unique(hashes, axis=0, return_inverse=True)
    return np.asarray(numbers, np.int64).reshape(-1)


def _share(name: str, wanted: int, n: int, column: str = "") -> Measure:
    return Measure(name, wanted / n, column, n=n, unit="share", method=_METHOD)


def _anonymity(classes: _Classes, k: int) -> list[Measure]:
    n = classes.n
    return [
        Measure("smallest_class", int(classes.people.min()), n=n, unit="people", method=_METHOD),
        Measure("classes", len(classes.people), n=n, method=_METHOD),
        _share("unique_share", int((classes.size == 1).sum()), n),
        _share("small_class_share", int((classes.size < k).sum()), n),
    ]


def _without(rows: pa.RecordBatch, columns: Sequence[str], entity: str | None) -> list[Measure]:
    found = []
    for column in columns:
        rest = _classes(rows, [c for c in columns if c != column], entity)
        found.append(_share("unique_share_without", int((rest.size == 1).sum()), rest.n, column))
    return found


def _sizes(classes: _Classes) -> Evidence:
    found: list[tuple[Cell, ...]] = []
    for low, high in _SIZES:
        label = "1" if high == 1 else f"{low} and more" if high is None else f"{low} to {high}"
        inside = (classes.people >= low) & (classes.people <= (high or classes.people.max()))
        rows = int(inside[classes.of_row].sum())
        found.append((label, int(inside.sum()), rows, rows / classes.n))
    columns = ("class size", "classes", "rows", "share of rows")
    return Evidence("class sizes", "Rows by the size of their class", "table", columns, tuple(found))


def _diversity(classes: _Classes, rows: pa.RecordBatch, attribute: str) -> list[Measure]:
    table = pa.Table.from_batches([rows])
    pairs = np.unique(np.stack((classes.of_row, _numbered(table, (attribute,))), axis=1), axis=0)
    distinct = np.bincount(pairs[:, 0])
    uniform = int((distinct[classes.of_row] == 1).sum())
    lowest = Measure("smallest_diversity", int(distinct.min()), attribute, n=classes.n, method=_METHOD)
    return [lowest, _share("uniform_share", uniform, classes.n, attribute)]
