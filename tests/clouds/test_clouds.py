"""The same audit from S3, Azure Blob and HDFS: servers of their protocols on this computer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

import workbench as wb
from tests.servers import free_port, program, server, unavailable
from workbench import demo
from workbench.audit.plan import Plan, load_plan

TOOLS = Path(sys.prefix) / "tools" / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return load_plan(demo.prepare(tmp_path_factory.mktemp("demo")))


def command(*words: object, env: dict[str, str], code: int) -> str:
    """Run the command line in a process of its own, where the environment holds only what it is given."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "AZURE_", "HADOOP_"))}
    told = subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, words)],
        capture_output=True, text=True, check=False, timeout=180, env={**usual, **env},
    )  # fmt: skip
    assert told.returncode == code, told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    return told.stdout + told.stderr


def texts(plan: Plan, folder: Path) -> list[Path]:
    """Write some of the data as two text files; a store's text files are read by another path than its Parquet."""
    table = pq.read_table(plan.data).slice(0, 600)
    found = []
    for i in range(2):
        found.append(folder / f"part-{i}.csv")
        csv.write_csv(table.slice(300 * i, 300), found[-1])
    return found


def audited_text(plan: Plan, base: str, env: dict[str, str], folder: Path) -> None:
    """Audit a glob of text files; the digest is that of the same files here."""
    alone = Plan(
        data=str(folder / "part-*.csv"), target=plan.target, positive=plan.positive, checks=["quality.missing"]
    )
    record = wb.Audit.from_plan(alone).run()
    file = folder / "text.yaml"
    file.write_text(alone.model_copy(update={"data": f"{base}/text/part-*.csv"}).to_yaml())
    code = record.verdict.exit_code(False)
    told = command("run", file, "--no-notebook", "--json", "-o", f"{base}/audits/text", env=env, code=code)
    assert record.digest in told


def audited(plan: Plan, base: str, env: dict[str, str], folder: Path, digest: str) -> None:
    """Run from and to a place; the bundle verifies there, and the digest is the local one."""
    audited_text(plan, base, env, folder)
    by_uri = plan.model_copy(
        update={n: f"{base}/input/{Path(getattr(plan, n)).name}" for n in ("data", "reference", "model")}
    )
    file = folder / "plan.yaml"
    file.write_text(by_uri.to_yaml())
    told = command("run", file, "--no-notebook", "--json", "-o", f"{base}/audits/one", env=env, code=1)
    assert digest in told
    assert "verified" in command("verify", f"{base}/audits/one", env=env, code=0)
    assert "was not found" in command(
        "run", _with(file, f"{base}/input/none.parquet"), "--no-notebook", env=env, code=2
    )


def _with(file: Path, data: str) -> Path:
    changed = file.with_name("other.yaml")
    changed.write_text(load_plan(file).model_copy(update={"data": data}).to_yaml())
    return changed


def files(plan: Plan) -> list[Path]:
    return [Path(str(getattr(plan, name))) for name in ("data", "reference", "model")]


# ---------------------------------------------------------------------------- S3


@contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    port = free_port()
    with server([Path(sys.prefix) / "bin" / "moto_server", "-H", "127.0.0.1", "-p", port], port=port, folder=folder):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "topsecret", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip


