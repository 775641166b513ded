"""Models: one digest in memory and on disk, scores that do not depend on cuts, and files that are not trusted."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import FunctionTransformer

import workbench as wb
from workbench import demo
from workbench.core.errors import ModelError
from workbench.load import open_model, wrap_model


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Return a small numeric frame with a label."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.random((300, 3)), columns=["a", "b", "c"])
    return data.assign(y=(data.a + rng.random(300) > 1).astype(int))


ESTIMATORS = [
    LogisticRegression(),
    RandomForestClassifier(10, random_state=0),
    HistGradientBoostingClassifier(max_iter=5),
    RidgeClassifier(),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_one_digest_in_memory_and_on_disk(estimator: object, table: pd.DataFrame, tmp_path: Path) -> None:
    """Memory, file, and a file of the file; other data gives another digest; audits agree."""
    from sklearn.base import clone

    fitted = clone(estimator).fit(table[["a", "b", "c"]], table.y)
    skops.io.dump(fitted, tmp_path / "m.skops")
    loaded = open_model(tmp_path / "m.skops")
    skops.io.dump(loaded.predictor, tmp_path / "again.skops")
    other = clone(estimator).fit(table[["a", "b", "c"]].iloc[:200], table.y.iloc[:200])

    assert wrap_model(fitted).digest == loaded.digest == open_model(tmp_path / "again.skops").digest != ""
    assert wrap_model(other).digest != loaded.digest
    records = [
        wb.Audit(table, model=m, target="y", checks=["performance.classification"]).run()
        for m in (fitted, tmp_path / "m.skops")
    ]
    assert records[0].digest == records[1].digest


def test_digest_is_the_same_in_another_process(tmp_path: Path) -> None:
    """Nothing of this process (addresses, hash seeds) enters the digest."""
    demo.prepare(tmp_path)
    code = f"from workbench.load import open_model; print(open_model({str(tmp_path / 'release-model.skops')!r}).digest)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    trained = demo.train(demo.split(demo.arrests())[1])

    assert told.stdout.strip() == wrap_model(trained).digest


def test_unknown_types_are_named_and_need_trust(table: pd.DataFrame, tmp_path: Path) -> None:
    """A type that is not known to be harmless is refused by name; trusting it by name opens the file."""
    from sklearn.pipeline import make_pipeline

    odd = make_pipeline(FunctionTransformer(pd.isna), LogisticRegression()).fit(table[["a", "b", "c"]], table.y)
    skops.io.dump(odd, tmp_path / "odd.skops")
    unknown = skops.io.get_untrusted_types(file=tmp_path / "odd.skops")
    assert unknown
    with pytest.raises(ModelError, match=unknown[0]):
        open_model(tmp_path / "odd.skops")
    assert open_model(tmp_path / "odd.skops", trust=unknown).trusted == tuple(sorted(unknown))


def test_hostile_and_broken_files(tmp_path: Path) -> None:
    """Pickles are refused unopened; zips that are no models, bombs and damaged files are told apart."""
    (tmp_path / "m.pkl").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    (tmp_path / "text.skops").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.skops", "w") as archive:
        archive.writestr("a.txt", "x")
    with zipfile.ZipFile(tmp_path / "bomb.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("big", b"\0" * 200_000_000)
    cases = {
        "m.pkl": "pickle",
        "text.skops": "damaged",
        "other.skops": "schema",
        "bomb.skops": "plausible",
        "m.onnx": "not found",
    }
    for name, words in cases.items():
        with pytest.raises(ModelError, match=words):
            open_model(tmp_path / name)
    assert not (tmp_path / "owned").exists()


def test_models_that_do_not_fit(table: pd.DataFrame) -> None:
    """A missing feature is named with near matches; an unfitted or failing model says so, without rows."""
    fitted = LogisticRegression().fit(table[["a", "b", "c"]], table.y)

    class Failing(LogisticRegression):
        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            raise ValueError(f"bad value {rows.iloc[0, 0]}")

    with pytest.raises(ModelError, match="'b'"):
        wb.Audit(table.rename(columns={"b": "B"}), model=fitted, target="y")
    with pytest.raises(ModelError, match="not fitted"):
        wb.Audit(table, model=LogisticRegression(), target="y")
    failing = Failing().fit(table[["a", "b", "c"]], table.y)
    with pytest.raises(ModelError, match="failed with ValueError") as error:
        wb.Audit(table, model=failing, target="y").run()
    assert "bad value" not in str(error.value)
