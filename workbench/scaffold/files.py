"""Writing the packaged templates of a kind: all of them or none, over nothing that is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from workbench.core.errors import ConfigError, shown, unknown
from workbench.core.writing import write_whole

KINDS: tuple[str, ...] = ("gitlab", "jenkins", "github", "docker", "kubernetes", "airflow", "cron", "prometheus")

# What stands in a template lands in YAML, shell, Groovy and Python: only characters that mean nothing in any of them.
PLAN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
TITLE = re.compile(r"\w[\w .,()-]{0,79}")
MARK = re.compile(r"@(PLAN|TITLE|VERSION)@")


def write_scaffold(
    kind: str, folder: str | Path = ".", *, plan: str = "plan.yaml", title: str | None = None
) -> list[Path]:
    """Write the files of a kind into a folder and return them; ConfigError, and nothing written, when one exists."""
    if kind not in KINDS:
        raise ConfigError(unknown("kind of scaffold", kind, KINDS))
    values = {"PLAN": _checked_plan(plan), "TITLE": _checked_title(title), "VERSION": _version()}
    wanted = {Path(folder, name): _filled(text, values) for name, text in _templates(kind)}
    for path in wanted:
        _refuse_existing(path)
    _write(wanted)
    return list(wanted)


def _checked_plan(plan: str) -> str:
    # A folder of the name `..` or `.hidden`, an option and an absolute path all fail at the first character.
    if not PLAN.fullmatch(plan):
        raise ConfigError(
            f"plan {shown(plan)}: expected a relative path below the folder, of letters, digits and . _ - / only, "
            "such as plans/credit.yaml."
        )
    return plan


def _checked_title(title: str | None) -> str:
    if title is not None and not TITLE.fullmatch(title):
        raise ConfigError(f"title {shown(title)}: expected up to 80 letters, digits, spaces and . , _ - ( ) only.")
    return title or "Audit"


def _version() -> str:
    """Return "==1.2.3", so that tomorrow's pipeline installs what was tried today; empty in a tree not installed."""
    try:
        return f"=={metadata.version('audit-workbench')}"
    except metadata.PackageNotFoundError:
        return ""


def _templates(kind: str) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file; `.tmpl` keeps Python that is not ours from the eyes of our own tools."""
    for name, file in _walk(files("workbench.scaffold").joinpath("templates", kind)):
        yield name.removesuffix(".tmpl"), file.read_text("utf-8")


def _walk(place: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(place.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def _filled(text: str, values: Mapping[str, str]) -> str:
    return MARK.sub(lambda mark: values[mark[1]], text)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):  # a link to nowhere is somebody's too
        raise ConfigError(
            f"{shown(path, 200)} exists and nothing was written: move it away, or name another folder with -o."
        )


def _write(wanted: Mapping[Path, str]) -> None:
    done: list[Path] = []
    try:
        for path, text in wanted.items():
            write_whole(path, text.encode())
            done.append(path)
            if text.startswith("#!"):
                path.chmod(0o755)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        raise ConfigError(f"{shown(error.filename or path, 200)} cannot be written: {error.strerror}.") from None
