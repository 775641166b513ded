"""Contract files and names that want to be more than data: nothing runs, nothing crashes, nothing takes for ever."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml

from workbench.audit.contracts import contract_yaml, load_contract
from workbench.cli import main
from workbench.core.contract import Contract, validate_batch
from workbench.core.contract_diff import changes
from workbench.core.contract_judge import Naming, judge_data
from workbench.core.errors import ConfigError
from workbench.core.frame import wrap
from workbench.govern.odcs import from_odcs, to_odcs
from workbench.report.contract_text import judgements_text
from workbench.report.failing_rows import failing_rows
from workbench.ui.contract_board import ContractBoard

TEXTS = {
    "double quotes": 'a"b""c',
    "single quotes": "a'b''c",
    "newlines": "a\nb\r\nc",
    "a tab and a null character": "a\tb\x00c",
    "a YAML tag": "!!python/object/apply:os.system ['true']",
    "YAML structure": "{a: [b, *c, &d, <<: e]} # f",
    "a YAML document": "---\na: b\n...",
    "SQL": "c0) FROM seen; DROP TABLE seen; --",
    "an SQL quote": 'c0" UNION SELECT 1 --',
    "an SQL parameter": "$p0",
    "a format string": "{0.__class__.__mro__} %s %(x)s",
    "right to left": "\u202egnp.exe\u202c \u05d0\u05d1",
    "an isolated mark": "\u2066a\u2069\u0301\u200b",
    "10,000 letters": "x" * 10_000,
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a formula": "=cmd|' /C calc'!A0",
    "half of a pair": "a\ud800b",
    "a terminal's colour": "\x1b[31mred\x1b[0m\x07",
    "nothing but space": "   ",
    "nothing": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_name_or_value_is_data_everywhere(text, tmp_path):
    """The same text as column, value of a set, condition, name of a rule and contract: through every door there is."""
    legal = text.encode("utf-8", "replace").decode()  # what data can hold
    about = {
        "name": text,
        "columns": {text: {"type": "text", "allowed": [text, "b"], "nullable": False}, "other": {}},
        "rules": [
            {"rule": "not_null", "column": "other", "when": {"column": text, "values": [text]}, "name": f"{text}!"},
            {"rule": "determines", "columns": [text], "determined": "other"},
            {"rule": "distinct", "column": text, "maximum": 1},
        ],
        "unique": [[text, "other"]],
    }
    contract = Contract.from_dict(about)
    file = tmp_path / "c.yaml"
    file.write_text(contract_yaml(contract), "utf-8")
    again = load_contract(file)
    assert changes(contract, again) == []
    assert again == contract
    data = pd.DataFrame({legal: [legal, "b", "c", None], "other": ["x", None, "y", "z"]})
    found = judge_data(wrap(data), again, naming=Naming(id=legal))
    failing = {r.kind: r.failing for r in found.rules if r.kind != "type" and r.failing}
    assert failing == {"in_set": 1, "not_null": 1}
    assert validate_batch(data, again).accepted.tolist() == [True, True, False, False]
    back, left = from_odcs(to_odcs(again))
    assert (changes(again, back), left) == ([], [])
    told = judgements_text(found, every=True)
    assert not any(c in told for c in "\u202e\u2066\x1b\x00\x07\r\u200b")
    assert all(len(line) < 5000 for line in told.splitlines())
    cells = [cell for line in csv.reader(io.StringIO(failing_rows(found, "x.csv").decode())) for cell in line]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    with zipfile.ZipFile(io.BytesIO(failing_rows(found, "x.xlsx"))) as book:
        sheet, texts = (
            ElementTree.fromstring(book.read(f"xl/{name}.xml"))  # noqa: S314  our own file
            for name in ("worksheets/sheet1", "sharedStrings")
        )
        tags = [e.tag.rpartition("}")[2] for e in sheet.iter()]
        assert tags.count("row") == 3  # the head, and a row for each of two broken rules
        assert not {"f", "hyperlink"} & {*tags}
        assert len(texts) >= 6  # the head's words at least
    html, twin = ContractBoard(again).static()
    assert "<script" not in html
    assert "<img" not in html
    assert not any(c in twin for c in "\u202e\x1b")


PATTERNS = {
    "nested repetition": ("(a+)+$", "a" * 50_000 + "b"),
    "alternatives that overlap": ("(a|aa|a?)*c", "a" * 50_000),
    "everything twice": (".*.*.*.*.*=.*", "x" * 50_000),
    "quantified groups": ("(.*a){12}", "a" * 20_000 + "b"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("pattern", "text"), PATTERNS.values(), ids=PATTERNS.keys())
def test_a_pattern_that_would_backtrack_for_ever_does_not(pattern, text):
    """RE2 is linear in the text; Python's `re` would take longer than anybody lives on the first two."""
    contract = Contract.from_dict({"columns": {"t": {"pattern": pattern}}})
    data = pd.DataFrame({"t": [text] * 3})
    found = judge_data(wrap(data), contract)
    accepted = validate_batch(data, contract).accepted
    assert found.rules[-1].failing == 3 - accepted.sum()


