"""Progress of a run, told to a function or appended to a file for another process to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps done and in all, what is being done, seconds since the start."""

    step: int
    steps: int
    label: str
    seconds: float

    @property
    def fraction(self) -> float:
        """Return the share of steps done, 0..1."""
        return self.step / self.steps if self.steps else 0.0


class ProgressFile:
    """Appends each progress as a line of JSON."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self, progress: Progress) -> None:
        """Append one line; a file that cannot be written never stops a run."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(progress)) + "\n")
        except OSError:
            return
