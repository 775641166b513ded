"""The demo: a real model on real data, ready to audit, from a package that carries the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.audit.plan import Plan
from workbench.core.errors import import_extra
from workbench.core.writing import write_whole

TRAINED_ON = (1997, 2000)
AUDITED = (2001, 2002)
FEATURES = ("colour", "age", "sex", "employed", "citizen", "checks")
SENSITIVE = ["colour", "sex", "citizen"]
THRESHOLD = 0.8  # release without further ado only when it is rather likely anyway; 83 % of these people were released
TITLE = "Release after arrest, Toronto"


def arrests() -> Any:
    """Return the arrests data as a pandas frame: 5,226 arrests for possession of marijuana, Toronto, 1997 to 2002.

    Source: Friendly, personal communication, in the R package carData; carried by scikit-lego.
    """
    datasets = import_extra("sklego.datasets", "demo", "the demo")
    return datasets.load_arrests(as_frame=True)


def split(data: Any) -> tuple[Any, Any]:
    """Return the years that are audited and the years the model is trained on."""
    parts = [data[data.year.between(*years)].reset_index(drop=True) for years in (AUDITED, TRAINED_ON)]
    return parts[0], parts[1]


def train(data: Any) -> Any:
    """Return a small scikit-learn pipeline fitted to predict `released`."""
    import_extra("sklearn", "demo", "the demo")
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = [name for name in FEATURES if name not in ("age", "checks")]
    columns = make_column_transformer(
        (OneHotEncoder(drop="if_binary", handle_unknown="ignore"), words), (StandardScaler(), ["age", "checks"])
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    return model.fit(data[list(FEATURES)], data.released)


def prepare(folder: str | Path) -> Path:
    """Write data, model and plan of the demo to a folder, and return the plan's path."""
    sio = import_extra("skops.io", "demo", "the demo")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    current, reference = split(arrests())
    current.to_parquet(place / "arrests-2001-2002.parquet", index=False)
    reference.to_parquet(place / "arrests-1997-2000.parquet", index=False)
    sio.dump(train(reference), place / "release-model.skops")
    write_whole(place / "plan.yaml", _plan_text().encode())
    return place / "plan.yaml"


def _plan_text() -> str:
    plan = Plan(
        title=TITLE,
        data="arrests-2001-2002.parquet",
        reference="arrests-1997-2000.parquet",
        model="release-model.skops",
        target="released",
        positive="Yes",
        threshold=THRESHOLD,
        sensitive=SENSITIVE,
        ignore=["year"],
    )
    why = "# `year` is ignored: it is what the two data sets were split by, so it differs by construction.\n"
    return f"# The plan of the demo: `workbench run` on this file repeats it.\n{why}{plan.to_yaml()}"
