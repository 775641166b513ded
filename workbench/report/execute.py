"""Running a notebook unattended, and proof that it ran to its end.

The metadata of an executed notebook prove nothing: after a killed kernel every cell reads "completed". A run counts
only when nothing raised, no cell has error output, every code cell has an execution count, and the last cell's sentinel
names this run and the digest of the record that was written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.audit.record import Record
from workbench.core.errors import EvidenceError, IncompleteError, import_extra
from workbench.core.writing import write_whole
from workbench.report import words
from workbench.report.normalise import literals, normalise
from workbench.report.notebook import SENTINEL, check_names

if TYPE_CHECKING:
    from nbformat import NotebookNode

PROGRESS = "WORKBENCH_PROGRESS"
KERNEL = "workbench-run"
SECONDS_BETWEEN_UPDATES = 0.25
SECONDS_TO_STOP = 5.0
DONE, PARTIAL = "audit.ipynb", "audit.incomplete.ipynb"
OnProgress = Callable[[dict[str, Any]], None]


class IncompleteNotebookError(IncompleteError):
    """A notebook did not run to its end; `notebook` is what there is of it (or None), `reason` says why."""

    def __init__(self, reason: str, notebook: Path | None) -> None:
        super().__init__(f"the notebook did not run to its end: {reason}")
        self.reason = reason
        self.notebook = notebook


def execute_notebook(
    notebook: NotebookNode,
    workdir: Path | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """Run a notebook in a fresh kernel of this interpreter and return the path of the normalised result.

    `record.json` and `audit.ipynb` are written into `workdir`; relative paths in parameters are read from the current
    folder. A parameter name that is not in the schema raises ConfigError before anything starts. A run that is not
    complete raises IncompleteNotebookError with what there is of the notebook.
    """
    values = dict(parameters or {})
    check_names(values)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            check_names(literals(cell.source))
    folder = Path(workdir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    run_id = uuid.uuid4().hex
    (folder / "record.json").unlink(missing_ok=True)  # an older record must not prove this run
    with tempfile.TemporaryDirectory(prefix="workbench-", ignore_cleanup_errors=True) as scratch:
        values |= {"output": str(folder), "run_id": run_id}
        reason = _run(notebook, values, folder, Path(scratch), timeout, on_progress)
        executed = _read(Path(scratch, "executed.ipynb"))
    return _finished(executed, folder, run_id, reason)


def _finished(executed: NotebookNode | None, folder: Path, run_id: str, reason: str) -> Path:
    if executed is None:
        raise IncompleteNotebookError(reason or "no notebook was written", None)
    reason = reason or unproved(executed, run_id, _digest(folder))
    normalise(executed, folder, run_id)
    if not reason:
        (folder / PARTIAL).unlink(missing_ok=True)
        return _write(executed, folder / DONE)
    (folder / DONE).unlink(missing_ok=True)  # an older complete notebook must not pass for this one
    raise IncompleteNotebookError(reason, _write(_stamped(executed, reason), folder / PARTIAL))


def unproved(notebook: NotebookNode, run_id: str, digest: str) -> str:
    """Return why an executed notebook is not proved complete, or an empty string."""
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    if not code:
        return "the notebook has no code cell"
    for at, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                return f"code cell {at} raised {words.plain(output.ename)}: {words.plain(output.evalue, 400)}"
        if not cell.execution_count:
            return f"code cell {at} of {len(code)} never ran"
    found = [o.data[SENTINEL] for o in code[-1].outputs if SENTINEL in o.get("data", {})]
    if len(found) != 1 or not isinstance(found[0], dict):
        return "the last cell does not say that the run is complete"
    if found[0].get("run") != run_id:
        return "the last cell's output is of another run"
    if not digest or found[0].get("digest") != digest:
        return "the record that was written is not the one that the last cell names"
    return ""


def _digest(folder: Path) -> str:
    try:
        return Record.from_json((folder / "record.json").read_bytes()).digest
    except (OSError, EvidenceError):
        return ""


# ---------------------------------------------------------------------------- the process


def _run(
    notebook: NotebookNode,
    values: Mapping[str, Any],
    folder: Path,
    scratch: Path,
    timeout: float | None,
    on_progress: OnProgress | None,
) -> str:
    """Run the notebook in a process of its own and return why it stopped early, or an empty string."""
    _write(notebook, scratch / "input.ipynb")
    job = {"scratch": str(scratch), "parameters": dict(values), "cwd": str(Path.cwd())}
    (scratch / "job.json").write_text(json.dumps(job), "utf-8")
    _install_kernel(scratch)
    progress = folder / "progress.jsonl"
    progress.unlink(missing_ok=True)
    # -P keeps a file of the current folder from being imported in place of a library.
    command = [sys.executable, "-P", "-m", "workbench.report.execute", str(scratch / "job.json")]
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(scratch, progress)
        )
        try:
            late = _wait(process, progress, timeout, on_progress)
        finally:
            _stop(process)
            progress.unlink(missing_ok=True)
    if late:
        return f"it took longer than {timeout:g} seconds"
    return _told(scratch, process.returncode)


def _wait(
    process: subprocess.Popen[bytes], progress: Path, timeout: float | None, on_progress: OnProgress | None
) -> bool:
    """Pass progress on until the process ends; return whether the time was over before."""
    end = None if timeout is None else time.monotonic() + timeout
    at = 0
    while True:
        try:
            process.wait(SECONDS_BETWEEN_UPDATES)
        except subprocess.TimeoutExpired:
            ended = False
        else:
            ended = True
        news, at = _news(progress, at)
        if news is not None and on_progress is not None:
            on_progress(news)
        if ended:
            return False
        if end is not None and time.monotonic() > end:
            return True


def _news(progress: Path, at: int) -> tuple[dict[str, Any] | None, int]:
    """Return the last whole line written since `at`, and where it ends."""
    try:
        with progress.open("rb") as file:
            file.seek(at)
            written = file.read()
    except OSError:
        return None, at
    whole = written[: written.rfind(b"\n") + 1]
    for line in reversed(whole.splitlines()):
        try:
            news = json.loads(line)
        except ValueError:
            continue
        if isinstance(news, dict):
            return news, at + len(whole)
    return None, at + len(whole)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()  # the notebook client then shuts its kernel down
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment(scratch: Path, progress: Path) -> dict[str, str]:
    ours = {
        "JUPYTER_PATH": str(scratch / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "run"),
        "JUPYTER_CONFIG_DIR": str(scratch / "config"),
        "JUPYTER_NO_CONFIG": "1",
        "IPYTHONDIR": str(scratch / "ipython"),
        "YDATA_PROFILING_NO_ANALYTICS": "1",
        PROGRESS: str(progress),
    }
    return {**os.environ, **ours}


def _install_kernel(scratch: Path) -> None:
    # An installed "python3" may point at another interpreter, or at whichever comes first on the path.
    folder = scratch / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True)
    argv = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv += ["--HistoryManager.enabled=False", "--IPKernelApp.ignore_cwd=True"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
    (scratch / "run").mkdir(mode=0o700)


def _told(scratch: Path, code: int) -> str:
    try:
        told = json.loads((scratch / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return f"the process that runs the notebook stopped (exit {code})"
    return str(told["reason"])


def _child(job_file: str) -> None:
    """Run the notebook that the job names with papermill; tell the outcome in result.json."""
    job = json.loads(Path(job_file).read_text("utf-8"))
    scratch = Path(job["scratch"])
    (scratch / "result.json").write_text(json.dumps({"reason": _papermill(job, scratch)}), "utf-8")


def _papermill(job: Mapping[str, Any], scratch: Path) -> str:
    papermill = import_extra("papermill", "notebook", "running a notebook")
    from nbclient.exceptions import DeadKernelError

    # Papermill formats paths with the parameters' values: braces are doubled so that a path stays what it is.
    source, target = (
        str(scratch / name).replace("{", "{{").replace("}", "}}") for name in ("input.ipynb", "executed.ipynb")
    )
    try:
        papermill.execute_notebook(
            source,
            target,
            parameters=dict(job["parameters"]),
            kernel_name=KERNEL,
            language="python",
            cwd=job["cwd"],
            progress_bar=False,
            log_output=False,
            store_widget_state=False,
            record_timing=False,
            **_private_transport(scratch),
        )
    except papermill.PapermillExecutionError as error:
        return f"{error.ename}: {words.plain(error.evalue, 600)}"
    except DeadKernelError:
        return "the kernel died: it was killed, or it ran out of memory"
    except Exception as error:
        return f"{type(error).__name__}: {words.plain(error, 600)}"
    return ""


def _private_transport(scratch: Path) -> dict[str, Any]:
    # Over TCP any user of the computer can reach a kernel's ports; sockets lie in a folder of our own.
    if sys.platform == "win32":
        return {}
    from traitlets.config import Config

    # Without a connection file of its own the sockets would lie in the current folder, shared with other runs.
    place = {"transport": "ipc", "connection_file": str(scratch / "run" / "kernel.json")}
    return {"config": Config({"KernelManager": place})}


# ---------------------------------------------------------------------------- files


def _read(path: Path) -> NotebookNode | None:
    nbformat = import_extra("nbformat", "notebook", "reading a notebook")
    try:
        found: NotebookNode = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        return None
    return found


def _write(notebook: NotebookNode, path: Path) -> Path:
    nbformat = import_extra("nbformat", "notebook", "writing a notebook")
    write_whole(path, (nbformat.writes(notebook, version=4) + "\n").encode("utf-8", "replace"))
    return path


def _stamped(notebook: NotebookNode, reason: str) -> NotebookNode:
    nbformat = import_extra("nbformat", "notebook", "writing a notebook")
    # The reason may hold text from data, and markdown is live: it goes in as an indented block, which is not.
    text = f"# ✕ INCOMPLETE\n\nThis run did not finish. Do not rely on what follows.\n\n    {words.plain(reason, 600)}"
    stamp = nbformat.v4.new_markdown_cell(text)
    stamp["id"] = "incomplete"
    notebook.cells.insert(0, stamp)
    return notebook


if __name__ == "__main__":
    _child(sys.argv[1])
