"""The audit as a parameterised notebook, and what its cells call."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.audit.plan import OPERATIONS, Plan
from workbench.audit.record import Record
from workbench.core.errors import ConfigError, import_extra, shown, unknown
from workbench.core.writing import write_whole
from workbench.report.static import Static, static
from workbench.report.static import section as section

if TYPE_CHECKING:
    from nbformat import NotebookNode

SENTINEL = "application/vnd.workbench.sentinel+json"
RUN_ONLY = ("output", "run_id")
PARAMETERS = {  # in the order of the notebook's first cell; the comment is what `papermill --help-notebook` prints
    "data": "the data to audit: a CSV or Parquet file, a glob or a list of them",
    "reference": "what it is compared with, or None",
    "model": "a model file (.skops), or None when predictions are in the data",
    "challenger": "another model, compared with it on the same rows, or None",
    "labels": "a file of labels that came later: the id and the target of each row",
    "target": "the column that holds the truth",
    "positive": "the target's value that counts as positive; needed unless it is 0/1 or boolean",
    "favourable": "the outcome that is good for the person; the positive one unless named",
    "score": "the column that holds scores",
    "prediction": "the column that holds decisions",
    "threshold": "a row is predicted positive when its score is at least this",
    "sensitive": "the columns whose groups are compared",
    "segment": "columns that cut the data into segments",
    "time": "the column that holds the time",
    "id": "the column that names the row: the case, the application",
    "weight": "the column that says how often a row counts (whole numbers)",
    "entity": "the column that says whose row it is (a person, an account) where one may have several",
    "task": "binary, multiclass or regression; None guesses from the model and the target",
    "probabilities": "for several classes: each class and the column of its probability",
    "where": "conditions that a row meets to be audited, such as [{'column': 'sex', 'operator': '==', 'value': 'F'}]",
    "ignore": "columns that no check looks at",
    "checks": "checks to run, with their parameters; None runs those that need no asking",
    "policy": "a policy file or mapping; None takes the packaged policy",
    "null_values": "texts that stand for a missing value",
    "trust": "types that a model file may hold beyond those known",
    "seed": "the seed of whatever is sampled",
    "sample": "how many rows are kept for checks that need rows",
    "windows": "how rows are cut for checks over time: {'by': 'month'}, {'rows': 5000} or {'number': 10}; None is not",
    "engine": "what reads and counts files: local or spark",
    "contract": "a file of rules that the data is held to, or None",
    "title": "what the audit is called",
    "notes": "what people wrote on findings, by check: {'bias.group_rates': 'seen by the board'}",
    "output": "the folder that record.json is written to; empty writes nothing",
    "run_id": "set by the runner, which looks for it in the last cell",
}
_OWN = frozenset({"wb", "nb", "audit", "record"})
_IPYTHON = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open"})
_NAME = re.compile(r"[a-z][a-z_]*")


# ---------------------------------------------------------------------------- writing the notebook


def render_notebook(plan: Mapping[str, Any] | None, *, title: str = "Audit") -> NotebookNode:
    """Return the packaged notebook with a plan's values in its first cell; with None, with empty defaults."""
    jupytext = import_extra("jupytext", "notebook", "writing a notebook")
    given = dict(plan or {})
    check_names(given)
    template = files("workbench.report").joinpath("templates", "audit.py").read_text("utf-8")
    notebook: NotebookNode = jupytext.reads(template, fmt="py:percent")
    for at, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{at:02d}"
        if "parameters" in cell.metadata.get("tags", []):
            cell["source"] = parameters_source({"title": title, **given})
    notebook.metadata = type(notebook.metadata)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def parameters_source(values: Mapping[str, Any]) -> str:
    """Return the source of the parameters cell: every name of the plan's schema, one line each."""
    defaults = default_parameters()
    lines = [f"{name} = {_literal(name, values.get(name, defaults[name]))}" for name in PARAMETERS]
    return "\n".join(f"{line}  # {PARAMETERS[line.split(' ', 1)[0]]}" for line in lines)


def default_parameters() -> dict[str, Any]:
    """Return every parameter with the plan's default."""
    found: dict[str, Any] = {"data": "", "output": "", "run_id": ""}
    for name, field in Plan.model_fields.items():
        if name not in OPERATIONS and not field.is_required():
            found[name] = field.get_default(call_default_factory=True)
    return found


def check_names(values: Mapping[str, Any]) -> None:
    """Refuse parameter names that are not in the schema, before anything runs; a name can hold code."""
    for name in values:
        if not _NAME.fullmatch(str(name)):
            raise ConfigError(f"{shown(name)} is no name of a parameter (names are plain words).")
        if name not in PARAMETERS:
            raise ConfigError(unknown("parameter", name, PARAMETERS, most_listed=30))


def _literal(name: str, value: Any) -> str:
    text = repr(value)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise ConfigError(f"parameter {name}: {type(value).__name__} cannot be written into a notebook; give a file.")
    return text


# ---------------------------------------------------------------------------- what the cells call


def reject_unknown(names: Mapping[str, Any]) -> None:
    """Raise ConfigError for parameters that the notebook does not know; call it with `globals()`.

    Papermill only warns of a misspelt name and sets it. In a fresh kernel whatever is set beyond the known names is
    such a parameter; later, only what papermill's own cell sets is looked at, so that people may add names.
    """
    history = [source for source in names.get("In", ()) if isinstance(source, str)]
    injected = {n for source in history if source.startswith("# Parameters\n") for n in _assigned(source)}
    fresh = len([source for source in history if source.strip()]) <= 3
    found = {n for n in names if not n.startswith("_")} - _OWN - _IPYTHON if fresh else set()
    for name in sorted(injected | found):
        if name not in PARAMETERS:
            raise ConfigError(unknown("parameter", name, PARAMETERS, most_listed=30))


def _assigned(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def arguments(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of `Audit` that the parameters set; call it with `globals()`."""
    defaults = default_parameters()
    given = {n: names.get(n, defaults[n]) for n in PARAMETERS if n not in RUN_ONLY}
    if given["data"] is None or (isinstance(given["data"], str | list) and not given["data"]):
        raise ConfigError("no data: set the parameter `data` to a CSV or Parquet file.")
    kept = {n: v for n, v in given.items() if v not in (None, "") and v != defaults[n]}
    # `papermill -p sensitive race` can only give one text where a list is meant.
    lists = {n for n, default in defaults.items() if isinstance(default, list)}
    return {n: [v] if n in lists and isinstance(v, str) else v for n, v in kept.items()}


def verdict(record: Record) -> Static:
    """Return the verdict and one line for each finding, for a cell."""
    return static(record)


@dataclass(frozen=True)
class Sentinel:
    """The closing cell's output: proof that the run got to its end, with the digest of its record."""

    run: str
    digest: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {SENTINEL: {"run": self.run, "digest": self.digest}, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Run complete, record {self.digest}"


def finish(record: Record, *, output: str = "", run_id: str = "") -> Sentinel:
    """Write attachments and record.json into the folder `output`, when there is one, and return the sentinel."""
    if output:
        for name, attachment in record.attachments.items():
            write_whole(Path(output, name), attachment.data)
        write_whole(Path(output, "record.json"), record.to_json())
    return Sentinel(run_id, record.digest)


def notebook_bytes(notebook: Any) -> bytes:
    """Return a notebook as the bytes of its file."""
    import nbformat

    text: str = nbformat.writes(notebook, version=4)  # type: ignore[no-untyped-call]
    return (text.rstrip() + "\n").encode()
