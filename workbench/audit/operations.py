"""What a plan says of its repetition: windows, baseline, alerts and where they go."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from workbench.core.windows import Cut

_WITHIN = {"hour": ("hour",), "weekday": ("hour", "day"), "month": ("hour", "day", "week", "month")}
_ENVIRONMENT = re.compile(r"[A-Z_][A-Z0-9_]*")


class Windows(BaseModel):
    """How rows are cut: by a period of the calendar (UTC, from the `time` column), or by a number of rows.

    `season` compares a window with those of the reference at the same hour of the day, day of the week or month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    by: Literal["hour", "day", "week", "month", "quarter", "year"] | None = None
    rows: int | None = Field(None, ge=1)
    season: Literal["hour", "weekday", "month"] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Windows:
        if (self.by is None) == (self.rows is None):
            raise ValueError("windows: give either `by` (such as month) or `rows` (such as 10000)")
        return self

    @model_validator(mode="after")
    def _season_fits(self) -> Windows:
        if self.season is not None and self.by not in _WITHIN[self.season]:
            raise ValueError(f"windows: season {self.season} needs `by` {' or '.join(_WITHIN[self.season])}")
        return self

    def cut(self, time: str | None) -> Cut:
        """Return the rule that numbers windows; ConfigError when they follow the calendar and there is no time."""
        return Cut(self.by, self.rows, time, self.season)


class AuditWindows(Windows):
    """How an audit cuts its rows: as a monitor does, or into a `number` of equal windows (and one of the rest)."""

    number: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> AuditWindows:
        if sum(given is not None for given in (self.by, self.rows, self.number)) != 1:
            raise ValueError("windows: give one of `by` (such as month), `rows` (10000) and `number` (10)")
        return self


class Channel(BaseModel):
    """Where alerts go; what is secret stays in the environment, and only its variable's name is written here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["slack", "teams", "pagerduty", "webhook", "email", "apprise"]
    name: str = ""
    url: str | None = Field(
        None, description="the receiver's address, when it holds no secret; email: smtp://host:port"
    )
    url_env: str | None = Field(None, description="the environment variable that holds the address")
    secret_env: str | None = Field(
        None, description="the variable with the signing secret (webhook), routing key (pagerduty) or password (email)"
    )
    sender: str = "audit-workbench@localhost"
    to: list[str] = Field(default_factory=list)
    least: Literal["warn", "fail"] = "warn"

    @field_validator("url_env", "secret_env")
    @classmethod
    def _a_name(cls, value: str | None) -> str | None:
        if value is not None and not _ENVIRONMENT.fullmatch(value):
            raise ValueError("expected the NAME of an environment variable (such as SLACK_URL), not what it holds")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Channel:
        if (self.url is None) == (self.url_env is None):
            raise ValueError(f"channel {self.kind}: give either `url` or `url_env`")
        if self.kind == "email" and not self.to:
            raise ValueError("channel email: give `to`, a list of addresses")
        if self.kind == "pagerduty" and self.secret_env is None:
            raise ValueError("channel pagerduty: give `secret_env`, the variable that holds the routing key")
        return self

    @property
    def label(self) -> str:
        """Return the name that the outbox knows the channel by."""
        return self.name or self.kind


class Monitor(BaseModel):
    """A plan's repetition; `baseline` is a bundle that holds counts, without one the reference is counted once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    store: str = "monitor"
    windows: Windows
    baseline: str | None = None
    alert_after: int = Field(1, ge=1, description="failing windows in a row that open an alert")
    resolve_after: int = Field(1, ge=1, description="passing windows in a row that resolve it")
    error_control: Literal["online", "window"] = Field(
        "online",
        description="online: what opens an alert keeps the false discovery rate over all windows (LORD++); "
        "window: over each window by itself",
    )
    channels: list[Channel] = Field(default_factory=list)

    @model_validator(mode="after")
    def _labels_differ(self) -> Monitor:
        labels = [c.label for c in self.channels]
        if len(set(labels)) < len(labels):
            raise ValueError("two channels have the same name: give each its own `name`")
        return self
