"""Files that are broken, strange, or made to do harm: one sentence each, or described; never a crash or a row told."""

from __future__ import annotations

import base64
import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

import workbench as wb
from tests.load.hostile_parquet import HONEST, LIARS
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import DataError
from workbench.load import files, open_frame

RULELESS: dict[str, list[Any]] = {"rules": []}
SECRET = b"SECRET-CELL"


def read(path: Path) -> Counted:
    """Open a file and count all of it."""
    return count(Dataset(open_frame(path), Roles()))


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "no bytes": ("a.csv", b"", "is empty"),
    "an empty line": ("a.csv", b"\n", "begins with an empty line"),
    "UTF-16": ("a.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "no UTF-8": ("a.csv", b"a,b\n1,x\n2," + SECRET + b"\xff\n3,y\n", r"line 3.*not valid UTF-8"),
    "no UTF-8, late": ("a.csv", b"a,b\n" + b"1,xyz\n" * 50_000 + b"2,\xff\xfe\n", r"line 50002.*not valid UTF-8"),
    "no UTF-8 in a name": ("a.csv", b"a,\xff\n1,2\n", r"line 1.*not valid UTF-8"),
    "no UTF-8, zipped": ("a.csv.gz", gzip.compress(b"a,b\n1,\xff\n"), r"line 2.*not valid UTF-8"),
    "a short line": ("a.csv", b"a,b,c\n1,2,3\n4," + SECRET + b"\n", r"line 3.*different numbers of fields"),
    "a long line": ("a.csv", b"a,b\n1,2\n4,5," + SECRET + b"\n", r"line 3.*different numbers of fields"),
    "a long line, late": (
        "a.csv", b"a,b\n" + b"1,2\n" * 50_000 + b"4,5," + SECRET + b"\n", r"line 50002.*different numbers of fields",
    ),
    "a quote left open": ("a.csv", b'a,b\n1,"' + SECRET + b"\n2,y\n", r"line 2.*quote"),
    "two columns of one name": ("a.csv", b"a,b,a\n1,2,3\n", "two columns are called 'a'"),
    "no gzip": ("a.csv.gz", b"\x1f\x8bnonsense", "no whole gzip"),
    "half a gzip": ("a.csv.gz", gzip.compress(np.random.default_rng(0).bytes(9999))[:500], "no whole gzip"),
    "no Parquet": ("a.parquet", b"a,b\n1,2\n", "not a Parquet file"),
    "Parquet's name only": ("a.parquet", b"PAR1", "cut off or no Parquet"),
    "encrypted": ("a.parquet", b"PARE" + bytes(20) + b"PARE", "encrypted"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_say_what_is_wrong_and_repeat_no_row(name: str, tmp_path: Path) -> None:
    """The sentence names the line where there is one, and holds nothing of the content."""
    file, content, expected = BROKEN[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=expected) as told:
        read(tmp_path / file)

    assert SECRET.decode() not in str(told.value)
    assert told.value.__cause__ is None


def test_of_many_files_the_broken_one_is_named(tmp_path: Path) -> None:
    """A line is of little use without its file."""
    (tmp_path / "one.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "two.csv").write_bytes(b"a,b\n1,2\n1,\xff\n")
    for source in (str(tmp_path / "*.csv"), [tmp_path / "one.csv", tmp_path / "two.csv"]):
        with pytest.raises(DataError, match=r"two\.csv' cannot be read \(line 3\): it is not valid UTF-8"):
            open_frame(source)


def test_times_beyond_64_bits_are_named() -> None:
    """Dates of Arrow reach farther than microseconds do: the column is named, nothing crashes."""
    far = pa.table({"x": [1, 2], "d": pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())})
    with pytest.raises(DataError, match="column 'd' holds a time that is out of range"):
        wb.Audit(far, checks=["quality.profile"], policy=RULELESS).run()


def whole(tmp_path: Path) -> bytes:
    """Return a Parquet file of some thousand rows."""
    pq.write_table(pa.table({"a": range(5000), "b": ["x"] * 5000}), tmp_path / "whole.parquet")
    return (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize(
    "cut",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[:-4],
        lambda b: b[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1",
        lambda b: b[:4] + bytes(c ^ 0x5A for c in b[4:300]) + b[300:],
    ],
    ids=["half", "without its end", "footer longer than the file", "pages damaged"],
)
def test_cut_off_parquet(cut: Any, tmp_path: Path) -> None:
    """A cut or damaged file is refused, at opening or when its damaged part is read."""
    (tmp_path / "a.parquet").write_bytes(cut(whole(tmp_path)))
    with pytest.raises(DataError, match=r"cut off|Check that the file is whole"):
        read(tmp_path / "a.parquet")


class Keys(encryption.KmsClient):
    """Keys kept in the file itself; enough to write an encrypted one."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        return base64.b64encode(key_bytes).decode()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plain_footer", [False, True])
def test_encrypted_parquet(plain_footer: bool, tmp_path: Path) -> None:
    """Encrypted columns are named as such, also where the footer can be read."""
    factory = encryption.CryptoFactory(lambda _: Keys())
    about = encryption.EncryptionConfiguration(footer_key="f", column_keys={"k": ["a"]}, plaintext_footer=plain_footer)
    secret = factory.file_encryption_properties(encryption.KmsConnectionConfig(), about)
    data = pa.table({"a": [1, 2], "b": [3, 4]})
    with pq.ParquetWriter(tmp_path / "a.parquet", data.schema, encryption_properties=secret) as writer:
        writer.write_table(data)
    with pytest.raises(DataError, match="encrypted"):
        read(tmp_path / "a.parquet")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is limited and told by Linux")
@pytest.mark.parametrize("claim", LIARS)
def test_small_files_that_claim_gigabytes(claim: str, tmp_path: Path) -> None:
    """300 bytes that claim 4 GB are refused by a process that may have 3 GB, within 400 MB of memory."""
    content = LIARS[claim]
    assert len(content) <= 300
    (tmp_path / "a.parquet").write_bytes(content)
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30,) * 2)\n"
        "from tests.load.test_bad_input import read\n"
        "from workbench.core.errors import DataError\n"
        "try:\n    read(sys.argv[1])\n"
        "except DataError as error:\n    print('refused:', error)\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print('peak', int(peak.split()[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.parquet")], capture_output=True, text=True, timeout=120
    )

    assert done.stdout.startswith("refused:"), done.stdout + done.stderr
    assert "not enough memory" not in done.stdout
    assert int(done.stdout.split("peak")[1]) < 400


def test_the_hand_written_parquet_is_read_when_it_is_honest(tmp_path: Path) -> None:
    """The liars are refused for their lies, not for how they are written."""
    (tmp_path / "a.parquet").write_bytes(HONEST)

    assert read(tmp_path / "a.parquet").columns["a"].numbers.values.tolist() == [7, 8]


def test_strange_columns_are_described(tmp_path: Path) -> None:
    """Lists, records, maps, decimals, bytes, huge integers and columns of nothing are profiled, not refused."""
    wide = pa.table(
        {
            "list": [[1, 2], None, []],
            "record": [{"a": 1, "b": "x"}, None, {"a": 2, "b": None}],
            "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
            "deep": [[[{"a": [1]}]], None, [[]]],
            "decimal": pa.array([Decimal("1.25"), None, Decimal("9" * 30)], pa.decimal128(38, 2)),
            "wide decimal": pa.array([Decimal("1.25"), None, Decimal("9" * 60)], pa.decimal256(70, 2)),
            "huge": pa.array([2**64 - 1, None, 0], pa.uint64()),
            "bytes": [b"\xff\x00", None, b""],
            "nothing": pa.nulls(3),
            "empty text": pa.array([None, None, None], pa.string()),
            "flag": [None, None, True],
        }
    )
    pq.write_table(wide, tmp_path / "a.parquet")
    record = wb.Audit(str(tmp_path / "a.parquet"), reference=wide, policy=RULELESS).run()
    uses = {row[0]: row[1] for row in record.finding("quality.profile").evidence[0].rows}

    assert {f.check: str(f.status) for f in record.findings if str(f.status) == "error"} == {}
    assert {uses[k] for k in ("list", "record", "map", "deep")} == {"nested"}
    assert (uses["bytes"], uses["nothing"], uses["empty text"]) == ("binary", "empty", "empty")
    frame = record.to_frame()
    top = frame[(frame.measure == "maximum") & (frame.window == "")].set_index("column").value
    assert top["huge"] == pytest.approx(2**64 - 1)
    assert top["wide decimal"] == pytest.approx(1e60)


def test_integers_beyond_64_bits_in_csv(tmp_path: Path) -> None:
    """They are numbers, as near as a float comes."""
    (tmp_path / "a.csv").write_text("a\n123456789012345678901234567890\n9223372036854775808\n")

    assert read(tmp_path / "a.csv").columns["a"].numbers.maximum == pytest.approx(1.2345678901234568e29)


@pytest.mark.parametrize("quote", ["", '"'])
def test_texts_of_ten_megabytes(quote: str, tmp_path: Path) -> None:
    """A CSV field of 10 MB is read; it is counted under a short name, and its length is told."""
    (tmp_path / "a.csv").write_text(f"a,b\n1,{quote}{'x' * 10_000_000}{quote}\n2,y\n")
    record = wb.Audit(str(tmp_path / "a.csv"), checks=["quality.profile"], policy=RULELESS).run()
    frame = record.to_frame()

    assert frame[(frame.measure == "longest_text") & (frame.column == "b")].value.item() == 10_000_000
    assert len(record.to_json()) < 20_000


def test_long_texts_that_differ_in_their_end_stay_apart() -> None:
    """Shortened names keep values apart, and parts of the data add to the whole."""
    texts = ["x" * 5000 + end for end in "abc"] * 2
    data = pd.DataFrame({"t": texts})
    one, two = (count(Dataset(wb_frame(d), Roles())) for d in (data.iloc[:2], data.iloc[2:]))
    all_at_once = count(Dataset(wb_frame(data), Roles()))

    assert all_at_once.columns["t"].values.distinct == 3
    assert (one + two).columns["t"].to_dict() == all_at_once.columns["t"].to_dict()
    assert (one + two).fingerprint.table == all_at_once.fingerprint.table


def wb_frame(data: pd.DataFrame) -> Any:
    """Return a frame as the counting takes it."""
    from workbench.core.frame import wrap

    return wrap(data)


def test_a_line_without_end(tmp_path: Path) -> None:
    """A line of 40 MB names its remedy."""
    (tmp_path / "a.csv").write_text("a,b\n1," + "x" * 40_000_000 + "\n2,y\n")
    with pytest.raises(DataError, match="longer than 32 MiB"):
        read(tmp_path / "a.csv")


@pytest.mark.slow
def test_five_thousand_columns_of_text(tmp_path: Path) -> None:
    """Every column of a wide CSV is counted."""
    names = [f"c{i}" for i in range(5000)]
    pd.DataFrame([[1, 2.5, "x", None, True] * 1000] * 30, columns=names).to_csv(tmp_path / "a.csv", index=False)

    columns = read(tmp_path / "a.csv").columns

    assert [columns[c].present for c in names[-5:]] == [30, 30, 30, 0, 30]


@pytest.mark.slow
def test_five_thousand_columns(tmp_path: Path) -> None:
    """Every column is profiled beside its reference, and the report of it all is one that opens."""
    from workbench.report.html import render_html

    data = pd.DataFrame(np.random.default_rng(0).random((60, 5000)).round(3), columns=[f"c{i}" for i in range(5000)])
    data.to_parquet(tmp_path / "a.parquet", index=False)
    checks = ["quality.profile", "quality.missing", "quality.associations", "quality.duplicates"]
    path = str(tmp_path / "a.parquet")
    record = wb.Audit(path, reference=path, checks=checks).run()

    assert [str(f.status) for f in record.findings] == ["measured"] * 4
    assert len({m.column for m in record.finding("quality.profile").measures}) == 5000
    assert len(render_html(record).encode()) < 5_000_000


class Quiet(io.BytesIO):
    """A file whose seek() says nothing, as that of HDFS."""

    def seek(self, offset: int, whence: int = 0) -> None:  # type: ignore[override]
        super().seek(offset, whence)


def test_a_store_whose_files_seek_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The footer is looked at all the same, and a false one refused."""
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), file)

    @contextmanager
    def quiet(name: str) -> Iterator[io.BytesIO]:
        yield Quiet(Path(name).read_bytes())

    monkeypatch.setattr(files, "opened", quiet)
    assert open_frame(str(file)).names == ("a",)
    file.write_bytes(file.read_bytes()[:-9] + b"PAR1")
    with pytest.raises(DataError, match="cannot be read"):
        open_frame(str(file))
