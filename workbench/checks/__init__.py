"""The checks: one file is one check."""

import importlib
import pkgutil


def load_all() -> None:
    """Import every packaged check, which registers it."""
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        importlib.import_module(module.name)
