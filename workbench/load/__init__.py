"""Opening data and model files: one file per kind, found by suffix."""

from __future__ import annotations

from workbench.load.files import name_of, open_frame
from workbench.load.models import Model, open_model, wrap_model

__all__ = ["Model", "name_of", "open_frame", "open_model", "wrap_model"]
