"""What can be clicked to see only its rows: conditions beside the rows of tables, measures and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.audit.record import Record
from workbench.core import drill
from workbench.core.errors import ConfigError, DataError
from workbench.core.filter import of_group
from workbench.core.finding import Evidence, Finding
from workbench.core.frame import Frame
from workbench.report.pieces import Table
from workbench.report.shown import ShownFinding, ShownMeasure

Conditions = list[dict[str, Any]]


@dataclass(frozen=True)
class Drilling:
    """Finds conditions in the columns of a frame; without one nothing can be clicked."""

    frame: Frame | None = None

    def table(self, table: Table, record: Record) -> list[Conditions | None]:
        """Return the conditions behind each row that a table shows, None where there are none; [] where all are."""
        if table.place is None:
            return []
        finding = record.findings[table.place[0]]
        return self.rows(finding, finding.evidence[table.place[1]], table.at)

    def rows(self, finding: Finding, evidence: Evidence, at: Sequence[int]) -> list[Conditions | None]:
        """Return the conditions behind some rows of a finding's table; [] where none has any."""
        if self.frame is None:
            return []
        found = [drill.as_data(drill.of_row(finding, evidence, i, self.frame)) for i in at]
        return found if any(found) else []

    def measures(self, finding: ShownFinding, measures: Sequence[ShownMeasure]) -> list[Conditions | None]:
        """Return the conditions behind each measure of a group or a segment."""
        if self.frame is None:
            return [None] * len(measures)
        segments = drill.of_segments(finding.finding, self.frame)
        return [None if m.hidden else self._measure(m, segments) for m in measures]

    def _measure(self, m: ShownMeasure, segments: dict[str, Any]) -> Conditions | None:
        if m.measure.where in segments:
            return drill.as_data(segments[m.measure.where])
        return self.group(m.measure.group) if m.measure.group else None

    def group(self, label: str) -> Conditions | None:
        """Return the conditions of a group by its label; None where it is none of the data's."""
        try:
            return None if self.frame is None else drill.as_data(of_group(label, self.frame))
        except (ConfigError, DataError):
            return None

    def window(self, record: Record, label: str) -> tuple[Conditions | None, str]:
        """Return the conditions of a window, or None and why there are none."""
        if self.frame is None:
            return None, ""
        time = record.subject["roles"].get("time")
        try:
            return drill.as_data(drill.of_window(label, record.subject.get("windows") or {}, time)), ""
        except ConfigError as error:
            return None, str(error)


NOTHING = Drilling()
"""Of a record that is only read, nothing can be clicked."""
