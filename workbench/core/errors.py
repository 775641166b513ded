"""Errors that say what was found, what was expected and what to do next."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

THIN = "\u202f"  # between thousands: a thin space that does not break the line


class WorkbenchError(Exception):
    """Base of every error this package raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 2


class DataError(WorkbenchError):
    """The data cannot be read, or is not what the roles say it is."""


class ConfigError(WorkbenchError):
    """A plan, policy, parameter or option is wrong."""


class ModelError(WorkbenchError):
    """A model cannot be opened, is not trusted, or does not fit the data."""


class MissingExtraError(WorkbenchError):
    """An optional part is not installed."""


class EvidenceError(WorkbenchError):
    """A bundle does not verify: something differs from what was recorded."""

    exit_code = 4


class IncompleteError(WorkbenchError):
    """A run ended before it was complete (a killed kernel, a cancelled run)."""

    exit_code = 3


class CancelledError(WorkbenchError):
    """The user cancelled the run; what was finished is kept and labelled."""

    exit_code = 3


def shown(name: object, limit: int = 80) -> str:
    """A name fit for a message: quoted, escaped, cut to `limit` characters."""
    text = str(name)
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def thousands(count: int) -> str:
    """Return a count as it is written everywhere: 12 345, with a thin space that does not break the line."""
    return f"{count:,}".replace(",", THIN)


def near_matches(name: object, known: Iterable[object], most: int = 3) -> list[str]:
    """Return up to `most` of the `known` names nearest to `name`, best first."""
    by_lower = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(name).lower(), list(by_lower), n=most, cutoff=0.6)
    return [by_lower[c] for c in close]


def unknown(kind: str, name: object, known: Iterable[object], most_listed: int = 12) -> str:
    """Compose "unknown KIND NAME; did you mean ...; known: ..." for an error message."""
    names = [str(k) for k in known]
    close = near_matches(name, names)
    hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else ""
    listed = ", ".join(shown(k, 40) for k in names[:most_listed])
    more = f" and {len(names) - most_listed} more" if len(names) > most_listed else ""
    return f"unknown {kind} {shown(name)}.{hint} Known: {listed or 'none'}{more}."


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or raise one sentence with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs {module.split('.')[0]}, which is not installed: pip install 'audit-workbench[{extra}]'"
        ) from error
