"""URIs on fsspec's own store in memory: data, models and bundles as on this computer; clear errors, no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import workbench as wb
from workbench import demo
from workbench.audit.bundle import open_bundle, write_bundle
from workbench.audit.plan import load_plan
from workbench.cli import main
from workbench.core.errors import ConfigError, DataError, EvidenceError
from workbench.load.remote import checked, explained, filesystem, is_remote

URI = "memory://bucket/data"


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


@pytest.fixture
def plan(tmp_path: Path):
    return load_plan(demo.prepare(tmp_path / "demo"))


def upload(store, plan):
    """Put the demo's files there and return its plan by URI."""
    changes = {}
    for name in ("data", "reference", "model"):
        local = Path(getattr(plan, name))
        store.pipe_file(f"/bucket/data/{local.name}", local.read_bytes())
        changes[name] = f"{URI}/{local.name}"
    return plan.model_copy(update=changes)


def test_an_audit_by_uri_has_the_local_digest_and_its_bundle_verifies(store, plan, tmp_path: Path, capsys):
    (tmp_path / "plan.yaml").write_text(upload(store, plan).to_yaml())
    target = "memory://bucket/audits/one"
    assert main(["run", str(tmp_path / "plan.yaml"), "--no-notebook", "-o", target]) == 1
    assert open_bundle(target).record.digest == wb.Audit.from_plan(plan).run().digest
    assert main(["verify", target]) == 0
    store.pipe_file("/bucket/audits/one/report.html", b"changed")
    assert main(["verify", target]) == 4
    assert "report.html has changed" in capsys.readouterr().out


def test_text_files_lists_and_globs(store, tmp_path: Path):
    for i, text in enumerate(("a;b\n1;x\n", "a;b\n2;y\n")):
        (tmp_path / f"{i}.csv").write_text(text)
        store.pipe_file(f"/bucket/data/{i}.csv", text.encode())
    local = wb.open_data(str(tmp_path / "*.csv"))
    for uri in (f"{URI}/*.csv", [f"{URI}/0.csv", f"{URI}/1.csv"]):
        found = wb.open_data(uri)
        assert [b.to_pydict() for b in found.batches()] == [b.to_pydict() for b in local.batches()]


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        (f"{URI}/none.csv", "was not found"),
        (f"{URI}/none-*.csv", "was not found"),
        (f"{URI}/empty.csv", "is empty"),
        (f"{URI}/broken.parquet", "not a Parquet file"),
        ("gopher://bucket/a.csv", "unknown scheme 'gopher'"),
        ("http://127.0.0.1/a.csv", "unknown scheme 'http'"),
    ],
)
def test_what_cannot_be_read_is_told(store, uri, text):
    store.pipe_file("/bucket/data/empty.csv", b"")
    store.pipe_file("/bucket/data/broken.parquet", b"nothing of the kind")
    with pytest.raises((DataError, ConfigError), match=text):
        wb.open_data(uri)


@pytest.mark.parametrize(
    "uri",
    ["s3://id:topsecret@bucket/a.csv", "az://c/a.csv?sig=topsecret", "s3://b/a.csv?X-Amz-Signature=topsecret"],
)
def test_credentials_in_a_uri_are_refused_and_not_repeated(uri):
    with pytest.raises(ConfigError, match="holds credentials") as caught:
        filesystem(uri)
    assert "topsecret" not in str(caught.value)


def test_a_folder_of_other_files_is_left_alone(store):
    store.pipe_file("/bucket/mine/precious.txt", b"x")
    with pytest.raises(ConfigError, match="holds other files"):
        write_bundle("memory://bucket/mine", {"record.json": b"{}"}, "sha256:0")
    assert store.ls("/bucket/mine", detail=False) == ["/bucket/mine/precious.txt"]


def test_a_bundle_is_replaced_whole_and_without_its_manifest_is_none(store):
    write_bundle("memory://bucket/b", {"a.txt": b"1", "b.txt": b"2"}, "sha256:0")
    write_bundle("memory://bucket/b", {"a.txt": b"3"}, "sha256:1")
    opened = open_bundle("memory://bucket/b")
    assert (opened.read("a.txt"), opened.path.names()) == (b"3", ["a.txt", "manifest.json"])
    store.rm_file("/bucket/b/manifest.json")
    with pytest.raises(EvidenceError, match="missing"):
        open_bundle("memory://bucket/b")
    with pytest.raises(EvidenceError, match="no plain file"):
        opened.read("../a.txt")


