"""Findings of a run as they end, by what they were measured on and how: what a resumed run does not measure again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.audit.packing import code_of, is_packaged, packed
from workbench.audit.record import digest_of
from workbench.core.check import Check
from workbench.core.errors import ConfigError, near_matches, shown
from workbench.core.finding import Finding, Status
from workbench.core.writing import write_whole

if TYPE_CHECKING:
    from workbench.audit.run import Prepared
    from workbench.load.models import Model

FOLDER = "WORKBENCH_RUNS"
"""The environment variable that names the folder of runs."""
MOST_RUNS = 50
MOST_INPUTS = 16
"""Digests of inputs whose findings are held in memory, two a run at most; those asked for longest ago go first."""
MOST_DAYS = 14
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_ABOUT = "run.json"


class Inputs(NamedTuple):
    """Digests of all that a finding depends on besides its check, with the threshold and without it.

    Both are empty when a model cannot be told from another one: then nothing is taken from another run.
    """

    whole: str = ""
    undecided: str = ""

    def of(self, check: Check) -> str:
        """Return the digest for a check: of one that is not packaged nobody knows whether it asks for the threshold."""
        decides = check.of_decisions or not is_packaged(check.function)
        return self.whole if decides else self.undecided


def inputs_of(prepared: Prepared, about: Mapping[str, Any]) -> Inputs:
    """Return the digests of data, roles, models, seed and versions."""
    from workbench.audit.run import environment

    models = [_identity(m) for m in (prepared.model, prepared.challenger)]
    if None in models:
        return Inputs()
    policy = prepared.policy
    content = {
        **{k: v for k, v in about.items() if k != "title"},
        "models": models,
        "minimum_group_size": policy.minimum_group_size,
        "level": policy.level,
        "environment": environment(),
    }
    roles = {k: v for k, v in about["roles"].items() if k != "threshold"}
    return Inputs(digest_of(content), digest_of({**content, "roles": roles}))


def _identity(model: Model | None) -> str | None:
    if model is None:
        return ""
    # A class of the notebook may get another `predict` while its fitted state stays the same.
    if model.digest and type(model.predictor).__module__ != "__main__":
        return model.digest
    data = packed(model.predictor)
    return None if data is None else "sha256:" + hashlib.sha256(data).hexdigest()


def _by_the_clock(check: Check, params: Mapping[str, Any]) -> bool:
    """Say whether a finding depends on when it was made: a contract may ask how fresh the data is."""
    return "contract" in check.needs and not params.get("as_of")


def key_of(check: Check, params: Mapping[str, Any]) -> str:
    """Return a digest of a check: id, version, parameters and, of one that is not packaged, its code."""
    return digest_of([check.id, check.version, dict(params), code_of(check.function)])


class Kept:
    """Finished findings by inputs and check; in memory, and in the folder of the present run.

    Errors and cancelled checks are not kept: they are to be tried again.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Finding]] = {}
        self._folder: Path | None = None
        self._about: dict[str, Any] = {}

    def find(self, inputs: Inputs, check: Check, params: Mapping[str, Any]) -> Finding | None:
        """Return the finding of the same check on the same inputs, or None."""
        if not inputs.whole or _by_the_clock(check, params):
            return None
        digest = inputs.of(check)
        return self._held(digest).get(key_of(check, params)) if digest in self._found else None

    def put(self, inputs: Inputs, check: Check, params: Mapping[str, Any], finding: Finding) -> None:
        """Keep a finding; a folder that cannot be written never stops a run."""
        if not inputs.whole or finding.status not in (Status.MEASURED, Status.NOT_APPLICABLE):
            return
        if _by_the_clock(check, params):
            return
        key = key_of(check, params)
        self._held(inputs.of(check))[key] = finding
        if finding.attachments:  # they are not in the finding's file: after a restart the check is made again
            return
        content = {"inputs": inputs.of(check), "key": key, "seconds": finding.seconds, "finding": finding.to_dict()}
        self._write(f"{check.id}.json", content)

    def _held(self, inputs: str) -> dict[str, Finding]:
        """Return what is held on some inputs, put last; let go of those that were asked for longest ago."""
        self._found[inputs] = self._found.pop(inputs, {})
        while len(self._found) > MOST_INPUTS:
            del self._found[next(iter(self._found))]
        return self._found[inputs]

    def begin(self, prepared: Prepared) -> str:
        """Open a folder for a run and return the run's id; an empty one where no folder can be written."""
        now = datetime.now(UTC)
        id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        try:
            place = runs_folder()
            _prune(place)
            self._folder = place / id
            self._folder.mkdir(parents=True, mode=0o700)
        except OSError:
            self._folder = None
            return ""
        self._about = {"id": id, "started": now.isoformat(timespec="seconds"), **_sign(prepared)}
        self._about["checks"] = [check.id for check, _ in prepared.checks]
        self._write(_ABOUT, {**self._about, "state": "running"})
        return id

    def end(self, state: str) -> None:
        """Write how the run ended: complete, cancelled or failed."""
        if self._folder is not None:
            self._write(_ABOUT, {**self._about, "state": state})
        self._folder = None

    def load(self, run: str) -> list[Finding]:
        """Take and return the findings of an earlier run; ConfigError when there is no run of that id."""
        folder, loaded = run_folder(run), []
        for file in sorted(folder.glob("*.json")):
            # A file that is no finding is not taken; its check is measured again.
            with suppress(OSError, ValueError, KeyError, TypeError):
                found = json.loads(file.read_text("utf-8"))
                if file.name != _ABOUT:
                    finding = Finding.from_dict(found["finding"], float(found["seconds"]))
                    self._held(str(found["inputs"]))[str(found["key"])] = finding
                    loaded.append(finding)
        return loaded

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        if self._folder is None:
            return
        try:
            # One that is lost with the computer is measured again: a wait for the disk at every check is not worth it.
            data = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
            write_whole(self._folder / name, data, durable=False)
        except (OSError, ValueError):
            self._folder = None


