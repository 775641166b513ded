"""Files in object stores and HDFS, by URI through fsspec; credentials come from the environment alone."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlsplit

from workbench.core.errors import ConfigError, DataError, WorkbenchError, import_extra, shown, unknown

SECONDS = 5
PATIENCE = 15
PART = 8 * 2**20  # the libraries' own 50 MB would be fetched for the few bytes at a file's end
_SECRETS = re.compile(r"[?&#](sig|token|key|secret|signature|x-amz-[a-z-]+)=", re.IGNORECASE)
_ACCOUNT = re.compile(r"([a-z0-9-]+)@([a-z0-9]+)[.](dfs|blob)[.]core[.]windows[.]net", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A kind of URI: the module and extra it needs, where its credentials come from, what opens its file system."""

    module: str
    extra: str
    credentials: str
    opener: Callable[[str], Any]


def _s3(_host: str) -> Any:
    fsspec = importlib.import_module("fsspec")
    # The library's own limits would keep a user waiting for minutes when nobody answers.
    limits = {"connect_timeout": SECONDS, "read_timeout": PATIENCE, "retries": {"total_max_attempts": 2}}
    # A listing that is kept would hide what changed since, from a monitor or a second audit in one session.
    options: dict[str, Any] = {"config_kwargs": limits, "use_listings_cache": False, "default_block_size": PART}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    found = fsspec.filesystem("s3", **options, **({"endpoint_url": endpoint} if endpoint else {}))
    found.retries = 2
    return found


@cache
def _azure_class() -> Any:
    from azure.storage.blob.aio import BlobServiceClient

    # It tells every credential that it tried; where nobody set up logging, that would stand beside our one sentence.
    logging.getLogger("azure.identity").addHandler(logging.NullHandler())
    library: Any = importlib.import_module("adlfs")

    class Azure(library.AzureBlobFileSystem):  # type: ignore[misc]
        """The library's own, with limits: it hands none to the client, which waits for minutes."""

        def do_connect(self) -> None:
            limits: dict[str, Any] = {"connection_timeout": SECONDS, "read_timeout": PATIENCE}
            limits |= {"retry_total": 1, "initial_backoff": 1}
            if self.connection_string is not None:
                self.service_client = BlobServiceClient.from_connection_string(self.connection_string, **limits)
                return
            if self.account_name is None:
                raise ValueError("no account_name")
            self.account_url = f"https://{self.account_name}.blob.core.windows.net"
            credential = self.credential or self.account_key or self.sas_token
            self.service_client = BlobServiceClient(self.account_url, credential=credential, **limits)

    return Azure


def _azure(host: str) -> Any:
    found: dict[str, Any] = {"max_concurrency": 4, "use_listings_cache": False, "blocksize": PART}
    text = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    named = _ACCOUNT.fullmatch(host)
    if text:
        if named and f"accountname={named[2]};".lower() not in f"{text};".lower():
            raise ConfigError(
                f"the URI names the account {shown(named[2])}, AZURE_STORAGE_CONNECTION_STRING another one: make them "
                "agree, or unset it and set AZURE_STORAGE_KEY."
            )
        return _azure_class()(connection_string=text, **found)
    names = {"account_name": "AZURE_STORAGE_ACCOUNT", "account_key": "AZURE_STORAGE_KEY"}
    found |= {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}
    found |= {"account_name": named[2]} if named else {}
    return _azure_class()(**found, **({} if "account_key" in found else {"anon": False}))


