"""Models: a fitted estimator in memory, or a file of a kind that is safe to open."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.classes import label_order
from workbench.core.errors import ModelError, import_extra, near_matches, shown, thousands, unknown
from workbench.core.outcome import MOST_FAILURES, canonical
from workbench.load.remote import is_remote, local, opened, place

MOST_BYTES = 4 * 2**30
MOST_NAMED = 12


@dataclass(frozen=True)
class Model:
    """How to predict, what of, and how it was opened; `trusted` names the types trusted beyond the format's own."""

    predictor: Any
    digest: str
    loaded_from: str = "memory"
    trusted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    feature_names: tuple[str, ...] | None = None
    classes: tuple[Any, ...] = field(default=())
    failures: Counter[str] = field(default_factory=Counter, compare=False)

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise ModelError when the data lacks a column that the model was trained on."""
        lost = [name for name in self.feature_names or () if name not in names]
        if not lost:
            return
        close = near_matches(lost[0], names)
        hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else _listed(names)
        more = (
            f" (nor {thousands(len(lost) - 1)} more of its {thousands(len(self.feature_names or ()))})"
            if lost[1:]
            else ""
        )
        raise ModelError(
            f"the model was trained on column {shown(lost[0])}, which the data does not have{more}.{hint} "
            "Rename the column in the data, choose the data that the model is for, or leave the model out."
        )

    @property
    def has_scores(self) -> bool:
        """Say whether it tells the positive class by a score."""
        known = self.predictor
        return hasattr(known, "predict_proba") or (hasattr(known, "decision_function") and self._width <= 2)

    def scores(self, table: pa.RecordBatch, positive: Any) -> NDArray[np.float64] | None:
        """Return the probability (or the decision value) of the positive class per row, or None if there is none."""
        rows = self._rows(table)
        if hasattr(self.predictor, "predict_proba"):
            found = self._answers("predict_proba", rows, self._width)
            return self._checked(found[:, self._place(positive)])
        if hasattr(self.predictor, "decision_function") and self._width <= 2:
            sign = 1.0 if self._place(positive) == len(self.classes) - 1 else -1.0
            return self._checked(sign * self._answers("decision_function", rows, 0))
        return None

    def probabilities(self, table: pa.RecordBatch) -> tuple[list[str], NDArray[np.float64]] | None:
        """Return the classes, in one order, and each one's probability (or decision value) per row, or None."""
        method = next((m for m in ("predict_proba", "decision_function") if hasattr(self.predictor, m)), None)
        if method is None or self._width < 3:
            return None
        found = self._checked(self._answers(method, self._rows(table), self._width))
        labels = [canonical(c) for c in self.classes]
        order = sorted(range(len(labels)), key=lambda i: label_order(labels[i]))
        return [labels[i] for i in order], found[:, order]

    def predictions(self, table: pa.RecordBatch) -> list[Any]:
        """Return the predicted label per row; None where the model failed."""
        rows = self._rows(table)
        found = self._answers("predict", rows, 0, of=object)
        return [None if v is None or v != v else v for v in found.tolist()]

    def numbers(self, table: pa.RecordBatch) -> NDArray[np.float64]:
        """Return the predicted number per row; NaN where the model failed."""
        return self._checked(self._answers("predict", self._rows(table), 0))

    @property
    def _width(self) -> int:
        return len(self.classes)

    def _place(self, positive: Any) -> int:
        labels = [canonical(c) for c in self.classes]
        if canonical(positive) not in labels:
            raise ModelError("positive: " + unknown("class of the model", positive, labels))
        return labels.index(canonical(positive))

    def _rows(self, table: pa.RecordBatch) -> Any:
        import pandas as pd

        names = self.feature_names or tuple(table.schema.names)
        self.check_columns(table.schema.names)
        return pd.DataFrame({name: _column(table.column(name)) for name in names})

    def _answers(self, method: str, rows: Any, width: int, of: Any = np.float64) -> NDArray[Any]:
        """Return what a method says of each row (`width` numbers, or one); rows it fails on are missing and counted."""
        limits = import_extra("threadpoolctl", "model", "running a model").threadpool_limits
        shape = (len(rows), width) if width else (len(rows),)
        found = np.full(shape, np.nan if of is np.float64 else None, of)
        failed: Counter[str] = Counter()
        # One thread: how work is split between threads changes the last bits of sums.
        with limits(1):
            self._fill(method, rows, found, failed)
        if failed and failed.total() == len(rows):
            raise ModelError(f"the model's {method} failed with {', '.join(sorted(failed))}.")
        self.failures.update(failed)
        return found

    def _fill(self, method: str, rows: Any, found: NDArray[Any], failed: Counter[str]) -> None:
        try:
            answer = np.asarray(getattr(self.predictor, method)(rows))
        except Exception as error:
            # The message may quote values of rows: the type says enough to start from.
            name = type(error).__name__
            if len(rows) <= 1 or failed.total() >= MOST_FAILURES:
                failed[name] += len(rows)
                return
            half = len(rows) // 2
            for part in (slice(0, half), slice(half, None)):
                self._fill(method, rows.iloc[part].reset_index(drop=True), found[part], failed)
            return
        if answer.shape != found.shape:
            raise ModelError(f"the model's {method} returned shape {answer.shape} for {len(rows)} rows.")
        found[...] = answer

    def _checked(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        missing = int(np.count_nonzero(np.isnan(found).reshape(len(found), -1).any(axis=1))) if len(found) else 0
        if missing and missing == len(found):
            raise ModelError(f"the model returned NaN for all {missing} rows.")
        return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f" The data has {', '.join(shown(n, 40) for n in names[:MOST_NAMED]) or 'no column'}{more}."


def _column(array: pa.Array) -> Any:
    if pa.types.is_string(array.type):
        values = array.to_pandas().to_numpy(dtype=object, copy=True)
        values[array.is_null().to_numpy(zero_copy_only=False)] = np.nan  # as pandas readers give it to training
        return values
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp(array.type.unit)).to_pandas()
    return array.to_pandas()