def runs_folder() -> Path:
    """Return the folder of runs: what WORKBENCH_RUNS names, or one in the user's cache."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(cache) if cache else Path.home() / ".cache") / "audit-workbench" / "runs"
    except RuntimeError:  # a user without a home
        return Path(tempfile.gettempdir()) / f"audit-workbench-{os.getuid() if hasattr(os, 'getuid') else 'runs'}"


def runs() -> list[dict[str, Any]]:
    """Return what is known of this user's runs, the newest first: id, start, title, roles, checks, state, finished."""
    found = []
    for file in sorted(runs_folder().glob(f"*/{_ABOUT}"), reverse=True):
        with suppress(OSError, ValueError, TypeError):
            about = json.loads(file.read_text("utf-8"))
            found.append({**about, "finished": len(list(file.parent.glob("*.json"))) - 1})
    return found


def resumable(prepared: Prepared) -> str:
    """Return the id of the newest run of the same title and roles when it did not end, or an empty string."""
    sign = _sign(prepared)
    found = next((r for r in runs() if all(r.get(k) == v for k, v in sign.items())), {})
    return str(found.get("id", "")) if found.get("state") != "complete" and found.get("finished") else ""


def _sign(prepared: Prepared) -> dict[str, Any]:
    return {"title": prepared.title, "roles": prepared.current.roles.to_dict(), "seed": prepared.seed}


def run_folder(run: str) -> Path:
    """Return the folder of a run; ConfigError with near matches when there is none."""
    folder = runs_folder() / run
    if _ID.fullmatch(run) and folder.is_dir():
        return folder
    known = [about["id"] for about in runs()]
    close = near_matches(run, known) or known[:3]
    hint = f" The nearest are {', '.join(close)}." if close else " None is kept."
    raise ConfigError(f"no run is called {shown(run)}.{hint} `workbench.audit.kept.runs()` lists them.")


def _prune(place: Path) -> None:
    """Remove runs that are old, or too many."""
    now = time.time()
    folders = sorted((p for p in place.glob("*") if _ID.fullmatch(p.name)), reverse=True)
    for i, folder in enumerate(folders):
        with suppress(OSError):
            if i >= MOST_RUNS - 1 or now - folder.stat().st_mtime > MOST_DAYS * 86_400:
                shutil.rmtree(folder)
