"""What the screen shows in the place of an answer that could not be made: what, why, what to do next, an id to copy."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from workbench.core.errors import WorkbenchError


def failed(what: str, error: Exception) -> dict[str, str]:
    """Return what is told of an error; the same fault has the same id, and no value of the data is in it.

    An error of this package says by itself what was found and what to do; of any other only its kind and its place in
    the code are told, because its message may hold rows.
    """
    import workbench

    kind = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    known = isinstance(error, WorkbenchError)
    id = hashlib.sha256(f"{what} {kind} {place} {workbench.__version__}".encode()).hexdigest()[:8]
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "what": what,
        "why": str(error) if known else f"The workbench itself failed ({kind} at {place}).",
        "next": "Everything else on this screen is as it was. "
        + (
            "Try again."
            if known
            else "Try again; if it fails again, send the copied id to those who keep the workbench."
        ),
        "id": id,
        "copy": f"{id} · {what} · {kind} at {place} · workbench {workbench.__version__} · {when}",
    }


def answer(what: str, make: Callable[[], dict[str, Any]], **of: str) -> dict[str, Any]:
    """Return what `make` returns, or `of` (what was asked for) and under `failed` why there is none."""
    try:
        return make()
    except Exception as error:  # one page that fails takes no other with it; the screen says what happened
        return {**of, "failed": failed(f"{what[:1].upper()}{what[1:]} could not be opened", error)}
