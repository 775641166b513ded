"""Ready files that a user takes home: pipelines, containers, a chart, schedules."""

from __future__ import annotations

from workbench.scaffold.files import KINDS, write_scaffold

__all__ = ["KINDS", "write_scaffold"]
