"""A request to a catalogue, before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """Method, address and JSON body; credentials are added when it is sent. `about` says what it does."""

    method: str
    url: str
    body: Any
    about: str

    @property
    def place(self) -> str:
        """Return host and path, without a query."""
        parts = urlsplit(self.url)
        return f"{parts.netloc.rpartition('@')[2]}{parts.path}"

    def told(self) -> str:
        """Return the request in one line."""
        return f"{self.method} {self.place}: {self.about}"
