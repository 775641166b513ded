"""The types that text files are given: locally and by Spark's executors alike, whatever the order of rows."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pyarrow as pa
import pytest

import workbench as wb
from workbench.load.spark_files import _Cast, _chosen, _Guess

TOKENS = (
    "1", "0", "-1", "+1", "007", "1.5", "-0.5", "00.5", ".5", "5.", "1e5", "1E-3", "inf", "-inf", "nan", "true",
    "FALSE", "t", "yes", "2026-01-01", "2026-01-01 10:00:00", "2026-01-01T10:00:00", "2026-01-01T10:00:00Z",
    "10:00:00", "10:00", "1:02:03", " 1", "a", "1_000", "0x10", "9223372036854775807", "9223372036854775808", "-",
    "2026-13-01", "20260101", "é",
)  # fmt: skip


def locally(place: Path, values: tuple[str, ...]) -> str:
    file = place / "a.csv"
    file.write_text("k,v\n" + "".join(f"z,{v}\n" for v in values))
    return wb.open_data(file).fields[1].native


def in_an_executor(values: tuple[str, ...]) -> str:
    batch = pa.RecordBatch.from_arrays([pa.array(values)], names=["v"])
    said = json.loads(next(iter(_Guess(("v",), ("",))(iter([batch]))))["fits"][0].as_py())[0]
    return str(_Cast(("v",), (_chosen([said]),), ("",))(batch).schema.field(0).type)


@pytest.mark.parametrize("token", TOKENS)
def test_one_kind_of_text(tmp_path: Path, token: str) -> None:
    assert in_an_executor((token, token)) == locally(tmp_path, (token, token))


def test_two_kinds_together(tmp_path: Path) -> None:
    usual = ("1", "-1", "1.5", "007", "true", "2026-01-01", "2026-01-01 10:00:00", "10:00:00", "a")
    different = [pair for pair in itertools.permutations(usual, 2) if in_an_executor(pair) != locally(tmp_path, pair)]
    # The local reader takes a date after an instant for midnight, but not before one.
    assert different == [("2026-01-01 10:00:00", "2026-01-01")]


def test_infinities_are_numbers_wherever_they_stand(tmp_path: Path) -> None:
    assert {locally(tmp_path, v) for v in (("inf", "1"), ("1", "inf"), ("-inf", "inf"), ("Infinity", "0.5"))} == {
        "double"
    }
