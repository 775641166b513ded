"""Labels that come later: joined by id in an audit, and window by window in a monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.plan import plan_of
from workbench.core.errors import ConfigError, DataError
from workbench.core.frame import wrap
from workbench.core.late_labels import with_labels
from workbench.monitor.run import Monitor


def rows(n: int, seed: int, start: str = "2026-01-01") -> pd.DataFrame:
    """Return scored rows with ids and labels."""
    rng = np.random.default_rng(seed)
    score = rng.random(n).round(3)
    return pd.DataFrame(
        {
            "id": np.arange(n) + 1000 * seed,
            "at": pd.Timestamp(start) + pd.to_timedelta(np.arange(n), "h"),
            "score": score,
            "y": (rng.random(n) < score).astype(float),
        }
    )


def test_labels_find_their_rows() -> None:
    """In another order, as whole numbers beside floats, with rows that are not in the data: pandas' merge."""
    data = rows(50, 1)
    labels = data[["id", "y"]].sample(frac=0.6, random_state=1)
    labels = pd.concat([labels, pd.DataFrame({"id": [9_999_999], "y": [1.0]})]).astype({"id": "float64"})
    joined = with_labels(wrap(data.drop(columns="y")), wrap(labels), "id", "y")
    assert joined.names == ("id", "at", "score", "y")
    found = pd.concat([b.to_pandas() for b in joined.batches()])
    expected = data.drop(columns="y").merge(labels, on="id", how="left")
    pd.testing.assert_series_equal(found["y"].reset_index(drop=True), expected["y"], check_dtype=False)
    only = pd.concat([b.to_pandas() for b in joined.batches(["y"])])
    assert only["y"].notna().sum() == 30


def test_a_label_that_is_there_stays() -> None:
    """Only rows without one are filled."""
    data = rows(10, 1)
    data.loc[:4, "y"] = np.nan
    labels = data[["id"]].assign(y=1.0)
    found = pd.concat([b.to_pandas() for b in with_labels(wrap(data), wrap(labels), "id", "y").batches()])
    assert found["y"].tolist() == [1.0] * 5 + data["y"].tolist()[5:]


def test_an_audit_with_labels_is_the_audit_of_labelled_rows(tmp_path: Path) -> None:
    """The digest is that of the data with its labels in; the plan and a notebook take the file too."""
    data = rows(200, 2)
    data[["id", "y"]].to_csv(tmp_path / "labels.csv", index=False)
    about: dict[str, Any] = {"target": "y", "score": "score", "id": "id", "checks": ["performance.classification"]}
    late = wb.Audit(data.drop(columns="y"), labels=str(tmp_path / "labels.csv"), **about)
    assert late.run().digest == wb.Audit(data, **about).run().digest
    plan = late.plan(tmp_path)
    assert wb.Audit.from_plan(plan).run().digest == late.record.digest  # type: ignore[union-attr]
    assert late.export(tmp_path / "audit.ipynb").exists()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (pd.DataFrame({"id": [1, 1], "y": [0.0, 1.0]}), "1 ids of the labels come with more than one label"),
        (pd.DataFrame({"id": ["a", "b"], "y": [0.0, 1.0]}), "holds numbers? values in the data and text"),
        (pd.DataFrame({"key": [1], "y": [0.0]}), "unknown column 'id'"),
        (pd.DataFrame({"id": [1], "label": [0.0]}), "unknown column 'y'"),
        (pd.DataFrame({"id": pd.Series([], dtype="int64"), "y": pd.Series([], dtype="float64")}), "have no rows"),
    ],
)
def test_wrong_labels_are_told(labels: pd.DataFrame, message: str) -> None:
    """One sentence says what is wrong with them."""
    with pytest.raises(DataError, match=message):
        wb.Audit(rows(5, 0).drop(columns="y"), labels=labels, target="y", score="score", id="id")


def test_labels_need_their_roles() -> None:
    """Without id or target nothing can be joined."""
    with pytest.raises(ConfigError, match="roles `id` and `target`"):
        wb.Audit(rows(5, 0), labels=rows(5, 0), target="y", score="score")


def test_a_repeated_label_is_one(tmp_path: Path) -> None:
    """The same id with the same label twice is no contradiction."""
    data = rows(5, 0)
    labels = pd.concat([data[["id", "y"]]] * 2)
    found = pd.concat([b.to_pandas() for b in with_labels(wrap(data[["id"]]), wrap(labels), "id", "y").batches()])
    assert found["y"].tolist() == data["y"].tolist()


def test_a_monitor_takes_labels_as_they_come(tmp_path: Path) -> None:
    """Windows are judged without labels, then again with half of them and with all; once each, nothing twice."""
    (tmp_path / "new").mkdir()
    (tmp_path / "labels").mkdir()
    rows(800, 9, "2025-06-01").to_parquet(tmp_path / "reference.parquet")
    january, february = rows(300, 1), rows(300, 2, "2026-02-01")
    for name, part in (("a", january), ("b", february)):
        part.drop(columns="y").to_parquet(tmp_path / "new" / f"{name}.parquet")
    plan = plan_of(
        {
            "data": str(tmp_path / "new" / "*.parquet"), "reference": str(tmp_path / "reference.parquet"),
            "labels": str(tmp_path / "labels" / "*.csv"), "target": "y", "score": "score", "time": "at", "id": "id",
            "checks": ["performance.classification"],
            "policy": {"rules": [{"id": "auc", "measure": "roc_auc", "operator": ">=", "limit": 0.5}]},
            "monitor": {"store": str(tmp_path / "store"), "windows": {"by": "month"}},
        }
    )  # fmt: skip

    def labelled(report: Any) -> dict[str, int]:
        monitor = Monitor(plan)
        found = {}
        for w in report.judged:
            with monitor.store.writing() as tx:
                frame = monitor.store.record(tx, w.number).to_frame()
            found[w.label] = int(frame[(frame.measure == "accuracy") & (frame.window == "")].n.sum())
        return found

    first = Monitor(plan).run(close=True)
    assert labelled(first) == {"2026-01": 0, "2026-02": 0}
    january[["id", "y"]].iloc[:150].to_csv(tmp_path / "labels" / "one.csv", index=False)
    second = Monitor(plan).run(close=True)
    assert second.notes == ("150 rows got their label since",)
    assert labelled(second) == {"2026-01": 150}
    pd.concat([january.iloc[150:], february])[["id", "y"]].to_csv(tmp_path / "labels" / "two.csv", index=False)
    third = Monitor(plan).run(close=True)
    assert labelled(third) == {"2026-01": 300, "2026-02": 300}
    assert Monitor(plan).run(close=True).judged == ()
    content = plan.model_dump(exclude={"monitor", "contract", "labels"})
    january.to_parquet(tmp_path / "january.parquet")
    whole = wb.Audit(**{**content, "data": str(tmp_path / "january.parquet")}).run()
    assert [w.digest for w in third.judged if w.label == "2026-01"] == [whole.digest]
