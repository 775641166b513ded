"""A monitor in coarser windows, made of another one's counts: no row is read again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.core.errors import ConfigError, shown
from workbench.core.windowed import recut_number
from workbench.core.windows import Cut
from workbench.monitor.store import Store

if TYPE_CHECKING:
    from workbench.monitor.run import Monitor


def take_counts(monitor: Monitor, other: Store) -> int:
    """Put what another store counted into a monitor's own, still empty one; return the number of its windows.

    Raises ConfigError when the windows do not nest, when the stores count under other roles, or when the monitor's own
    store is not empty.
    """
    with other.writing() as tx:
        pinned, sources = other.meta(tx, "plan"), other.sources(tx)
        windows = other.windows(tx)
        parts = {w.number: other.parts_by_source(tx, w.number) for w in windows}
    _check(monitor, pinned)
    settings = pinned["windows"]
    old = Cut(settings["by"], settings["rows"], monitor.cut.time)
    numbers = {w.number: recut_number(w.number, old, monitor.cut) for w in windows}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with monitor.store.writing() as tx:
        if monitor.store.sources(tx):
            raise ConfigError(f"the store {shown(monitor.store.folder, 200)} is not empty: give the plan a new one.")
        for source, name, rows in sources:
            monitor.store.add_source(tx, source, name, rows, at)
        for number, found in parts.items():
            for source, part in found:
                monitor.store.add_part(tx, source, numbers[number], part, monitor.cut.label)
    return len(set(numbers.values()))


def _check(monitor: Monitor, pinned: dict[str, Any] | None) -> None:
    if pinned is None:
        raise ConfigError("the other store holds no counts yet.")
    own = monitor.pinned
    changed = [name for name in own if name != "windows" and pinned.get(name) != own[name]]
    if changed:
        raise ConfigError(f"the other store counts under other {', '.join(changed)}: its counts mean something else.")