def _hdfs(host: str) -> Any:
    fsspec = importlib.import_module("fsspec")
    parts = urlsplit(f"//{host}")
    if parts.port is not None:
        socket.create_connection((parts.hostname or "", parts.port), timeout=SECONDS).close()
    found = _within(2 * PATIENCE, lambda: fsspec.filesystem("hdfs", host=parts.hostname, port=parts.port))
    _within(2 * PATIENCE, lambda: found.exists("/"))
    return found


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return what a call returns; TimeoutError when it takes longer, for a client without limits of its own."""
    answer: list[Any] = []

    def run() -> None:
        try:
            answer.append((True, call()))
        except Exception as error:
            answer.append((False, error))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise TimeoutError(f"no answer within {seconds:g} s")
    if not answer[0][0]:
        raise answer[0][1]
    return answer[0][1]


def _memory(_host: str) -> Any:
    return importlib.import_module("fsspec").filesystem("memory")


_AWS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a profile"
_BLOB = "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY"
SCHEMES: dict[str, Scheme] = {
    "s3": Scheme("s3fs", "s3", _AWS, _s3),
    "az": Scheme("adlfs", "azure", _BLOB, _azure),
    "abfs": Scheme("adlfs", "azure", _BLOB, _azure),
    "abfss": Scheme("adlfs", "azure", _BLOB, _azure),
    "hdfs": Scheme("hdfs_native", "hdfs", "HADOOP_USER_NAME", _hdfs),
    "memory": Scheme("fsspec", "s3", "", _memory),
}


def is_remote(source: object) -> bool:
    """Say whether a source is a URI and no path of this computer."""
    return isinstance(source, str) and "://" in source and not source.lower().startswith("file://")


def local(source: str) -> str:
    """Return the path that a file:// URI names; anything else as it is."""
    return re.sub(r"^file://(localhost)?(?=/)", "", source, flags=re.IGNORECASE)


def checked(uri: str) -> SplitResult:
    """Return the parts of a URI; ConfigError for credentials inside it, an unknown scheme, or no bucket or host."""
    parts = urlsplit(uri)
    container = parts.scheme in ("az", "abfs", "abfss") and _ACCOUNT.fullmatch(parts.netloc)
    if ("@" in parts.netloc and not container) or _SECRETS.search(uri):
        raise ConfigError(
            f"the URI {parts.scheme}://… holds credentials: set them in the environment, so that they are in no plan "
            "and in no record."
        )
    if parts.scheme not in SCHEMES:
        raise ConfigError(f"{shown(parts.scheme + '://…')}: " + unknown("scheme", parts.scheme, [*SCHEMES, "file"]))
    if not parts.netloc and not (parts.scheme == "hdfs" and os.environ.get("HADOOP_CONF_DIR")):
        what = "HOST:PORT" if parts.scheme == "hdfs" else "BUCKET"
        raise ConfigError(f"{place(uri)} names no place: expected {parts.scheme}://{what}/path.")
    return parts


def filesystem(uri: str) -> Any:
    """Return fsspec's file system of a URI; ConfigError for one that is not to be opened."""
    parts = checked(uri)
    scheme = SCHEMES[parts.scheme]
    for module in ("fsspec", scheme.module):
        import_extra(module, scheme.extra, f"reading {parts.scheme}:// URIs")
    with explained(uri):
        return scheme.opener(parts.netloc)


def filesystems(uris: Sequence[str]) -> list[Any]:
    """Return the file systems of several URIs, each once; ConfigError where one scheme would mean two of them."""
    heads = {(p.scheme, p.netloc): uri for uri in uris for p in [checked(uri)]}
    stores = list({id(fs): fs for fs in map(filesystem, heads.values())}.values())
    if len({str(fs.protocol) for fs in stores}) < len(stores):
        raise ConfigError("the files lie in two stores of one kind, expected one: copy them to one of them.")
    return stores


@contextmanager
def explained(uri: str, doing: str = "read") -> Iterator[None]:
    """Turn what goes wrong into one sentence that names the place and never a secret."""
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        raise DataError(f"{place(uri)} cannot be {doing}: {_reason(error, uri)}") from None


def place(uri: str) -> str:
    """Return a URI as it may be shown: scheme, host and path."""
    parts = urlsplit(uri)
    host = parts.netloc if _ACCOUNT.fullmatch(parts.netloc) else parts.netloc.rpartition("@")[2]
    return shown(f"{parts.scheme}://{host}{parts.path}", 200)


