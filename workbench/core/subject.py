"""What is audited: the counted current data, a counted reference or none, and the roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.core.check import NotApplicableError
from workbench.core.counts import Counted
from workbench.core.dataset import Roles
from workbench.core.joint import JointCounts


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

    def lacks(self, need: str) -> str:
        """Return why `need` is not met, or an empty string."""
        joint = self.current.joint
        met = {
            "reference": self.reference is not None,
            "target": joint is not None and joint.has_truth,
            "prediction": joint is not None and joint.has_prediction,
            "score": joint is not None and joint.has_score,
            "sensitive": bool(self.roles.sensitive),
        }[need]
        return "" if met else _LACKING[need]

    @property
    def joint(self) -> JointCounts:
        """Return the joint counts of the current data; NotApplicableError when no outcome or group was given."""
        if self.current.joint is None:
            raise NotApplicableError("neither an outcome nor a sensitive column was given")
        return self.current.joint

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
}
