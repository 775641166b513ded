"""What a worker process is sent: how to get at the data, the models and the checks as bytes, everything else plain."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.audit.operations import AuditWindows
from workbench.audit.packing import is_packaged, modified, packed, why_not, with_plain_hints
from workbench.audit.policy import Policy
from workbench.core.check import Check
from workbench.core.contract import Contract
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import ConfigError
from workbench.core.filter import Condition
from workbench.core.frame import Again, Frame
from workbench.load.models import Model

if TYPE_CHECKING:
    from workbench.audit.run import Prepared


class CannotSendError(Exception):
    """Something of an audit cannot be sent to another process; its text says what, and why."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A frame that was in memory, as a file of Arrow batches; its digest is part of what counts are kept by."""

    path: str
    digest: str
    engine: str
    names: tuple[str, ...]

    def __call__(self) -> Frame:
        """Return the frame over the file, memory mapped."""
        with pa.memory_map(self.path) as source, pa.ipc.open_stream(source) as reader:
            schema = reader.schema
        return Frame(schema, self._batches, self.engine, self.names)

    def _batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(self.path) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                yield batch if columns is None else batch.select(list(columns))


Opening = Again | Stream


@dataclass(frozen=True, slots=True)
class Order:
    """One audit as a worker process takes it; `checks` are packed (registered names, function), parameters beside."""

    current: Opening
    reference: Opening | None
    model: bytes | None
    challenger: bytes | None
    checks: bytes
    roles: Roles
    policy: Policy
    windows: AuditWindows | None
    contract: tuple[Contract, Path | None] | None
    where: tuple[Condition, ...]
    title: str
    seed: int
    sample: int
    place: str
    path: tuple[str, ...]
    environ: Mapping[str, str]
    modules: tuple[str, ...]

    @property
    def counts_of(self) -> tuple[Any, ...]:
        """Return what decides the counts, but for the state of files and the threshold."""
        models = None if self.model is None else hashlib.sha256(self.model).hexdigest()
        roles = replace(self.roles, threshold=0.5)
        return (self.current, self.reference, models, roles, self.windows, self.seed, self.sample)


def order_of(prepared: Prepared, folder: Path) -> Order:
    """Return an audit as an order; frames in memory are written to `folder`. CannotSendError says what cannot go."""
    modules = [modified(type(m.predictor).__module__) for m in (prepared.model, prepared.challenger) if m is not None]
    modules += [modified(c.function.__module__) for c, _ in prepared.checks if not is_packaged(c.function)]
    return Order(
        current=_opening(prepared.current, folder),
        reference=None if prepared.reference is None else _opening(prepared.reference, folder),
        model=_model(prepared.model, "model"),
        challenger=_model(prepared.challenger, "challenger"),
        checks=_checks(prepared.checks),
        roles=prepared.current.roles,
        policy=prepared.policy,
        windows=prepared.windows,
        contract=None if prepared.contract is None else (prepared.contract.contract, prepared.contract.path),
        where=prepared.where,
        title=prepared.title,
        seed=prepared.seed,
        sample=prepared.sample,
        place=str(Path.cwd()),
        path=tuple(sys.path),
        environ=dict(os.environ),
        modules=tuple(sorted({m for m in modules if m})),
    )


def _opening(dataset: Dataset, folder: Path) -> Opening:
    frame = dataset.frame
    if frame.distributed is not None:
        raise CannotSendError(f"the {dataset.name} data belongs to a Spark session of this kernel")
    if frame.again is not None:
        return frame.again
    try:
        return written(frame, folder / f"{dataset.name}.arrows")
    except (OSError, pa.ArrowException) as error:
        raise CannotSendError(f"the {dataset.name} data cannot be written for it ({type(error).__name__})") from None


def written(frame: Frame, path: Path) -> Stream:
    """Write a frame's rows, as the engine gives them, to a file of Arrow batches."""
    schema, batches = frame.raw()
    # A new name each time: the old file may still be mapped.
    new = path.with_suffix(".new")
    try:
        _write(schema, batches, new)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    with new.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    named = path.with_name(f"{digest[:24]}{path.suffix}")
    new.replace(named)
    return Stream(str(named), digest, frame.engine, frame.names)


def _write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], new: Path) -> None:
    with pa.OSFile(str(new), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _model(model: Model | None, what: str) -> bytes | None:
    if model is None:
        return None
    plain = replace(model, failures=Counter())
    data = packed(plain)
    if data is None:
        kind = type(model.predictor).__name__
        raise CannotSendError(f"the {what} ({kind}) cannot be copied to another process ({why_not(plain)})")
    return data


def _checks(checks: Sequence[tuple[Check, Mapping[str, Any]]]) -> bytes:
    rows = [_row(check, params) for check, params in checks]
    data = packed(rows)
    if data is None:
        strange = [row[0] for row in rows if packed(row) is None]
        raise CannotSendError(f"the check {', '.join(strange)} cannot be copied to another process")
    return data


def _row(check: Check, params: Mapping[str, Any]) -> tuple[Any, ...]:
    # A packaged check goes by its id; of one of the notebook, its function goes with its code.
    if is_packaged(check.function):
        return (check.id, dict(params))
    try:
        function = with_plain_hints(check.function)
    except Exception as error:
        raise CannotSendError(f"the check {check.id} cannot be copied ({type(error).__name__})") from None
    about = (check.id, check.code, check.title, function, check.needs, check.version, check.on_request, check.uses)
    return (check.id, dict(params), about)


@contextmanager
def received(what: str) -> Iterator[None]:
    """Raise CannotSendError, in the worker, when something sent cannot be made there."""
    try:
        yield
    except Exception as error:
        raise CannotSendError(f"the {what} cannot be made in another process ({type(error).__name__})") from error


def find_sent(row: tuple[Any, ...], find: Any) -> tuple[Check, Mapping[str, Any]]:
    """Return the check and parameters that a row of an order names."""
    id, params, *about = row
    check = Check(*about[0]) if about else find(id)
    try:
        return check, check.bind(params)
    except ConfigError as error:
        raise CannotSendError(str(error)) from None
