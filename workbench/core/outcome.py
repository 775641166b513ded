"""Reading truth, prediction, score and group codes from a batch, as the roles say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.dataset import Roles, Scalar
from workbench.core.entities import Sliced
from workbench.core.errors import DataError, near_matches, shown
from workbench.core.frame import Field, Kind
from workbench.core.joint import UNKNOWN, Group, JointBuilder, JointCounts
from workbench.core.numbers import Floats, Ints

MOST_CELLS = 3_000
_MOST_LABELS = 50


MOST_FAILURES = 100
"""So many rows a model fails on are looked for one by one in a batch; then whole blocks that hold one are left out."""


class Predictor(Protocol):
    """What counting needs of a model."""

    def scores(self, table: pa.RecordBatch, positive: Any) -> Floats | None:
        """Return a score per row, or None when the model gives none."""

    def predictions(self, table: pa.RecordBatch) -> Sequence[Any]:
        """Return a predicted label per row; None where the model failed."""

    def probabilities(self, table: pa.RecordBatch) -> tuple[list[str], Floats] | None:
        """Return the classes and a score for each per row, or None when the model gives none."""

    def numbers(self, table: pa.RecordBatch) -> Floats:
        """Return a predicted number per row."""

    @property
    def failures(self) -> Mapping[str, int]:
        """Return how many rows the model could not predict so far, by the name of its error."""


def canonical(value: object) -> str:
    """Return the text a value goes by in groups and labels: 1 and 1.0 are "1", booleans "True" and "False"."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) < 2**53:
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def failed_since(model: Predictor | None, before: Mapping[str, int]) -> dict[str, int]:
    """Return how many more rows a model could not predict than `before`, by the name of its error."""
    now = getattr(model, "failures", {})
    return {name: count - before.get(name, 0) for name, count in sorted(now.items()) if count > before.get(name, 0)}


def floats(column: pa.Array) -> Floats:
    """Return a column of numbers as float64, NaN for missing."""
    return pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def texts_and_codes(column: pa.Array) -> tuple[list[str | None], Ints]:
    """Return the distinct values of a column as canonical texts (None for missing) and each row's index into them."""
    coded = column.dictionary_encode(null_encoding="encode")
    values = [None if v is None else canonical(v) for v in coded.dictionary.to_pylist()]
    return values, coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


class LabelReader:
    """Turns a label column into 0 (negative), 1 (positive) and 2 (missing), and checks that it is binary."""

    def __init__(self, role: str, column: str, kind: Kind, positive: Scalar | None, *, binary: bool) -> None:
        self._what = f"{role} column {shown(column)}"
        self._binary = binary
        self.seen: set[str] = set()
        if positive is None and kind not in (Kind.BOOLEAN, Kind.NUMBER):
            raise DataError(
                f"{self._what} holds {kind.value} values: say which one is positive, for example positive='yes'."
            )
        self._given = positive is not None
        self.positive = _as_label(True if positive is None and kind is Kind.BOOLEAN else positive, kind)

    def read(self, column: pa.Array) -> Ints:
        """Return the codes of a batch."""
        values, codes = texts_and_codes(column)
        self.seen.update(v for v in values if v is not None)
        if len(self.seen) > _MOST_LABELS:
            self.check()
        meaning = np.array([UNKNOWN if v is None else int(self._is_positive(v)) for v in values], np.int64)
        return meaning[codes] if len(values) else np.zeros(len(codes), np.int64)

    def _is_positive(self, value: str) -> bool:
        if value == self.positive:
            return True
        # Predictions of 0/1 or true/false beside a target of words: 1 and true mean positive.
        return not self._binary and self.seen <= {"0", "1", "True", "False"} and value in {"1", "True"}

    def check(self) -> None:
        """Raise DataError when the labels seen are not what a binary task has."""
        listed = ", ".join(shown(v, 30) for v in sorted(self.seen)[:6]) + (", ..." if len(self.seen) > 6 else "")
        if self._binary and len(self.seen) > 2:
            raise DataError(
                f"{self._what} has {len(self.seen)}{'+' if len(self.seen) > _MOST_LABELS else ''} distinct values "
                f"({listed}), but a binary target has 2: "
                "give a binary target, or say task='multiclass' or task='regression'."
            )
        if not self._given and not self.seen <= {"0", "1", "True", "False"}:
            raise DataError(f"{self._what} holds {listed}, not 0/1 or true/false: say which is positive.")
        if self._binary and len(self.seen) == 2 and self.positive not in self.seen:
            close = near_matches(self.positive, self.seen)
            hint = f" Did you mean {shown(close[0])}?" if close else ""
            raise DataError(f"positive={shown(self.positive)} does not occur in {self._what} ({listed}).{hint}")


