"""Great Expectations suites (JSON, before and after version 1) as contracts.

Both hold missing values alike: expectations about values pass over them, and `mostly` is a share of the others; only
`expect_column_values_to_not_be_null` looks at them. Where a rule means something else it says so in the list: a pair of
columns of which one is missing breaks an expectation (unless told `either_value_is_missing`) and is not judged here; a
repeated key breaks it at every row there, after the first one here, so it is taken over without `mostly` only; sets of
quantiles take the nearest value there and interpolate here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.core.contract import Contract
from workbench.core.errors import ConfigError, shown
from workbench.govern.foreign import ASCII_NOTE, Gathered, ascii_only, re2, searched, type_of

Take = Callable[[Gathered, str, Mapping[str, Any], Mapping[str, Any]], None]
"""(what is gathered, what it is called, its arguments, the state and share that go with it)."""

_READ = ("column", "column_list", "column_set", "column_A", "column_B", "value_set", "min_value", "max_value",
         "strict_min", "strict_max", "mostly", "regex", "regex_list", "match_on", "type_", "type_list", "value",
         "quantile_ranges", "or_equal", "ignore_row_if", "strictly", "exact_match", "allow_relative_error",
         "column_index")  # fmt: skip
_TOLD = ("result_format", "include_config", "catch_exceptions", "meta", "batch_id", "notes", "description", "id",
         "severity", "windows", "rendered_content", "expectation_context")  # fmt: skip


def from_expectations(suite: Mapping[str, Any]) -> tuple[Contract, list[str]]:
    """Return a suite's contract and what was not taken over; ConfigError when the data is no suite."""
    listed = suite.get("expectations")
    if not isinstance(listed, list):
        raise ConfigError("found no list of expectations, expected a suite as Great Expectations writes it (JSON).")
    found, closed = Gathered(), False
    for number, one in enumerate(listed, 1):
        kind = one.get("expectation_type") or one.get("type") if isinstance(one, Mapping) else None
        given = one.get("kwargs") if isinstance(one, Mapping) else None
        if not isinstance(kind, str) or not isinstance(given, Mapping):
            found.leave(f"expectation {number}", "it has no type or no kwargs")
            continue
        about = given.get("column") or given.get("column_list") or given.get("column_A") or given.get("column_set")
        what = f"{kind}({shown(about)})" if about else kind
        closed |= kind == "expect_table_columns_to_match_set" and given.get("exact_match") is not False
        _taken(found, what, kind, given, one.get("severity"))
    name = suite.get("name") or suite.get("expectation_suite_name") or "contract"
    return found.contract(str(name), closed=closed), found.left


def _taken(found: Gathered, what: str, kind: str, given: Mapping[str, Any], severity: object) -> None:
    take = _TAKES.get(kind)
    if take is None:
        found.leave(what)
        return
    if given.get("row_condition") is not None:
        found.leave(what, "its row_condition is code: write it as `when`, a column and its values")
        return
    for key in given:
        if key not in (*_READ, *_TOLD, "row_condition", "condition_parser"):
            found.leave(f"{what}: {key}")
    # An expectation that only warns is what a proposal is here.
    state = "proposed" if severity in ("warning", "info") else "accepted"
    mostly = given.get("mostly")
    found.attempt(what, take, given, {"state": state, **({} if mostly in (None, 1) else {"mostly": mostly})})


def _limits(given: Mapping[str, Any]) -> dict[str, Any]:
    low = "above" if given.get("strict_min") else "minimum"
    high = "below" if given.get("strict_max") else "maximum"
    return {low: given.get("min_value"), high: given.get("max_value")}


