"""Models: a fitted estimator in memory, or a file of a kind that is safe to open."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.errors import ModelError, import_extra, near_matches, shown, unknown
from workbench.core.outcome import canonical
from workbench.load.remote import is_remote, local, opened, place

MOST_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Model:
    """How to predict, what of, and how it was opened; `trusted` names the types trusted beyond the format's own."""

    predictor: Any
    digest: str
    loaded_from: str = "memory"
    trusted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    task: str = "binary"
    feature_names: tuple[str, ...] | None = None
    classes: tuple[Any, ...] = field(default=())

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise ModelError when the data lacks a column that the model was trained on."""
        for name in self.feature_names or ():
            if name not in names:
                close = near_matches(name, names)
                hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else ""
                raise ModelError(f"the model was trained on column {shown(name)}, which the data does not have.{hint}")

    def scores(self, table: pa.RecordBatch, positive: Any) -> NDArray[np.float64] | None:
        """Return the probability (or the decision value) of the positive class per row, or None if there is none."""
        rows = self._rows(table)
        if hasattr(self.predictor, "predict_proba"):
            found = np.asarray(self._call("predict_proba", rows))
            return self._checked(found[:, self._place(positive)], len(rows))
        if hasattr(self.predictor, "decision_function"):
            found = np.asarray(self._call("decision_function", rows))
            if found.ndim == 1:
                sign = 1.0 if self._place(positive) == len(self.classes) - 1 else -1.0
                return self._checked(sign * found, len(rows))
        return None

    def predictions(self, table: pa.RecordBatch) -> list[Any]:
        """Return the predicted label per row."""
        rows = self._rows(table)
        found = np.asarray(self._call("predict", rows))
        if len(found) != len(rows):
            raise ModelError(f"the model returned {len(found)} predictions for {len(rows)} rows.")
        return found.tolist()  # type: ignore[no-any-return]

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

    def _call(self, method: str, rows: Any) -> Any:
        limits = import_extra("threadpoolctl", "model", "running a model").threadpool_limits
        try:
            # One thread: how work is split between threads changes the last bits of sums.
            with limits(1):
                return getattr(self.predictor, method)(rows)
        except Exception as error:
            # The message may quote values of rows: the type says enough to start from.
            raise ModelError(f"the model's {method} failed with {type(error).__name__}.") from error

    @staticmethod
    def _checked(scores: NDArray[Any], rows: int) -> NDArray[np.float64]:
        if scores.shape != (rows,):
            raise ModelError(f"the model returned scores of shape {scores.shape} for {rows} rows.")
        if np.isnan(scores).any():
            raise ModelError(f"the model returned NaN for {int(np.isnan(scores).sum())} of {rows} rows.")
        return scores.astype(np.float64)


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
            raise ModelError(f"model {place(uri)} has more than {MOST_BYTES:,} bytes.")
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