def _as_label(positive: Scalar | None, kind: Kind) -> str:
    if positive is None:
        return "1"
    text = canonical(positive)
    if kind is Kind.BOOLEAN:
        return {"1": "True", "true": "True", "0": "False", "false": "False"}.get(text.lower(), text)
    if kind is Kind.NUMBER and isinstance(positive, bool):
        return str(int(positive))
    if kind is Kind.NUMBER and isinstance(positive, str):
        try:
            return canonical(float(positive))
        except ValueError:
            return text
    return text


class CellReader:
    """Numbers the combinations of sensitive values as they appear."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._values: list[dict[str | None, int]] = [{} for _ in columns]
        self._cells: dict[tuple[int, ...], int] = {}

    def read(self, batch: pa.RecordBatch) -> Ints:
        """Return each row's cell number."""
        if not self._columns:
            self._cells.setdefault((), 0)
            return np.zeros(batch.num_rows, np.int64)
        combined = np.zeros(batch.num_rows, np.int64)
        for name, known in zip(self._columns, self._values, strict=True):
            values, codes = texts_and_codes(batch.column(name))
            local = np.array([known.setdefault(v, len(known)) for v in values], np.int64)
            self._check(name, known)
            combined = combined * (MOST_CELLS + 1) + (local[codes] if len(values) else 0)
        distinct, inverse = np.unique(combined, return_inverse=True)
        cells = [self._cells.setdefault(self._split(int(d)), len(self._cells)) for d in distinct]
        if len(self._cells) > MOST_CELLS:
            raise DataError(
                f"the sensitive columns {', '.join(map(shown, self._columns))} form more than {MOST_CELLS} groups: "
                "bin them, or name fewer."
            )
        return np.array(cells, np.int64)[inverse]

    def _check(self, name: str, known: dict[str | None, int]) -> None:
        if len(known) > MOST_CELLS:
            raise DataError(
                f"sensitive column {shown(name)} has more than {MOST_CELLS} distinct values: bin it into groups first."
            )

    def _split(self, code: int) -> tuple[int, ...]:
        parts: list[int] = []
        for _ in self._columns:
            code, part = divmod(code, MOST_CELLS + 1)
            parts.append(part)
        return tuple(reversed(parts))

    @property
    def cells(self) -> list[Group]:
        """Return the cells found, in number order, as texts."""
        back = [{i: v for v, i in known.items()} for known in self._values]
        return [tuple(back[k][i] for k, i in enumerate(cell)) for cell in self._cells]


