"""The process in which ydata-profiling describes a table; run by `run_limited`, never imported by a check."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.core.limited import guarded

PACKAGES = ("data_profiling", "ydata_profiling")
"""The names that the package goes by, the newer first."""


def described(arguments: list[str]) -> None:
    """Read an Arrow file, and write the report's HTML and the alerts; the options are JSON."""
    source, target, alerts, options = arguments
    chosen: dict[str, Any] = json.loads(options)
    warnings.simplefilter("ignore")
    sys.modules["pyspark"] = None  # type: ignore[assignment] # found, it would be imported, for seconds and megabytes
    with pa.ipc.open_file(source) as file:
        table = file.read_all()
    frame = table.to_pandas(strings_to_categorical=False)
    package = _package()
    report = package.ProfileReport(
        frame,
        title="Deep report",
        minimal=bool(chosen["minimal"]),
        sensitive=bool(chosen["sensitive"]),
        progress_bar=False,
        interactions=None,  # a drawing for every pair of columns: 24 MB for 36 of them
    )
    Path(target).write_text(report.to_html(), "utf-8", errors="replace")
    found = [(str(a.column_name or ""), a.alert_type.name) for a in report.get_description().alerts]
    about = {"alerts": sorted(set(found)), "package": package.__name__, "version": package.__version__}
    Path(alerts).write_text(json.dumps(about), "utf-8")


def _package() -> Any:
    for name in PACKAGES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    raise ModuleNotFoundError(PACKAGES[0])


if __name__ == "__main__":
    guarded(described, sys.argv[1:])