@pytest.mark.parametrize(
    "pattern",
    ["(", "[", "a{1001}", "((((a{1000}){1000}){1000}){1000})", "(?<=a)b", r"(a)\1",
     "\\", "\\p{Nonsense}", "a" * 5_000_000],
)  # fmt: skip
def test_a_pattern_too_large_or_wrong_is_refused_in_one_line(pattern):
    with pytest.raises(ConfigError, match="pattern") as caught:
        Contract.from_dict({"columns": {"t": {"pattern": pattern}}})
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "pattern",
    ["(" * 5000 + ")" * 5000, "|".join(f"word{i}[a-z]{{1000}}" for i in range(400)), "(?P<a>x)(?P<a>y)", "x" * 100_000,
     "a\x00b", "\n", "$", r"\C", r"\Qa.b\E", "(?i)ß", "[[:alpha:]]*", r"[^\x00-\x7f]", r"\b"],
)  # fmt: skip
def test_a_strange_pattern_is_judged_alike_by_rows_and_by_query(pattern):
    contract = Contract.from_dict({"columns": {"t": {"pattern": pattern}}})
    data = pd.DataFrame({"t": ["xy", "a", "", "a.b", "a\x00b", "\n", "ẞ", None]})
    found = judge_data(wrap(data), contract, naming=Naming())
    accepted = validate_batch(data, contract).accepted
    assert [row - 1 for row, _ in found.rules[-1].rows] == [i for i, ok in enumerate(accepted) if not ok]


FILES = {
    "a Python object": "name: !!python/object/apply:os.system ['touch {marker}']\ncolumns: {{a: {{}}}}",
    "a Python name": "columns: {{a: !!python/name:os.system {{}}}}",
    "a module": "columns: {{a: !!python/module:os {{}}}}",
    "an own tag": "columns: !contract {{a: {{}}}}",
    "aliases that multiply": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ncolumns: {{a: {{allowed: *c}}}}",
    "a merge key": "columns: {{a: {{<<: {{type: text}}}}}}",
    "binary": "columns: {{a: {{allowed: [!!binary aGk=]}}}}",
    "a set": "columns: {{a: {{allowed: !!set {{x, y}}}}}}",
    "a key twice": "columns: {{a: {{}}, a: {{}}}}",
    "a list as a key": "columns: {{? [a, b] : {{}}}}",
    "two documents": "columns: {{a: {{}}}}\n---\ncolumns: {{a: {{}}}}",
    "brackets without end": "columns: " + "[" * 20_000,
    "mappings without end": "columns: " + "{{a: " * 20_000,
    "a number of 100,000 digits": "columns: {{a: {{minimum: " + "9" * 100_000 + "}}}}",
    "no number": "columns: {{a: {{minimum: .nan}}}}",
    "a null character": "columns: {{a\x00: {{}}}}",
    "a file as a rule": "columns: {{a: {{}}}}\nrules: [{{rule: sql, query: \"COPY seen TO '{marker}'\"}}]",
    "text as columns": "columns: SELECT 1",
    "nothing": "",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_contract_is_refused_and_runs_nothing(text, tmp_path, capsys):
    marker, file = tmp_path / "ran", tmp_path / "c.yaml"
    file.write_text(text.format(marker=marker), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_contract(file)
    assert len(str(caught.value)) < 1000
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "d.parquet")
    assert main(["contract", "check", str(tmp_path / "d.parquet"), str(file)]) == 2
    assert len(capsys.readouterr().err) < 2000
    assert not marker.exists()


def test_a_path_in_a_rule_is_a_path(tmp_path):
    """A rule refers to a file by name: DuckDB's functions, remote addresses and quotes in it reach nothing."""
    marker = tmp_path / "ran"
    for path in (
        "read_csv('/etc/passwd')",
        f"x.parquet'); COPY (SELECT 1) TO '{marker}",
        "/etc/passwd\x00.csv",
        "../..",
    ):
        rule = {"rule": "refers", "column": "a", "data": path, "to": "a"}
        file = tmp_path / "c.yaml"
        file.write_text(yaml.safe_dump({"columns": {"a": {}}, "rules": [rule]}))
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "d.parquet")
        assert main(["contract", "check", str(tmp_path / "d.parquet"), str(file)]) == 2
        assert not marker.exists()


def test_a_thousand_rules_on_names_of_a_hundred_letters(tmp_path):
    names = [f"{'n' * 100}{i}" for i in range(100)]
    rules = [{"rule": "range", "column": n, "minimum": i, "name": f"{n} {i}"} for n in names for i in range(10)]
    contract = Contract.from_dict({"columns": {n: {"type": "integer"} for n in names}, "rules": rules})
    found = judge_data(wrap(pd.DataFrame({n: [5] for n in names})), contract)
    assert sum(r.failing or 0 for r in found.rules) == 100 * 4
    file = tmp_path / "c.yaml"
    file.write_text(contract_yaml(contract))
    assert load_contract(file) == contract
