"""Objects of the user's own session as bytes for its worker process, and the code of what is not packaged."""

from __future__ import annotations

import hashlib
import pickle
import sys
import types
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints


def packed(value: Any) -> bytes | None:
    """Return an object as bytes, classes and functions of the notebook with their code; None when it cannot be."""
    try:
        return _dumps(value)
    except Exception:  # whatever a strange object's own code raises
        return None


def why_not(value: Any) -> str:
    """Return the type of what is raised when an object is packed, or an empty string."""
    try:
        _dumps(value)
    except Exception as error:
        return type(error).__name__
    return ""


def _dumps(value: Any) -> bytes:
    try:
        cloudpickle = import_module("cloudpickle")
    except ImportError:  # comes with scikit-learn; without it what the notebook defines is not sent
        return pickle.dumps(value)
    return bytes(cloudpickle.dumps(value))


def is_packaged(function: Callable[..., Any]) -> bool:
    """Say whether a function is part of this package."""
    return (function.__module__ or "").partition(".")[0] == "workbench"


def code_of(function: Callable[..., Any]) -> str:
    """Return a digest that changes when the code of a function does; empty for packaged ones, which have a version."""
    if is_packaged(function):
        return ""
    data = packed(function)
    own = repr(function) if data is None else hashlib.sha256(data).hexdigest()
    return f"{own} {modified(function.__module__)}"


def modified(module: str | None) -> str:
    """Return file and time of change of a module that is neither the notebook itself nor installed; empty otherwise."""
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    if module == "__main__" or not file or "site-packages" in file or file.startswith(sys.base_prefix):
        return ""
    try:
        return f"{file} {Path(file).stat().st_mtime_ns}"
    except OSError:
        return str(file)


def with_plain_hints(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the notebook with its annotations evaluated: as texts their names would not go along."""
    if function.__module__ != "__main__" or not isinstance(function, types.FunctionType):
        return function
    copy = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__, copy.__doc__, copy.__module__ = function.__kwdefaults__, function.__doc__, "__main__"
    copy.__qualname__, copy.__annotations__ = function.__qualname__, get_type_hints(function)
    return copy