class OutcomeReader:
    """Feeds a JointBuilder from batches; roles whose column is absent from the data are left out."""

    def __init__(self, fields: Sequence[Field], roles: Roles, model: Predictor | None) -> None:
        kinds = {f.name: f.kind for f in fields}
        self.roles, self._model = roles, model
        self._score = roles.score if roles.score in kinds else None
        self._prediction = roles.prediction if roles.prediction in kinds else None
        self._truth = _label_reader("target", roles, kinds)
        self._labels = _label_reader("prediction", roles, kinds)
        if self._score is not None and kinds[self._score] not in (Kind.NUMBER, Kind.BOOLEAN):
            raise DataError(f"score column {shown(self._score)} holds {kinds[self._score].value}, not numbers.")
        self._columns = tuple(c for c in roles.sensitive if c in kinds)
        self._cells = CellReader(self._columns)
        use_model = model is not None and self._score is None
        self._use_model = use_model
        self._before = failed_since(model, {})
        scored = self._score is not None or use_model
        self._builder = Sliced(lambda: JointBuilder(with_scores=scored), by_entity=roles.entity in kinds)
        self.scored = self._score is not None
        self.predicted = self._prediction is not None or self.scored

    @property
    def used(self) -> bool:
        """Say whether there is anything to count jointly."""
        return bool(self._columns) or self._truth is not None or self.predicted or self._use_model

    def push(self, batch: pa.RecordBatch, places: Ints | None = None) -> Floats | None:
        """Count a batch, `places` being its rows' slices of entities; return the model's scores when it gave them."""
        nothing = np.full(batch.num_rows, UNKNOWN, np.int64)
        score, made = self._scores(batch)
        prediction = nothing
        if self._labels is not None:
            prediction = self._labels.read(batch.column(self._prediction))
        elif score is not None:
            prediction = np.where(np.isnan(score), UNKNOWN, score >= self.roles.threshold).astype(np.int64)
        elif made is not None:
            prediction = made
        truth = nothing if self._truth is None else self._truth.read(batch.column(self.roles.target))
        self._builder.push(places, self._cells.read(batch), truth, prediction, score)
        return score if self._use_model else None

    def _scores(self, batch: pa.RecordBatch) -> tuple[Floats | None, Ints | None]:
        if self._score is not None:
            return floats(batch.column(self._score)), None
        if not self._use_model or self._model is None:
            return None, None
        positive = self._model_positive()
        score = self._model.scores(batch, positive)
        if score is not None:
            self.scored = self.predicted = True
            return np.asarray(score, np.float64), None
        self.predicted = True
        wanted = canonical(positive)
        made = self._model.predictions(batch)
        return None, np.array([UNKNOWN if v is None else int(canonical(v) == wanted) for v in made], np.int64)

    def _model_positive(self) -> Scalar:
        if self.roles.positive is not None:
            return self.roles.positive
        return self._truth.positive if self._truth is not None else 1

    @property
    def seen(self) -> dict[str, frozenset[str]]:
        """Return the labels met so far, by role."""
        readers = {"target": self._truth, "prediction": self._labels}
        return {role: frozenset(reader.seen) for role, reader in readers.items() if reader is not None}

    def done(self) -> tuple[JointCounts | None, tuple[JointCounts, ...]]:
        """Return the joint counts (None: nothing to count) and those by slice of entities; labels are not checked."""
        if not self.used:
            return None, ()
        positive = self._truth.positive if self._truth else canonical(self._model_positive())
        favourable = self.roles.favourable
        return self._builder.done(
            self._cells.cells,
            sensitive=self._columns,
            has_truth=self._truth is not None,
            has_prediction=self.predicted,
            has_score=self.scored,
            favourable_is_positive=favourable is None or canonical(favourable) == canonical(positive),
            labels={"positive": positive, **_favourable(self.roles)},
            failures=failed_since(self._model, self._before) if self._use_model else {},
        )


def _label_reader(role: str, roles: Roles, kinds: Mapping[str, Kind]) -> LabelReader | None:
    column = getattr(roles, role)
    if column is None or column not in kinds:
        return None
    return LabelReader(role, column, kinds[column], roles.positive, binary=role == "target")


def check_labels(fields: Sequence[Field], roles: Roles, seen: Mapping[str, Iterable[str]]) -> None:
    """Raise DataError when the labels of all the rows together are not what a binary task has."""
    if roles.kind_of_task != "binary":
        return
    kinds = {f.name: f.kind for f in fields}
    for role, labels in seen.items():
        reader = _label_reader(role, roles, kinds)
        if reader is not None:
            reader.seen.update(labels)
            reader.check()


def _favourable(roles: Roles) -> dict[str, str]:
    return {} if roles.favourable is None else {"favourable": canonical(roles.favourable)}
