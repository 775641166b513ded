"""The record under the slider: what the pages of groups, performance and explanations are told when they ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from queue import SimpleQueue
from typing import Any

from workbench.audit.groups import Groups
from workbench.audit.record import Record
from workbench.audit.tradeoffs import Tradeoffs
from workbench.ui import bias_payload, drift_payload, explain_payload, performance_payload
from workbench.ui.drilling import NOTHING, Drilling
from workbench.ui.failures import answer

EXPLORED = ("rates", "costs", "bias", "performance", "explained")
"""What is told of a record by the names of these values; another record makes them stale."""
_LOOKS = {
    "column": ("column", drift_payload.column), "series": ("key", drift_payload.series),
    "window": ("label", drift_payload.window),
}  # fmt: skip
"""What is told of a thing that is named, and under which key its name comes back."""

Acts = SimpleQueue[Mapping[str, Any] | None]


class _Counts:
    """What is counted of one record, read once."""

    def __init__(self, record: Record, complement: bool) -> None:
        self.record, self._complement = record, complement
        self.looked: dict[str, str] = {}

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.record, complement=self._complement)

    @cached_property
    def tradeoffs(self) -> Tradeoffs:
        return Tradeoffs(self.record)


class Explorer:
    """Answers of the record on screen; a `reader` is not told what small groups could be worked out from."""

    def __init__(self, *, reader: bool) -> None:
        self._reader = reader
        self._counts: _Counts | None = None

    def pages(
        self, record: Record, wanted: Mapping[str, Any], drilling: Drilling = NOTHING
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what does not move of each page that is wanted, with its name; the same column or window once."""
        counts = self._of(record)
        for name, (key, of) in _LOOKS.items():
            at = wanted.get(name)
            if isinstance(at, str) and counts.looked.get(name) != at:
                told = answer(f"the {name}", partial(of, record, at, drilling), **{key: at})
                counts.looked[name] = "" if "failed" in told else at
                yield name, told
        if "bias" in wanted:
            yield "bias", answer("the groups", lambda: bias_payload.page(counts.groups))
        if "performance" in wanted:
            yield (
                "performance",
                answer("thresholds and costs", lambda: performance_payload.page(record, counts.tradeoffs, drilling)),
            )
        if "explained" in wanted:
            yield "explained", answer("explanations", lambda: explain_payload.page(record))

    def moved(self, record: Record, act: str, value: Any, acts: Acts) -> tuple[str, dict[str, Any]]:
        """Return what is told where a slider stands: "rates" of groups, or "costs"; of a burst only the last matters.

        The value is a threshold, or a question as `bias_payload.rates` or `performance_payload.costs` takes it.
        """
        while not acts.empty():
            later = acts.get()
            if later is None or later.get("name") != act:
                acts.put(later)
                break
            value = later.get("value")
        question = value if isinstance(value, Mapping) else {"at": value}
        counts = self._of(record)
        if act == "threshold":
            return "rates", answer("the rates", lambda: bias_payload.rates(counts.groups, question))
        return "costs", answer("the costs", lambda: performance_payload.costs(counts.tradeoffs, question))

    def _of(self, record: Record) -> _Counts:
        if self._counts is None or self._counts.record is not record:
            self._counts = _Counts(record, self._reader)
        return self._counts
