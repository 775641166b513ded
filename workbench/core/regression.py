"""Counts for predicted numbers: residuals, truths and predictions of each group, with exact sums of their powers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from workbench.core.classes import added
from workbench.core.joint import Group, cell_order
from workbench.core.numbers import Floats, Ints, NumberBuilder, NumberCounts
from workbench.core.sums import Sums

TABLES = ("residual", "truth", "prediction")


@dataclass(frozen=True)
class CellErrors:
    """One group: rows, tables over the rows with truth and prediction, and sums of powers over the same rows.

    A residual is prediction minus truth. `sums` holds e2, e4, abs, e2y, e2y2 (y the truth), y2, y4, sape, sape2 and,
    over rows whose truth is not 0, ape and ape2; `zeros` counts rows whose truth is 0.
    """

    rows: int = 0
    zeros: int = 0
    infinite: int = 0
    tables: Mapping[str, NumberCounts] | None = None
    sums: Sums = field(default_factory=Sums)

    @property
    def n(self) -> int:
        """Return the number of rows with a finite truth and prediction."""
        return self.sums.n

    def table(self, name: str) -> NumberCounts:
        """Return the table of residuals, truths or predictions."""
        return NumberCounts() if self.tables is None else self.tables[name]

    def __add__(self, other: CellErrors) -> CellErrors:
        tables = {name: self.table(name) + other.table(name) for name in TABLES}
        rows, zeros = self.rows + other.rows, self.zeros + other.zeros
        return CellErrors(rows, zeros, self.infinite + other.infinite, tables, self.sums + other.sums)

    def to_dict(self) -> dict[str, Any]:
        """Return the tables as JSON data."""
        tables = {name: self.table(name).to_dict() for name in TABLES}
        return {
            "rows": self.rows,
            "zeros": self.zeros,
            "infinite": self.infinite,
            "tables": tables,
            "sums": self.sums.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CellErrors:
        """Read what `to_dict` wrote."""
        tables = {name: NumberCounts.from_dict(table) for name, table in data["tables"].items()}
        return cls(data["rows"], data["zeros"], data["infinite"], tables, Sums.from_dict(data["sums"]))


@dataclass(frozen=True)
class RegressionCounts:
    """Errors by cell; a cell is one value per sensitive column."""

    sensitive: tuple[str, ...]
    cells: Mapping[Group, CellErrors]
    has_truth: bool
    has_prediction: bool
    failures: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: RegressionCounts) -> RegressionCounts:
        cells = dict(self.cells)
        for cell, errors in other.cells.items():
            cells[cell] = cells[cell] + errors if cell in cells else errors
        return RegressionCounts(
            self.sensitive,
            dict(sorted(cells.items(), key=lambda item: cell_order(item[0]))),
            self.has_truth or other.has_truth,
            self.has_prediction or other.has_prediction,
            added(self.failures, other.failures),
        )

    @cached_property
    def overall(self) -> CellErrors:
        """Return the errors over all rows."""
        return sum(self.cells.values(), CellErrors())

    def members(self, columns: Sequence[str]) -> dict[Group, CellErrors]:
        """Return the errors of each combination of values of `columns`; sorted, missing last."""
        at = [self.sensitive.index(c) for c in columns]
        found: dict[Group, CellErrors] = {}
        for cell, errors in self.cells.items():
            key = tuple(cell[a] for a in at)
            found[key] = found.get(key, CellErrors()) + errors
        return dict(sorted(found.items(), key=lambda item: cell_order(item[0])))

    def groupings(self, depth: int = 2) -> list[tuple[str, ...]]:
        """Return each sensitive column by itself, then every combination of up to `depth` of them."""
        sizes = range(1, min(depth, len(self.sensitive)) + 1)
        return [columns for size in sizes for columns in combinations(self.sensitive, size)]

    def to_dict(self) -> dict[str, Any]:
        """Return the tables as JSON data."""
        cells = [[list(cell), errors.to_dict()] for cell, errors in self.cells.items()]
        has = [self.has_truth, self.has_prediction]
        return {"sensitive": list(self.sensitive), "cells": cells, "has": has, "failures": dict(self.failures)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RegressionCounts:
        """Read what `to_dict` wrote."""
        cells = {tuple(cell): CellErrors.from_dict(errors) for cell, errors in data["cells"]}
        return cls(tuple(data["sensitive"]), cells, data["has"][0], data["has"][1], dict(data.get("failures", {})))


class RegressionBuilder:
    """Adds batches of cell numbers, truths and predictions (NaN = missing)."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[dict[str, NumberBuilder], list[Any]]] = {}

    def push(self, cell: Ints, truth: Floats, prediction: Floats) -> None:
        """Take one batch; the arrays are of equal length."""
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(cell)][: len(starts)], strict=True):
            rows = order[start:end]
            self._push_cell(int(cell[rows[0]]), truth[rows], prediction[rows])

    def _push_cell(self, cell: int, truth: Floats, prediction: Floats) -> None:
        builders, state = self._parts.setdefault(cell, ({name: NumberBuilder() for name in TABLES}, [0, 0, 0, Sums()]))
        known = ~(np.isnan(truth) | np.isnan(prediction))
        finite = known & np.isfinite(truth) & np.isfinite(prediction)
        y, p = truth[finite], prediction[finite]
        state[0] += len(truth)
        state[1] += int(np.count_nonzero(y == 0))
        state[2] += int(np.count_nonzero(known & ~finite))
        if not len(y):
            return
        for name, values in zip(TABLES, (p - y, y, p), strict=True):
            builders[name].push(values)
        state[3] = state[3] + Sums.of(_powers(y, p))

    def done(self, cells: Sequence[Group], **about: Any) -> RegressionCounts:
        """Return the table of everything pushed."""
        found = {}
        for number, (builders, (rows, zeros, infinite, sums)) in self._parts.items():
            tables = {name: builder.done() for name, builder in builders.items()}
            found[cells[number]] = CellErrors(rows, zeros, infinite, tables, sums)
        return RegressionCounts(cells=dict(sorted(found.items(), key=lambda item: cell_order(item[0]))), **about)


def _powers(y: Floats, p: Floats) -> dict[str, Floats]:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        e = p - y
        absolute, e2, y2 = np.abs(e), e * e, y * y
        ape = np.where(y == 0, 0.0, absolute / np.abs(y))
        both = np.abs(y) + np.abs(p)
        sape = np.where(both == 0, 0.0, 2 * absolute / both)
        return {
            "abs": absolute, "e2": e2, "e4": e2 * e2, "e2y": e2 * y, "e2y2": e2 * y2, "y2": y2, "y4": y2 * y2,
            "y3": y2 * y, "ape": ape, "ape2": ape * ape, "sape": sape, "sape2": sape * sape,
        }  # fmt: skip