def test_a_store_that_takes_nothing_loses_nothing(store, plan, tmp_path: Path, monkeypatch, capsys):
    def refuse(*_args, **_options):
        raise PermissionError("AccessDenied for key topsecret")

    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(type(store), "pipe_file", refuse)
    words = ["run", "plan.yaml", "--no-notebook", "--junit", "junit.xml", "-o", "memory://bucket/audits/one"]
    assert main(words) == 2
    assert (tmp_path / "junit.xml").is_file()
    told = capsys.readouterr().err
    assert "access was refused" in told
    assert "topsecret" not in told
    kept = told.rpartition("It is kept in ")[2].strip(" .\n")
    assert wb.verify(tmp_path / kept) == []


def test_paths_are_no_uris():
    assert [is_remote(s) for s in ("a.csv", "/a/b.csv", "C:\\a.csv", Path("a"), ["s3://x"], "s3://b/k")] == [
        False
    ] * 5 + [True]


def test_files_of_two_buckets_and_of_this_computer(store, tmp_path: Path):
    (tmp_path / "c.csv").write_text("x\n3\n")
    store.pipe_file("/one/a.csv", b"x\n1\n")
    store.pipe_file("/two/b.csv", b"x\n2\n")
    found = wb.open_data(["memory://one/a.csv", "memory://two/b.csv", f"file://{tmp_path}/c.csv"])
    assert [b.to_pydict() for b in found.batches()] == [{"x": [1, 2, 3]}]


def test_a_file_uri_is_the_path(plan, tmp_path: Path):
    digest = wb.Audit.from_plan(plan).run().digest
    (tmp_path / "plan.yaml").write_text(
        plan.model_copy(update={n: f"file://{getattr(plan, n)}" for n in ("data", "reference", "model")}).to_yaml()
    )
    assert main(["run", str(tmp_path / "plan.yaml"), "--no-notebook", "-o", f"file://{tmp_path}/bundle"]) == 1
    assert wb.verify(f"file://{tmp_path}/bundle") == []
    opened = open_bundle(tmp_path / "bundle")
    assert opened.record.digest == digest
    assert str(tmp_path) not in opened.read("plan.yaml").decode()


def test_a_container_of_an_account_is_no_credential():
    assert checked("abfss://container@account.dfs.core.windows.net/a.parquet").scheme == "abfss"
    with pytest.raises(ConfigError, match="names no place"):
        checked("s3:///a.csv")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError("cannot connect to http://127.0.0.1:40404/forbidden"), "nobody answers"),
        (OSError("Connection to 10.4.0.3 timed out"), "nobody answers"),
        (FileNotFoundError("denied/expired/403.csv"), "nothing of that name"),
        (FileNotFoundError("The specified bucket does not exist"), "bucket or container does not exist"),
        (PermissionError("Forbidden"), "access was refused: credentials come from the environment (AWS_"),
        (type("FileExpired", (OSError,), {})("etag"), "changed while it was read"),
    ],
)
def test_a_reason_is_taken_from_the_error_and_not_from_names_in_it(error, text):
    with pytest.raises(DataError) as caught, explained("s3://denied/expired/403.csv"):
        raise error
    assert text in str(caught.value)


def test_a_writing_that_broke_off_may_be_tried_again(store, monkeypatch):
    whole = type(store).pipe_file
    files = {"plan.yaml": b"p", "record.json": b"r", "report.html": b"h"}

    def breaks(self, path, value, **options):
        if path.endswith("report.html"):
            raise ConnectionResetError("reset")
        return whole(self, path, value, **options)

    monkeypatch.setattr(type(store), "pipe_file", breaks)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_bundle("memory://bucket/b", files, "sha256:0")
    monkeypatch.setattr(type(store), "pipe_file", whole)
    with pytest.raises(EvidenceError, match="missing"):
        open_bundle("memory://bucket/b")
    write_bundle("memory://bucket/b", files, "sha256:0")
    assert set(open_bundle("memory://bucket/b").path.names()) == {*files, "manifest.json"}


def test_a_place_that_cannot_be_is_told_before_the_work(plan, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    monkeypatch.chdir(tmp_path)
    for target in ("gopher://bucket/x", "s3://id:topsecret@bucket/x"):
        assert main(["run", "plan.yaml", "--no-notebook", "-o", target]) == 2
    assert "topsecret" not in capsys.readouterr().err
    assert not (tmp_path / "audits").exists()


def test_reading_that_stops_names_the_place(store, monkeypatch):
    def refuse(*_args, **_options):
        raise ConnectionResetError("topsecret")

    store.pipe_file("/bucket/a.csv", b"x\n1\n")
    frame = wb.open_data("memory://bucket/a.csv")
    monkeypatch.setattr(type(store), "_open", refuse)
    with pytest.raises(DataError, match=r"'memory://bucket/a\.csv'") as caught:
        list(frame.batches())
    assert "topsecret" not in str(caught.value)


def test_a_broken_gzip_file_is_told(tmp_path: Path):
    (tmp_path / "a.csv.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="no whole gzip file"):
        wb.open_data(tmp_path / "a.csv.gz")
