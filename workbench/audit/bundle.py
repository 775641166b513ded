"""Bundles: the files of one audit in a folder, with the digest of each in a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, DataError, EvidenceError, shown, thousands
from workbench.load.remote import RemoteFolder, is_remote, local, place

MANIFEST = "manifest.json"
FIRST = "record.json"  # the first to be written to a store, the manifest being the last
MOST_BYTES = 500 * 2**20
SCHEMA = "workbench/manifest/1"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder that holds one audit, on this computer or by URI."""

    path: Path | RemoteFolder
    manifest: Mapping[str, Any]

    @property
    def record(self) -> Record:
        """Return the record; EvidenceError when its content is not what its digest says."""
        return Record.from_json(self.read("record.json"))

    def read(self, name: str) -> bytes:
        """Return a file of the bundle by its plain name."""
        return _read(self.path, name)


def write_bundle(
    folder: str | Path, files: Mapping[str, bytes], record_digest: str, status: str = "complete"
) -> Bundle:
    """Write the files and their manifest beside the place, then move them there at once; returns the bundle."""
    if is_remote(str(folder)):
        return _write_remotely(RemoteFolder(str(folder)), files, record_digest, status)
    target = Path(local(str(folder)))
    _refuse_foreign(target)
    manifest = _manifest(files, record_digest, status)
    text = json.dumps(manifest, indent=1, sort_keys=True).encode()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".writing-") as place:
            whole = Path(place) / "bundle"
            whole.mkdir()
            for name, data in {**files, MANIFEST: text}.items():
                (whole / name).write_bytes(data)
            _swap(whole, target, Path(place) / "old")
    except OSError as error:
        raise ConfigError(f"the bundle cannot be written to {shown(folder, 200)}: {error.strerror}.") from None
    return Bundle(target, manifest)


def _manifest(files: Mapping[str, bytes], record_digest: str, status: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "record_digest": record_digest,
        "status": status,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in sorted(files.items())
        },
    }


def _write_remotely(target: RemoteFolder, files: Mapping[str, bytes], record_digest: str, status: str) -> Bundle:
    """Write the manifest last: stores of objects cannot move a folder, and without its manifest it is no bundle."""
    manifest = _manifest(files, record_digest, status)
    try:
        before = target.names()
        if before and not _own(before, files):
            raise ConfigError(f"{place(target.uri)} holds other files: name a new folder, or one that holds a bundle.")
        if MANIFEST in before:
            target.remove(MANIFEST)
        for name in set(before) - set(files) - {MANIFEST}:
            target.remove(name)
        for name in sorted(files, key=lambda n: (n != FIRST, n)):
            target.write(name, files[name])
        target.write(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    except DataError as error:
        raise ConfigError(f"the bundle cannot be written: {error}") from None
    return Bundle(target, manifest)


def _own(names: Collection[str], files: Mapping[str, bytes]) -> bool:
    """Say whether these are a bundle, or what a writing that broke off left: it may be tried again."""
    return MANIFEST in names or (FIRST in names and set(names) <= set(files))


def _refuse_foreign(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ConfigError(f"{shown(target, 200)} is not a folder: name a new one for the bundle.")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise ConfigError(f"{shown(target, 200)} holds other files: name a new folder, or one that holds a bundle.")


def _swap(whole: Path, target: Path, old: Path) -> None:
    if target.exists():
        os.rename(target, old)
    os.rename(whole, target)
    shutil.rmtree(old, ignore_errors=True)


def open_bundle(path: str | Path) -> Bundle:
    """Open a bundle folder; EvidenceError when it has no readable manifest."""
    remote = RemoteFolder(str(path)) if is_remote(str(path)) else None
    folder: Path | RemoteFolder = remote or Path(local(str(path)))
    if remote is not None and not remote.names():
        raise ConfigError(f"nothing is at {place(remote.uri)}: give the folder of a bundle.")
    if isinstance(folder, Path) and not folder.is_dir():
        raise ConfigError(f"{shown(path, 200)} is not a folder: give the folder of a bundle.")
    try:
        manifest = json.loads(_read(folder, MANIFEST))
        if manifest["schema"] != SCHEMA or not isinstance(manifest["files"], dict):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise EvidenceError(f"{shown(path, 200)}: manifest.json is damaged or of another kind.") from None
    return Bundle(folder, manifest)


def _read(folder: Path | RemoteFolder, name: str) -> bytes:
    plain = name == Path(name).name and name not in ("", ".", "..")
    if isinstance(folder, RemoteFolder):
        return _read_remotely(folder, name, plain)
    file = folder / name
    if not plain or file.is_symlink() or not file.is_file():
        raise EvidenceError(f"{shown(folder.name)}: {shown(name)} is missing or no plain file.")
    if file.stat().st_size > MOST_BYTES:
        raise EvidenceError(f"{shown(name)} has more than {thousands(MOST_BYTES)} bytes: that is no file of a bundle.")
    return file.read_bytes()


def _read_remotely(folder: RemoteFolder, name: str, plain: bool) -> bytes:
    if not plain or name not in folder.names():
        raise EvidenceError(f"{shown(folder.name)}: {shown(name)} is missing or no plain file.")
    if folder.size(name) > MOST_BYTES:
        raise EvidenceError(f"{shown(name)} has more than {thousands(MOST_BYTES)} bytes: that is no file of a bundle.")
    return folder.read(name)


def differences(bundle: Bundle) -> list[str]:
    """Return what differs from the manifest: files missing, changed or added, and a record of another digest."""
    found = []
    listed = dict(bundle.manifest["files"])
    for name, about in listed.items():
        try:
            data = bundle.read(str(name))
        except EvidenceError as error:
            found.append(str(error))
            continue
        if not isinstance(about, dict) or hashlib.sha256(data).hexdigest() != about.get("sha256"):
            found.append(f"{name} has changed since the bundle was written")
    place = bundle.path
    present = set(place.names()) if isinstance(place, RemoteFolder) else {p.name for p in place.iterdir()}
    found += [f"{name} is not in the manifest" for name in sorted(present - set(listed) - {MANIFEST})]
    if "record.json" not in listed:
        return [*found, "record.json is not in the manifest"]
    try:
        record = bundle.record
        digest = record.digest
    except EvidenceError as error:
        return [*found, str(error)]
    for name, about in record.beside.get("attachments", {}).items():
        if listed.get(name, {}).get("sha256") != about.get("sha256"):
            found.append(f"{name} is not the file that the check attached")
    if digest != bundle.manifest.get("record_digest"):
        found.append(f"the record has digest {digest}, the manifest names {bundle.manifest.get('record_digest')}")
    return found
