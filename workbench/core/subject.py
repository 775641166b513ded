"""What is audited: the counted current data, a counted reference or none, and the roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from workbench.core.check import TASK_OF_NEED, NotApplicableError
from workbench.core.classes import ClassCounts
from workbench.core.contract_judge import Judgements, Naming
from workbench.core.counts import Counted
from workbench.core.dataset import Roles
from workbench.core.errors import thousands
from workbench.core.joint import JointCounts
from workbench.core.outcome import MOST_FAILURES, Predictor
from workbench.core.regression import RegressionCounts
from workbench.core.sample import Sample
from workbench.core.windowed import Window

Judge = Callable[[datetime | None, Naming | None], Judgements]
"""When freshness is seen from, how rows are named -> the contract judged on every row of the current data."""


@dataclass(frozen=True)
class Subject:
    """Current and reference as count tables, with what every check must respect: group minimum, level, seed."""

    current: Counted
    roles: Roles
    reference: Counted | None = None
    minimum_group_size: int = 10
    level: float = 0.95
    seed: int = 0
    stop: Callable[[], None] = field(default=lambda: None)
    model: Predictor | None = None
    challenger: Predictor | None = None
    windows: tuple[Window, ...] = ()
    reference_windows: tuple[Window, ...] = ()
    contract: Judge | None = None

    def lacks(self, need: str) -> str:
        """Return why `need` is not met, or an empty string."""
        joint = self.current.joint
        met = {
            "reference": self.reference is not None,
            "target": joint is not None and joint.has_truth,
            "prediction": joint is not None and joint.has_prediction,
            "score": joint is not None and joint.has_score,
            "sensitive": bool(self.roles.sensitive),
            "classes": _complete(self.current.classes),
            "regression": _complete(self.current.regression),
            "rows": self.current.sample is not None,
            "model": self.model is not None,
            "challenger": self.challenger is not None,
            "truth": self.roles.target is not None and self.roles.target in self.current.columns,
            "windows": bool(self.windows),
            "contract": self.contract is not None,
        }
        return lacking(need, self.roles.kind_of_task, met)

    @property
    def joint(self) -> JointCounts:
        """Return the joint counts of the current data; NotApplicableError when no outcome or group was given."""
        if self.current.joint is None:
            raise NotApplicableError("neither an outcome nor a sensitive column was given")
        return self.current.joint

    @property
    def classes(self) -> ClassCounts:
        """Return the counts of several classes of the current data."""
        if self.current.classes is None:
            raise NotApplicableError(_LACKING["classes"])
        return self.current.classes

    @property
    def regression(self) -> RegressionCounts:
        """Return the counts of predicted numbers of the current data."""
        if self.current.regression is None:
            raise NotApplicableError(_LACKING["regression"])
        return self.current.regression

    @property
    def sample(self) -> Sample:
        """Return the seeded sample of the current rows."""
        if self.current.sample is None:
            raise NotApplicableError(_LACKING["rows"])
        return self.current.sample

    @property
    def failed(self) -> list[str]:
        """Return what is to be told of current rows that the model gave no answer for, a sentence for each error."""
        counted = (self.current.joint, self.current.classes, self.current.regression)
        failures = next((c.failures for c in counted if c is not None and c.failures), {})
        told = [
            f"the model failed on {thousands(n)} rows with {name}; they are left out" for name, n in failures.items()
        ]
        if sum(failures.values()) > MOST_FAILURES:
            told.append(
                f"where over {MOST_FAILURES} such rows are in one block, others of it may be left out with them"
            )
        return told

    @property
    def features(self) -> tuple[str, ...]:
        """Return the columns that profile and drift look at."""
        return self.roles.features(tuple(self.current.columns))


_LACKING = {
    "reference": "no reference data was given",
    "target": "no target column was given",
    "prediction": "there is no prediction: give a prediction or score column, or a model",
    "score": "there is no score: give a score column, or a model that scores",
    "sensitive": "no sensitive column was given",
    "classes": "there is no target, or no prediction of classes",
    "regression": "there is no target, or no predicted numbers",
    "rows": "it needs rows, and only counts are here",
    "model": "no model was given",
    "challenger": "no challenger was given: name a second model as `challenger`",
    "truth": "there is no target column in the data",
    "windows": "the data was not cut into windows: give `windows`, such as {by: month} or {rows: 5000}",
    "contract": "no contract was given, or its rows are not here: name a file as `contract`",
}
_TASK_WORDS = {
    "binary": "binary outcomes",
    "multiclass": "several classes",
    "regression": "predicted numbers",
}


def lacking(need: str, task: str, met: Mapping[str, bool]) -> str:
    """Return why `need` keeps a check from an audit of this task, or an empty string; `met` says which needs are."""
    if need in TASK_OF_NEED and task != TASK_OF_NEED[need]:
        return f"the task is {task}: this check is for {_TASK_WORDS[TASK_OF_NEED[need]]}"
    return "" if met[need] else _LACKING[need]


def _complete(counts: ClassCounts | RegressionCounts | None) -> bool:
    return counts is not None and counts.has_truth and counts.has_prediction
