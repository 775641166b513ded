"""Spark, local and Connect: the local digest, a constant number of jobs, one sentence for bad data."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.servers import answers, free_port, program, server
from workbench import demo
from workbench.audit.plan import Plan, load_plan
from workbench.audit.where import Where
from workbench.cli import main
from workbench.core.errors import DataError
from workbench.load.spark_files import open_with_spark

pytestmark = [pytest.mark.tier, pytest.mark.spark]

COMPAS = Path(__file__).parents[1] / "plans" / "compas.yaml"


@pytest.fixture(scope="module")
def session() -> Iterator[object]:
    program("java", package="default-jre-headless")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    found = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return load_plan(demo.prepare(tmp_path_factory.mktemp("demo")))


def on(session, plan: Plan, pieces: int = 0) -> wb.Audit:
    content = plan.arguments()
    for name in ("data", "reference"):
        frame = session.read.parquet(content[name])
        content[name] = frame.repartition(pieces) if pieces else frame
    return wb.Audit(**content)


def test_a_spark_frame_gives_the_local_digest(session, plan: Plan):
    here = wb.Audit.from_plan(plan).run().digest
    assert on(session, plan).run().digest == here
    assert on(session, plan, pieces=5).run().digest == here


def test_a_plan_runs_on_spark_from_the_command_line(session, plan: Plan, tmp_path: Path, capsys):
    file = tmp_path / "plan.yaml"
    file.write_text(plan.to_yaml())
    assert main(["run", str(file), "--engine", "spark", "--no-notebook", "-o", str(tmp_path / "b"), "--json"]) == 1
    assert wb.Audit.from_plan(plan).run().digest in capsys.readouterr().out
    assert wb.verify(tmp_path / "b") == []


def test_narrowed_rows_are_those_of_here(session, plan: Plan):
    where = [{"column": "sex", "value": "Male"}, {"column": "age", "operator": ">=", "value": 30}]
    few = {"checks": ["quality.profile", "bias.group_rates", "drift.numeric", "performance.weak_segments"]}
    narrowed = plan.model_copy(update={"where": [Where(**w) for w in where], **few})
    here = wb.Audit.from_plan(narrowed).run()
    assert here.subject["current"]["rows"] < 1488
    assert on(session, narrowed, pieces=5).run().digest == here.digest


@pytest.mark.cases
def test_csv_is_typed_as_locally(session, shared_data: Path):
    """COMPAS and Adult: text files, several of them, with tokens for missing."""
    for name in ("compas", "adult"):
        chosen = load_plan(COMPAS.with_name(f"{name}.yaml"))
        here = wb.Audit.from_plan(chosen).run().digest
        assert wb.Audit.from_plan(chosen.model_copy(update={"engine": "spark"})).run().digest == here


def test_types_of_hostile_text_are_the_local_ones(session, tmp_path: Path):
    """Everything that text can be taken for, empty columns, quotes, line ends and names that need quoting."""
    text = (
        'i,f,b,d,t,c,e,"q ""x"", y",s,n,lz\n'
        '1,1.5,true,2026-01-01,2026-01-01 10:00:00,10:00:00,,"a ""q"", b",x,NA,007\n'
        '-2,2,FALSE,2026-02-28,2026-02-28 23:59:59,23:59:59,,"two\nlines",,3,010\n'
        "3,,true,,,,,é,1,4,001\n"
    )
    (tmp_path / "a.csv").write_text(text)
    local = wb.open_data(tmp_path / "a.csv", null_values=["NA"])
    spark = open_with_spark(tmp_path / "a.csv", null_values=["NA"])
    assert [(f.name, f.kind) for f in spark.fields] == [(f.name, f.kind) for f in local.fields]
    given = {"checks": ["quality.profile", "quality.missing", "quality.duplicates"], "policy": {"rules": []}}
    assert wb.Audit(spark, **given).run().digest == wb.Audit(local, **given).run().digest


def test_the_number_of_jobs_does_not_grow_with_columns(session, measured):
    def jobs(columns: int) -> int:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({f"c{i}": rng.normal(size=500) for i in range(columns)})
        spark = session.createDataFrame(frame).repartition(3)
        audit = wb.Audit(spark, checks=["quality.profile"], policy={"rules": []})
        session.sparkContext.setJobGroup(f"columns-{columns}", "")
        audit.run()
        return len(session.sparkContext.statusTracker().getJobIdsForGroup(f"columns-{columns}"))

    few, many = jobs(3), jobs(120)
    measured(f"Spark: {few} jobs for 3 columns, {many} for 120")
    assert few == many <= 4


def test_duplicates_across_partitions_are_counted_exactly(session):
    frame = pd.DataFrame({"a": [1, 2, 3, 1, 2, 1] * 50, "b": ["x"] * 300})
    given = {"checks": ["quality.duplicates"], "policy": {"rules": []}}
    spark = session.createDataFrame(frame).repartition(7)
    assert wb.Audit(spark, **given).run().digest == wb.Audit(frame, **given).run().digest


def test_an_error_of_an_executor_is_one_sentence(session):
    spark = session.createDataFrame(pd.DataFrame({"y": ["a", "b", "secret"], "s": [0.1, 0.2, 0.3]})).repartition(3)
    with pytest.raises(DataError, match="has 3 distinct values") as caught:
        wb.Audit(spark, target="y", positive="a", score="s").run()
    assert "Traceback" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read by Spark"):
        open_with_spark("/nowhere/at/all.parquet")
    with pytest.raises(DataError, match="stay in Spark"):
        next(iter(wb.Audit(spark).prepared.current.frame.batches()))


def test_an_empty_frame_is_told(session):
    spark = session.createDataFrame([], "a int, b string")
    with pytest.raises(DataError, match="has no rows"):
        wb.Audit(spark).run()


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python for executors that has NumPy and Arrow, and not this package: it reads no .pth file."""
    packages = sysconfig.get_path("purelib")
    file = tmp_path_factory.mktemp("bare") / "python"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec "{sys.executable}" -S "$@"\n')
    file.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": ""}
    for code, ends in (("import numpy, pyarrow", 0), ("import workbench", 1)):
        told = subprocess.run([file, "-c", code], cwd=file.parent, env=env, capture_output=True, check=False)
        assert told.returncode == ends, told.stderr
    return file


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory, bare_python: Path) -> Iterator[str]:
    """The address of a Spark Connect server whose executors do not have this package: it has to reach them."""
    program("java", package="default-jre-headless")
    import pyspark

    home, port = Path(pyspark.__file__).parent, free_port()
    options = ["spark.connect.grpc.binding.address=127.0.0.1", f"spark.connect.grpc.binding.port={port}"]
    command = ["bash", home / "sbin" / "start-connect-server.sh", "--master", "local[2]"]
    for option in ("spark.ui.enabled=false", *options):
        command += ["--conf", option]
    env = {
        "SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1", "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(bare_python), "PYTHONPATH": "",
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("connect")
    with server(command, port=port, folder=folder, env=env, seconds=240, ready=lambda: answers(port)):
        yield f"sc://127.0.0.1:{port}"


def on_connect(plan: Plan, address: str, folder: Path) -> tuple[int, str]:
    """Run a plan in a process of its own: a session that is classic cannot also be a client."""
    file = folder / "plan.yaml"
    file.write_text(plan.model_copy(update={"engine": "spark"}).to_yaml())
    told = subprocess.run(
        [sys.executable, "-m", "workbench", "run", file, "--no-notebook", "-o", folder / "b", "--json"],
        capture_output=True, text=True, check=False, timeout=240, env={**os.environ, "SPARK_REMOTE": address},
    )  # fmt: skip
    assert told.returncode in (0, 1, 3), told.stderr[-2000:]
    return told.returncode, told.stdout


def test_connect_gives_the_local_digest(connect: str, plan: Plan, tmp_path: Path):
    code, text = on_connect(plan, connect, tmp_path)
    assert code == 1
    assert wb.Audit.from_plan(plan).run().digest in text


@pytest.mark.cases
def test_connect_gives_the_local_digest_of_compas(connect: str, shared_data: Path, tmp_path: Path):
    chosen = load_plan(COMPAS)
    record = wb.Audit.from_plan(chosen).run()
    code, text = on_connect(chosen, connect, tmp_path)
    assert code == record.verdict.exit_code(False)
    assert record.digest in text