@pytest.mark.tier
@pytest.mark.services
def test_s3(plan: Plan, tmp_path: Path):
    import boto3

    with s3(tmp_path) as env:
        client = boto3.client(
            "s3", endpoint_url=env["AWS_ENDPOINT_URL"], aws_access_key_id="id", aws_secret_access_key="topsecret",
            region_name="us-east-1",
        )  # fmt: skip
        client.create_bucket(Bucket="models")
        for file in files(plan):
            client.upload_file(str(file), "models", f"input/{file.name}")
        for file in texts(plan, tmp_path):
            client.upload_file(str(file), "models", f"text/{file.name}")
        client.put_object(Bucket="models", Key="audits/one/", Body=b"")  # as a console makes a folder
        digest = wb.Audit.from_plan(plan).run().digest
        audited(plan, "s3://models", env, tmp_path, digest)

        # What goes wrong: no credentials, a bucket that is not there, nobody at the address.
        file = _with(tmp_path / "plan.yaml", "s3://models/input/" + files(plan)[0].name)
        nobody = {
            "AWS_ENDPOINT_URL": env["AWS_ENDPOINT_URL"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(tmp_path),
        }
        told = command("run", file, "--no-notebook", env=nobody, code=2)
        assert "access was refused" in told
        assert "AWS_ACCESS_KEY_ID" in told
        told = command("run", file, "--no-notebook", "-o", "s3://not-there/x", env=env, code=2)
        assert "does not exist" in told
        assert [b["Name"] for b in client.list_buckets()["Buckets"]] == ["models"]  # a mistyped name makes none
        assert wb.verify(told.rpartition("It is kept in ")[2].strip(" .\n")) == []
        gone = {**env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
        told = command("run", file, "--no-notebook", env=gone, code=2)
        assert "nobody answers" in told
        assert "topsecret" not in told


# ---------------------------------------------------------------------------- Azure


ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # Azurite's, published


@pytest.mark.tier
@pytest.mark.services
def test_azure(plan: Plan, tmp_path: Path):
    from azure.storage.blob import BlobServiceClient

    azurite = TOOLS / "azurite-blob"
    if not azurite.exists():
        unavailable("azurite is not installed (tests/services/install)")
    port = free_port()
    options = ["--skipApiVersionCheck", "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    text = (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )
    with server([azurite, *options, "--location", tmp_path / "blobs"], port=port, folder=tmp_path):
        service = BlobServiceClient.from_connection_string(text)
        container = service.create_container("models")
        for file in files(plan):
            container.upload_blob(f"input/{file.name}", file.read_bytes())
        for file in texts(plan, tmp_path):
            container.upload_blob(f"text/{file.name}", file.read_bytes())
        env = {"AZURE_STORAGE_CONNECTION_STRING": text}
        audited(plan, "az://models", env, tmp_path, wb.Audit.from_plan(plan).run().digest)
        file = _with(tmp_path / "plan.yaml", f"az://models/input/{files(plan)[0].name}")
        wrong = {"AZURE_STORAGE_CONNECTION_STRING": text.replace(KEY, "d3Jvbmc=")}
        told = command("run", file, "--no-notebook", env=wrong, code=2)
        assert "access was refused" in told
        assert "d3Jvbmc=" not in told
        assert "access was refused" in command("run", file, "--no-notebook", env={}, code=2)
        nobody = {"AZURE_STORAGE_CONNECTION_STRING": text.replace(f":{port}/", f":{free_port()}/")}
        begun = time.monotonic()
        assert "nobody answers" in command("run", file, "--no-notebook", env=nobody, code=2)
        assert time.monotonic() - begun < 60


# ---------------------------------------------------------------------------- HDFS


@contextmanager
def hdfs(folder: Path) -> Iterator[str]:
    """Run a name node and a data node of Hadoop 2.7, from the jars that tests/services/hdfs.setup put there."""
    jars = Path(sys.prefix) / "hdfs"
    if not (jars / "classpath").is_file():
        unavailable("Hadoop's jars are not installed (tests/services/hdfs.setup)")
    java = program("java", package="default-jre-headless")
    rpc, http, *data = (free_port() for _ in range(5))
    conf = folder / "conf"
    _hdfs_settings(conf, folder, rpc, http, data)
    opens = ["java.base/java.lang", "java.base/java.nio", "java.base/sun.nio.ch", "java.base/java.net",
             "java.base/java.util", "java.security.jgss/sun.security.krb5"]  # fmt: skip
    options = ["-Xmx256m", "-Djava.net.preferIPv4Stack=true", f"-Dhadoop.log.dir={folder}"]
    options += [f"--add-opens={o}=ALL-UNNAMED" for o in opens]
    options.append("--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED")
    start: list[Any] = [java, *options, "-cp", f"{conf}:{(jars / 'classpath').read_text().strip()}"]
    node = "org.apache.hadoop.hdfs.server"
    made = subprocess.run(
        [*start, f"{node}.namenode.NameNode", "-format", "-nonInteractive", "-force"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-3000:]

    def live() -> bool:
        import urllib.request

        url = f"http://127.0.0.1:{http}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
        try:
            return b'"NumLiveDataNodes" : 1' in urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            return False

    with (
        server([*start, f"{node}.namenode.NameNode"], port=rpc, folder=folder / "name", seconds=60),
        server([*start, f"{node}.datanode.DataNode"], port=data[0], folder=folder / "data", seconds=60, ready=live),
    ):
        yield f"hdfs://127.0.0.1:{rpc}"


def _hdfs_settings(conf: Path, folder: Path, rpc: int, http: int, data: list[int]) -> None:
    for name in ("hdfs", "datanode"):
        place = conf / "webapps" / name / "WEB-INF"
        place.mkdir(parents=True)
        (place / "web.xml").write_text('<web-app version="2.4" xmlns="http://java.sun.com/xml/ns/j2ee"></web-app>')
    (conf / "webapps" / "static").mkdir()
    site = {
        "dfs.replication": 1, "dfs.namenode.rpc-address": f"127.0.0.1:{rpc}",
        "dfs.namenode.http-address": f"127.0.0.1:{http}", "dfs.datanode.address": f"127.0.0.1:{data[0]}",
        "dfs.datanode.ipc.address": f"127.0.0.1:{data[1]}", "dfs.datanode.http.address": f"127.0.0.1:{data[2]}",
        "dfs.datanode.hostname": "127.0.0.1", "dfs.webhdfs.enabled": "true", "dfs.permissions.enabled": "false",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false", "dfs.namenode.safemode.extension": 0,
    }  # fmt: skip
    core = {"fs.defaultFS": f"hdfs://127.0.0.1:{rpc}", "hadoop.tmp.dir": str(folder / "tmp")}
    for name, values in (("hdfs-site.xml", site), ("core-site.xml", core)):
        rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>" for k, v in values.items())
        (conf / name).write_text(f"<configuration>{rows}</configuration>")


@pytest.mark.tier
@pytest.mark.hdfs
def test_hdfs(plan: Plan, tmp_path: Path):
    from workbench.load.remote import filesystem

    with hdfs(tmp_path) as base:
        fs = filesystem(base)
        for file in files(plan):
            fs.pipe_file(f"{base}/input/{file.name}", file.read_bytes())
        for file in texts(plan, tmp_path):
            fs.pipe_file(f"{base}/text/{file.name}", file.read_bytes())
        audited(plan, base, {"HADOOP_USER_NAME": "root"}, tmp_path, wb.Audit.from_plan(plan).run().digest)
        gone = _with(tmp_path / "plan.yaml", f"hdfs://127.0.0.1:{free_port()}/input/a.parquet")
        assert "nobody answers" in command("run", gone, "--no-notebook", env={}, code=2)
