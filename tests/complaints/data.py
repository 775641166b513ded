"""The data that complaints are tried on: plain, with canaries in its cells, and with names that break things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CANARY = "Zephyrine Quillfeather"
IMG = "<img src=x onerror=\"document.title='owned'\">"
RTL = "العمر"
HOSTILE = (
    "$$x$$", IMG, "", RTL, "\u202egnirts", "long " * 2000, "nul\x00bell\x07", "=1+1", "a|b`c`",
    "</script><script>alert(1)</script>",
    "{{7*7}}", "a\nb", "😀",
)  # fmt: skip


def loans(rows: int = 600, seed: int = 5) -> pd.DataFrame:
    """Return loans: an id and a note that hold canaries, income, sex, a score and what came of it."""
    rng = np.random.default_rng(seed)
    score = rng.random(rows).round(3)
    return pd.DataFrame(
        {
            "id": [f"ID-{CANARY}-{i:05d}" for i in range(rows)],
            "note": [f"{CANARY} called about loan {i}" for i in range(rows)],
            "income": rng.normal(40, 9, rows).round(3),
            "sex": rng.choice(["F", "M"], rows),
            "score": score,
            "y": (rng.random(rows) < score).astype(int),
        }
    )


def plan(folder: Path, **more: Any) -> Path:
    """Write two data files and a plan of an audit of them; return the plan's file."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    loans().to_csv(folder / "data.csv", index=False)
    loans(seed=6).to_csv(folder / "reference.csv", index=False)
    content = {
        "data": "data.csv", "reference": "reference.csv", "target": "y", "score": "score", "id": "id",
        "sensitive": ["sex"], "title": "Loans", **more,
    }  # fmt: skip
    if content.get("model"):
        import skops.io
        from sklearn.linear_model import LogisticRegression

        known = loans(seed=6)
        skops.io.dump(LogisticRegression().fit(known[["income"]], known["y"]), folder / content["model"])
        content = {k: v for k, v in content.items() if k != "score"}
    (folder / "plan.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return folder / "plan.yaml"


def hostile(rows: int = 400) -> pd.DataFrame:
    """Return a frame whose names and categories are hostile: markup, formulas, control letters, 10 kB, none at all."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({name: rng.normal(size=rows).round(2) for name in HOSTILE})
    frame["group" + IMG] = rng.choice([*HOSTILE], rows)
    frame[7] = rng.integers(0, 9, rows)
    frame["score"] = rng.random(rows).round(3)
    frame["y"] = (rng.random(rows) < frame["score"]).astype(int)
    return frame