def _exist(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    found.column(str(given["column"]))
    if given.get("column_index") is not None:
        found.leave(f"{what}: column_index", "the order of columns is not part of a contract here")


def _simple(rule: str, *names: str) -> Take:
    def take(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        fields = {to: given.get(name) for name, to in (n.split(">") for n in names)}
        found.rule(what, rule=rule, column=given.get("column"), **fields, **more)

    return take


def _between(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    found.rule(what, rule="range", column=given.get("column"), **_limits(given), **more)


def _length(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    exact = given.get("value")
    low, high = (given.get(end) if exact is None else exact for end in ("min_value", "max_value"))
    low = low + 1 if low is not None and given.get("strict_min") else low
    high = high - 1 if high is not None and given.get("strict_max") else high
    found.rule(what, rule="length", column=given.get("column"), minimum=low, maximum=high, **more)


def _regex(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    listed = given.get("regex_list") or [given.get("regex")]
    together = given.get("match_on", "any") == "all" and len(listed) > 1
    for pattern in listed if together else ["|".join(f"(?:{p})" for p in listed)]:
        if ascii_only(str(pattern)):
            found.leave(what, ASCII_NOTE)
        found.rule(what, rule="pattern", column=given.get("column"), pattern=searched(re2(str(pattern))), **more)


def _unique(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    if "mostly" in more:
        found.leave(what, "mostly counts every row of a repeated key there, and those after the first here")
        return
    columns = given.get("column_list")
    if columns and given.get("ignore_row_if", "all_values_are_missing") != "any_value_is_missing":
        found.leave(what, "taken over, but a row without a part of its key is not judged here")
    found.rule(what, rule="unique", columns=columns or [given.get("column")], **more)


def _typed(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    names = given.get("type_list") or [given.get("type_")]
    types = {type_of(name) for name in names}
    type_ = "number" if types == {"integer", "number"} else types.pop() if len(types) == 1 else "any"
    if type_ == "any":
        found.leave(what, f"the type {', '.join(map(shown, names))} is not checked here")
    found.column(str(given["column"]), type_, state=str(more["state"]))


def _total(rule: str) -> Take:
    def take(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        exact = given.get("value")
        ends = {"minimum": given.get("min_value", exact), "maximum": given.get("max_value", exact)}
        if given.get("strict_min") or given.get("strict_max"):
            found.leave(f"{what}: strict_min, strict_max", "the limits themselves are allowed here")
        about = {} if rule == "row_count" else {"column": given.get("column")}
        found.rule(what, rule=rule, state=more["state"], **about, **ends)  # the quantile by default is the median

    return take


def _quantiles(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    ranges = given.get("quantile_ranges") or {}
    found.leave(what, "taken over, but the nearest value is the quantile there, and an interpolated one here")
    for q, (low, high) in zip(ranges.get("quantiles", ()), ranges.get("value_ranges", ()), strict=False):
        ends = {"minimum": low, "maximum": high}
        found.rule(what, rule="quantile", column=given.get("column"), q=q, state=more["state"], **ends)


def _monotone(direction: str) -> Take:
    def take(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        strict = bool(given.get("strictly"))
        found.rule(what, rule="monotone", column=given.get("column"), direction=direction, strict=strict, **more)

    return take


def _pair(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    sign = "==" if "to_be_equal" in what.partition("(")[0] else ">=" if given.get("or_equal") else ">"
    if given.get("ignore_row_if", "both_values_are_missing") != "either_value_is_missing":
        found.leave(what, "taken over, but a row where one of both is missing breaks it there and is not judged here")
    found.rule(what, rule="compare", column=given.get("column_A"), operator=sign, other=given.get("column_B"), **more)


def _set(found: Gathered, what: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    for name in given.get("column_set") or ():
        found.column(str(name))


_TAKES: Mapping[str, Take] = {
    "expect_column_to_exist": _exist,
    "expect_column_values_to_not_be_null": _simple("not_null"),
    "expect_column_values_to_be_in_set": _simple("in_set", "value_set>values"),
    "expect_column_values_to_be_between": _between,
    "expect_column_value_lengths_to_be_between": _length,
    "expect_column_value_lengths_to_equal": _length,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_values_to_match_regex_list": _regex,
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
    "expect_column_values_to_be_of_type": _typed,
    "expect_column_values_to_be_in_type_list": _typed,
    "expect_column_values_to_be_increasing": _monotone("increasing"),
    "expect_column_values_to_be_decreasing": _monotone("decreasing"),
    "expect_column_mean_to_be_between": _total("mean"),
    "expect_column_sum_to_be_between": _total("sum"),
    "expect_column_median_to_be_between": _total("quantile"),
    "expect_column_unique_value_count_to_be_between": _total("distinct"),
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_table_row_count_to_be_between": _total("row_count"),
    "expect_table_row_count_to_equal": _total("row_count"),
    "expect_table_columns_to_match_set": _set,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair,
    "expect_column_pair_values_to_be_equal": _pair,
}
"""Expectation -> what takes it over."""
