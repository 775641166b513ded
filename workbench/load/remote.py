"""Files in object stores and HDFS, by URI through fsspec; credentials come from the environment alone."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from workbench.core.errors import ConfigError, DataError, WorkbenchError, import_extra, shown, unknown

SECONDS = 10
_SECRETS = re.compile(r"[?&](sig|token|key|secret|signature|x-amz-[a-z-]+)=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A kind of URI: fsspec's name for it, the extra and module it needs, and where its credentials come from."""

    protocol: str
    module: str = ""
    extra: str = ""
    credentials: str = ""
    options: Callable[[str], Mapping[str, Any]] = lambda _host: {}


def _s3(_host: str) -> Mapping[str, Any]:
    # The library's own would keep a user waiting for minutes when nobody answers.
    limits = {"connect_timeout": SECONDS, "read_timeout": 3 * SECONDS, "retries": {"max_attempts": 2}}
    return {"config_kwargs": limits}


def _azure(_host: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {"connection_timeout": SECONDS, "read_timeout": 3 * SECONDS, "max_concurrency": 4}
    text = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    if text:
        return found | {"connection_string": text}
    names = {"account_name": "AZURE_STORAGE_ACCOUNT", "account_key": "AZURE_STORAGE_KEY"}
    found |= {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}
    return found | ({} if "account_key" in found else {"anon": False})


def _hdfs(host: str) -> Mapping[str, Any]:
    parts = urlsplit(f"//{host}")
    if parts.port is not None:
        # The client itself would try for minutes.
        socket.create_connection((parts.hostname or "", parts.port), timeout=SECONDS).close()
    return {"host": parts.hostname, "port": parts.port}


_AWS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a profile"
_BLOB = "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY"
SCHEMES: dict[str, Scheme] = {
    "s3": Scheme("s3", "s3fs", "s3", _AWS, _s3),
    "az": Scheme("az", "adlfs", "azure", _BLOB, _azure),
    "abfs": Scheme("abfs", "adlfs", "azure", _BLOB, _azure),
    "abfss": Scheme("abfss", "adlfs", "azure", _BLOB, _azure),
    "hdfs": Scheme("hdfs", "hdfs_native", "hdfs", "HADOOP_USER_NAME", _hdfs),
    "memory": Scheme("memory"),
}


def is_remote(source: object) -> bool:
    """Say whether a source is a URI and no path of this computer."""
    return isinstance(source, str) and "://" in source


def filesystem(uri: str) -> Any:
    """Return fsspec's file system of a URI; ConfigError for an unknown scheme or credentials inside the URI."""
    parts = urlsplit(uri)
    if "@" in parts.netloc or _SECRETS.search(uri):
        raise ConfigError(
            f"the URI {parts.scheme}://… holds credentials: set them in the environment, so that they are in no plan "
            "and in no record."
        )
    if parts.scheme not in SCHEMES:
        raise ConfigError(f"{shown(parts.scheme + '://…')}: " + unknown("scheme", parts.scheme, SCHEMES))
    scheme = SCHEMES[parts.scheme]
    fsspec = import_extra("fsspec", scheme.extra or "s3", f"reading {parts.scheme}:// URIs")
    if scheme.module:
        import_extra(scheme.module, scheme.extra, f"reading {parts.scheme}:// URIs")
    with explained(uri):
        return fsspec.filesystem(scheme.protocol, **scheme.options(parts.netloc))


@contextmanager
def explained(uri: str, doing: str = "read") -> Iterator[None]:
    """Turn what goes wrong into one sentence that names the place and never a secret."""
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        raise DataError(f"{place(uri)} cannot be {doing}: {_reason(error, urlsplit(uri).scheme)}") from None


def place(uri: str) -> str:
    """Return a URI as it may be shown: scheme, host and path."""
    parts = urlsplit(uri)
    return shown(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", 200)


_REASONS = (
    (r"NoSuchBucket|bucket does not exist|ContainerNotFound", "its bucket or container does not exist."),
    (r"FileNotFound|NoSuchKey|ResourceNotFound|404|does not exist|not found", "there is nothing of that name."),
    (
        r"NoCredentials|PartialCredentials|Permission|Forbidden|AccessDenied|403|401|Authentication|Authorization|Expired"
        r"|InvalidAccessKeyId|SignatureDoesNotMatch|account_name|credential|connection string",
        "access was refused: credentials come from the environment ({credentials}); they are absent, expired or not "
        "allowed to.",
    ),
    (r"Connect|Timeout|timed out|Endpoint|unreachable|refused|Name or service|resolve", "nobody answers there."),
)


def _reason(error: Exception, scheme: str) -> str:
    seen, chain = 0, []
    found: BaseException | None = error
    while found is not None and seen < 5:
        chain.append(f"{type(found).__name__} {found}")
        found, seen = found.__cause__ or found.__context__, seen + 1
    for text in chain:
        for pattern, meaning in _REASONS:
            if re.search(pattern, text, re.IGNORECASE):
                credentials = SCHEMES[scheme].credentials if scheme in SCHEMES else "none"
                return meaning.format(credentials=credentials)
    return f"{type(error).__name__}."


def found(uri: str) -> list[str]:
    """Return the files that a URI or a glob names; an empty list when there is none."""
    fs = filesystem(uri)
    with explained(uri):
        if re.search(r"[*?\[]", uri):
            return [_full(fs, uri, name) for name in sorted(fs.glob(uri))]
        try:  # isfile() would take a refused access for an absent file
            return [uri] if fs.info(uri)["type"] == "file" else []
        except FileNotFoundError:
            return []


def _full(fs: Any, like: str, name: str) -> str:
    text: str = fs.unstrip_protocol(name)
    head = urlsplit(like)
    return (
        f"{head.scheme}://{text.partition('://')[2].lstrip('/')}" if head.scheme != "hdfs" else _hdfs_name(like, name)
    )


def _hdfs_name(like: str, name: str) -> str:
    head = urlsplit(like)
    return f"hdfs://{head.netloc}/{urlsplit(name).path.lstrip('/') if '://' in name else name.lstrip('/')}"


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading, of this computer or by URI."""
    if not is_remote(name):
        with Path(name).open("rb") as file:
            yield file
        return
    fs = filesystem(name)
    with explained(name), fs.open(name, "rb") as file:
        yield file


def identity(uri: str) -> str:
    """Return a digest of what the store says of an object (its tag, size and time), by which a change is noticed."""
    fs = filesystem(uri)
    with explained(uri):
        about = fs.info(uri)
    kept = {k.lower(): str(v) for k, v in about.items() if k.lower() in _TAGS}
    return "sha256:" + hashlib.sha256(repr(sorted({**kept, "uri": uri}.items())).encode()).hexdigest()


_TAGS = frozenset({"etag", "size", "lastmodified", "last_modified", "mtime", "modification_time", "created"})


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder by URI, for bundles; files are written whole, one by one."""

    uri: str

    def __str__(self) -> str:
        return self.uri

    def __truediv__(self, name: str) -> str:
        return f"{self.uri.rstrip('/')}/{name}"

    @property
    def name(self) -> str:
        """Return the last part of the URI."""
        return self.uri.rstrip("/").rpartition("/")[2]

    def names(self) -> list[str]:
        """Return the names of the files in it; empty when there is no such folder."""
        fs = filesystem(self.uri)
        with explained(self.uri):
            fs.invalidate_cache()
            if not fs.exists(self.uri):
                return []
            return sorted(str(n).rstrip("/").rpartition("/")[2] for n in fs.ls(self.uri, detail=False))

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        with explained(self / name):
            return int(filesystem(self.uri).size(self / name))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with explained(self / name):
            content: bytes = filesystem(self.uri).cat_file(self / name)
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file."""
        with explained(self / name, "written"):
            fs = filesystem(self.uri)
            if urlsplit(self.uri).scheme == "hdfs":  # in an object store it would make a bucket of a mistyped name
                fs.makedirs(self.uri, exist_ok=True)
            fs.pipe_file(self / name, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with explained(self / name, "removed"):
            filesystem(self.uri).rm_file(self / name)
