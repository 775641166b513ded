"""Labels that come after their rows: joined by id, and the windows they belong to counted again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

from workbench.audit.record import digest_of
from workbench.core.errors import ConfigError
from workbench.core.frame import Frame, Kind, wrap
from workbench.core.late_labels import with_labels
from workbench.core.parts import Part
from workbench.load import open_frame
from workbench.monitor.sources import content_digest, sources

if TYPE_CHECKING:
    from workbench.monitor.run import Monitor


def labelled(monitor: Monitor, frame: Frame) -> Frame:
    """Return new rows with the labels that are there by now; without `labels` in the plan as they are."""
    plan = monitor.plan
    if plan.labels is None:
        return frame
    id, target = monitor.roles.id, monitor.roles.target
    if id is None or target is None:
        raise ConfigError("labels: they are joined by the roles `id` and `target`: name both columns.")
    files = list(sources(plan.labels))
    labels = open_frame(files, null_values=plan.null_values) if files else _none(monitor, frame, id, target)
    return with_labels(frame, labels, id, target)


def _none(monitor: Monitor, frame: Frame, id: str, target: str) -> Frame:
    """Return one row without a label, of the types that labels will have."""
    known = monitor.baseline.columns.get(target)
    types = {Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_()}
    kinds = {id: frame.kind(id), target: Kind.NUMBER if known is None else known.kind}
    return wrap(pa.table({name: pa.array([None], types.get(kind, pa.string())) for name, kind in kinds.items()}))


def take_labels(monitor: Monitor) -> int:
    """Count again the sources whose rows got labels since the last run; return how many rows did."""
    if monitor.plan.labels is None:
        return 0
    digest = digest_of(sorted(content_digest(name) for name in sources(monitor.plan.labels)))
    with monitor.store.writing() as tx:
        if monitor.store.meta(tx, "labels") == digest:
            return 0
        known = monitor.store.sources(tx)
    starts = accumulate((rows for _, _, rows in known), initial=0)
    more = sum(_counted_again(monitor, s, name, start) for (s, name, _), start in zip(known, starts, strict=False))
    with monitor.store.writing() as tx:
        monitor.store.set_meta(tx, "labels", digest)
    return more


def _counted_again(monitor: Monitor, source: str, name: str, start: int) -> int:
    with monitor.store.writing() as tx:
        before = _missing(monitor, monitor.store.parts_of(tx, source))
    if not before:
        return 0
    place = str(monitor.store.folder / "accepted" / name) if source.startswith("accepted:") else name
    parts = monitor.count_file(place, start)
    after = _missing(monitor, parts)
    if after < before:
        with monitor.store.writing() as tx:
            monitor.store.replace(tx, source, parts)
    return before - after


def _missing(monitor: Monitor, parts: Mapping[int, Part]) -> int:
    columns = [part.counted.columns.get(str(monitor.roles.target)) for part in parts.values()]
    return sum(column.missing for column in columns if column is not None)
