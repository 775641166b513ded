"""A record as OpenMetrics text: what GitLab's metrics report and Prometheus read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from workbench.audit.record import Judgement, Record
from workbench.core.errors import import_extra

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OUTCOMES = ("pass", "warn", "fail", "incomplete")
_PLACE = ("rule", "check", "measure", "column", "group", "where")
_GAUGES = (
    ("value", "The measured value."),
    ("low", "The lower end of its interval."),
    ("high", "The upper end of its interval."),
    ("limit", "The rule's limit."),
)


def render_metrics(record: Record) -> str:
    """Return a record's verdict and judged measures as OpenMetrics text; groups under the minimum are left out."""
    return exposition(record_families(record))


def record_families(record: Record, prefix: str = "workbench_rule") -> Iterator[Any]:
    """Yield the metric families of one record."""
    core = import_extra("prometheus_client.core", "monitor", "metrics")
    verdict = core.GaugeMetricFamily(
        "workbench_verdict", "1 for the audit's outcome, 0 for the others.", labels=["outcome"]
    )
    for outcome in OUTCOMES:
        verdict.add_metric([outcome], float(record.verdict.outcome == outcome))
    yield verdict
    judged = [j for j in record.verdict.judgements if j.group not in record.small_groups]
    for name, about in _GAUGES:
        family = core.GaugeMetricFamily(f"{prefix}_{name}", about, labels=list(_PLACE))
        for j in judged:
            if getattr(j, name) is not None:
                family.add_metric(_labels(j), float(getattr(j, name)))
        yield family
    broken = core.GaugeMetricFamily(f"{prefix}_broken", "1 where the rule is broken.", labels=[*_PLACE, "severity"])
    for j in judged:
        broken.add_metric([*_labels(j), j.severity], float(j.outcome in ("fail", "warn")))
    yield broken


def _labels(j: Judgement) -> list[str]:
    return [str(getattr(j, name)) for name in _PLACE]


def exposition(families: Iterable[Any]) -> str:
    """Return metric families as OpenMetrics text."""
    client = import_extra("prometheus_client", "monitor", "metrics")
    module = import_extra("prometheus_client.openmetrics.exposition", "monitor", "metrics")
    found = list(families)

    class Collector:
        def collect(self) -> Iterator[Any]:
            yield from found

    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    text: str = module.generate_latest(registry).decode()
    return text