_REASONS = (
    (r"NoSuchBucket|bucket does not exist|Container(NotFound|BeingDeleted)", "its bucket or container does not exist."),
    (r"FileExpired|PreconditionFailed|pre-conditions|ConditionNotMet", "it changed while it was read: run again."),
    (
        r"NoCredentials|PartialCredentials|Permission|Forbidden|AccessDenied|AccessControl|\b40[13]\b|Authenticat"
        r"|Authoriz|Expired|InvalidAccessKeyId|SignatureDoesNotMatch|Signing|account_name|credential|connection string"
        # An answer to HEAD has no body: all that S3 then says of an expired session token is 400.
        r"|\(400\) when calling the HeadObject",
        "access was refused{credentials}",
    ),
    (r"FileNotFound|NoSuchKey|ResourceNotFound|\b404\b|does not exist|not found", "there is nothing of that name."),
    (r"Connect|Timeout|timed out|Endpoint|unreachable|refused|Name or service|resolve", "nobody answers there."),
)


def _reason(error: Exception, uri: str) -> str:
    seen, chain = 0, []
    found: BaseException | None = error
    while found is not None and seen < 5:
        chain.append(_without_names(found, uri))
        found, seen = found.__cause__ or found.__context__, seen + 1
    scheme = SCHEMES.get(urlsplit(uri).scheme)
    source = scheme.credentials if scheme else ""
    credentials = f": credentials come from the environment ({source}); they are absent, expired or not allowed to."
    for text in chain:
        for pattern, meaning in _REASONS:
            if re.search(pattern, text, re.IGNORECASE):
                return meaning.format(credentials=credentials if source else ".")
    return f"{type(error).__name__}."


def _without_names(error: BaseException, uri: str) -> str:
    """Return what an error says of itself, without the names in it: a bucket or a port may look like a reason."""
    text = str(error)
    for name in sorted(filter(None, re.split("[/@:]+", uri.partition("://")[2])), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "", text)
    text = re.sub(r"\S*(/|:[0-9])\S*", "", text)
    return f"{type(error).__name__} {getattr(error, 'error_code', '') or ''} {text}"


def found(uri: str) -> list[str]:
    """Return the files that a URI or a glob names; an empty list when there is none."""
    fs = filesystem(uri)
    with explained(uri):
        names = [_full(uri, name) for name in sorted(fs.glob(uri))] if re.search(r"[*?\[]", uri) else _if_file(fs, uri)
        if not names and urlsplit(uri).scheme not in ("hdfs", "memory"):
            _check_bucket(fs, uri)
        return names


def _if_file(fs: Any, uri: str) -> list[str]:
    try:  # isfile() would take a refused access for an absent file
        return [uri] if fs.info(uri)["type"] == "file" else []
    except FileNotFoundError:
        return []


def _check_bucket(fs: Any, uri: str) -> None:
    try:
        fs.info(urlsplit(uri)._replace(path="", query="", fragment="").geturl())
    except FileNotFoundError:
        raise DataError(f"{place(uri)} cannot be read: its bucket or container does not exist.") from None
    except PermissionError:
        return  # who may read an object need not be allowed to ask about its bucket


def _full(like: str, name: str) -> str:
    """Return the URI of a name that a glob found, under the same host as the glob."""
    head = urlsplit(like)
    path = urlsplit(name).path if "://" in name else name
    if head.scheme != "hdfs":
        path = path.lstrip("/").partition("/")[2]
    return f"{head.scheme}://{head.netloc}/{path.lstrip('/')}"


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading, of this computer or by URI."""
    if not is_remote(name):
        with Path(local(name)).open("rb") as file:
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
            try:
                found = {str(n).rstrip("/") for n in fs.ls(self.uri, detail=False)}
            except FileNotFoundError:
                return []
        # A store's console makes a folder of an empty object of the folder's own name.
        own = fs._strip_protocol(self.uri).rstrip("/")
        return sorted(n.rpartition("/")[2] for n in found if n != own)

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
