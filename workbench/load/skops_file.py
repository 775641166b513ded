"""Model files in skops's format: types are looked at before anything is built from them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.errors import ModelError, import_extra, shown, thousands

MOST_BYTES = 4 * 2**30
MOST_RATIO = 200

# Reviewed: compiled parts of plain scikit-learn estimators, which hold arrays and run nothing when built.
REVIEWED = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.linear_model._sgd_fast.Log",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._ball_tree.BallTree",
    }
)


def open_skops(file: Path, trust: tuple[str, ...]) -> tuple[Any, str, tuple[str, ...]]:
    """Return the estimator, its content digest and the types trusted on request; ModelError names what is not."""
    sio = import_extra("skops.io", "model", "opening a .skops model")
    _guard(file)
    data = file.read_bytes()
    try:
        found = set(sio.get_untrusted_types(data=data)) - REVIEWED
        strange = sorted(found - set(trust))
        if strange:
            listed = ", ".join(shown(t) for t in strange)
            raise ModelError(
                f"{shown(file.name)} holds types that are not known to be harmless: {listed}. Look at where they come "
                "from; to trust them, list them under `trust`."
            )
        estimator = sio.loads(data, trusted=sorted(found | REVIEWED))
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{shown(file.name)} cannot be opened as a skops model ({type(error).__name__}).") from error
    return estimator, digest_of_skops(data), tuple(sorted(found))


def _guard(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = [(i.file_size, i.compress_size) for i in archive.infolist()]
            if "schema.json" not in archive.namelist():
                raise ModelError(f"{shown(file.name)} is a zip file, but no skops model (it has no schema.json).")
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{shown(file.name)} is no skops model: it is damaged or of another kind.") from error
    whole, packed = sum(s for s, _ in sizes), sum(p for _, p in sizes)
    if whole > MOST_BYTES or whole > 10**7 + MOST_RATIO * max(1, packed):
        raise ModelError(f"{shown(file.name)} would unpack to {thousands(whole)} bytes: that is no plausible model.")


def digest_of_estimator(estimator: Any) -> tuple[str, str]:
    """Return the digest that the estimator's .skops file has, or an empty one and the reason why there is none."""
    try:
        sio = import_extra("skops.io", "model", "identifying a model")
        return digest_of_skops(sio.dumps(estimator)), ""
    except Exception as error:
        return "", f"the model has no digest: skops cannot write it ({type(error).__name__})"


def digest_of_skops(data: bytes) -> str:
    """Return a digest of a model's content: members by their bytes, objects by their content, not by address.

    Which equal objects happen to be one object changes when a model is saved and loaded, so it does not count.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {n: _member(n, archive.read(n)) for n in archive.namelist() if n != "schema.json"}
        schema = json.loads(archive.read("schema.json"))
    seen: dict[Any, str] = {}

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(v) for v in node]
        if not isinstance(node, dict):
            return members.get(node, node) if isinstance(node, str) else node
        number = node.get("__id__")
        if node.get("__loader__") == "CachedNode" and number in seen:
            return seen[number]
        content = {k: plain(v) for k, v in node.items() if k not in _VOLATILE}
        if number is None:
            return content
        seen[number] = _sha256(content)
        return seen[number]

    return "sha256:" + _sha256(plain(schema))


_VOLATILE = frozenset({"_skops_version", "protocol", "__id__"})


def _member(name: str, data: bytes) -> str:
    """Return the digest of a member; of an array by its values, because padding between fields holds anything."""
    if not name.endswith(".npy"):
        return hashlib.sha256(data).hexdigest()
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError):
        return hashlib.sha256(data).hexdigest()
    parts = [array[field] for field in array.dtype.names] if array.dtype.names else [array]
    content = hashlib.sha256(f"{array.dtype.descr} {array.shape}".encode())
    for part in parts:
        content.update(np.ascontiguousarray(part).tobytes())
    return content.hexdigest()


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