def wrap_model(estimator: Any) -> Model:
    """Return a Model over a fitted scikit-learn estimator, with the digest that its .skops file would have."""
    from workbench.load.skops_file import digest_of_estimator

    if isinstance(estimator, Model):
        return estimator
    if not hasattr(estimator, "predict"):
        raise ModelError(f"found a {type(estimator).__qualname__}, expected a fitted estimator with predict().")
    digest, note = digest_of_estimator(estimator)
    return described(estimator, digest, "memory", notes=(note,) if note else ())


def described(estimator: Any, digest: str, loaded_from: str, **about: Any) -> Model:
    """Return a Model with what the estimator says of its features and classes; an unfitted one raises ModelError."""
    classes = getattr(estimator, "classes_", None)
    if classes is None and (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
        raise ModelError(f"the {type(estimator).__qualname__} is not fitted (it has no classes_): fit it first.")
    names = getattr(estimator, "feature_names_in_", None)
    return Model(
        estimator,
        digest,
        loaded_from,
        feature_names=None if names is None else tuple(str(n) for n in names),
        classes=() if classes is None else tuple(np.asarray(classes).tolist()),
        **about,
    )


def open_model(path: str | Path, *, trust: Sequence[str] = ()) -> Model:
    """Open a model file by its suffix; files that run code when opened are refused."""
    if is_remote(str(path)):
        return _remote_model(str(path), trust)
    file = Path(local(str(path)))
    if not file.is_file():
        names = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        close = near_matches(file.name, names)
        hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else ""
        raise ModelError(f"model {shown(path, 200)} was not found.{hint}")
    suffix = file.suffix.lower()
    if suffix in {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"}:
        raise ModelError(
            f"{shown(file.name)} is a pickle: opening it runs whatever code it holds. Save the model with "
            "skops.io.dump(model, 'model.skops') and give that file."
        )
    if suffix not in MODELS:
        raise ModelError(f"{shown(file.name)} is of no kind that is opened: expected {', '.join(MODELS)}.")
    return MODELS[suffix](file, tuple(trust))


def _remote_model(uri: str, trust: Sequence[str]) -> Model:
    with opened(uri) as file, tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ModelError(f"model {place(uri)} has more than {thousands(MOST_BYTES)} bytes.")
        copy = Path(folder) / Path(urlsplit(uri).path).name
        copy.write_bytes(content)
        return open_model(copy, trust=trust)


def _skops(file: Path, trust: tuple[str, ...]) -> Model:
    from workbench.load.skops_file import open_skops

    estimator, digest, trusted = open_skops(file, trust)
    return described(estimator, digest, "skops", trusted=trusted)


MODELS: dict[str, Callable[[Path, tuple[str, ...]], Model]] = {".skops": _skops}
"""Suffix -> opener: a new format is one entry."""


def sha256_of(data: bytes) -> str:
    """Return "sha256:" and the hex digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
