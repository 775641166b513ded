"""Plain words for measures, judgements, findings and verdicts; every rendering takes its sentences from here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from workbench.audit.record import Judgement, Record
from workbench.core.finding import Finding, Measure, Status
from workbench.report.labels import group_parts as group_parts
from workbench.report.labels import group_values as group_values
from workbench.report.labels import group_words as group_words
from workbench.report.labels import plain as plain
from workbench.report.labels import window_words as window_words

MINUS = "\u2212"
THIN = "\u202f"  # a thin space that does not break the line
NOTHING = "\u2013"

SHAPES = {
    "pass": "●",
    "warn": "▲",
    "fail": "■",
    "cannot_tell": "◆",
    "incomplete": "◆",
    "not_applicable": "○",
    "waived": "◇",
    "error": "✕",
    "cancelled": "✕",
    "measured": "·",
}
SEVERITY = (
    "fail",
    "error",
    "cannot_tell",
    "warn",
    "cancelled",
    "waived",
    "pass",
    "measured",
    "not_applicable",
)
_OUTCOMES = {
    "cannot_tell": "cannot tell",
    "not_applicable": "not applicable",
    "measured": "no rule on it",
}
_OPERATORS = {
    ">=": "at least",
    ">": "over",
    "<=": "at most",
    "<": "under",
    "==": "exactly",
    "between": "between",
}
_SUFFIXES = (
    ("_to_overall_difference", ", group minus overall"),
    ("_to_overall_ratio", ", group over overall"),
    ("_to_reference_difference", ", group minus reference group"),
    ("_to_reference_ratio", ", group over reference group"),
    ("_excluded_groups", ", groups left out"),
    ("_null_mean", ", mean expected by chance"),
    ("_null_quantile", ", 95% quantile expected by chance"),
    ("_minimum_detectable", ", smallest that could be told"),
    ("_p_value", ", p-value"),
    ("_reference_n", ", rows of the reference"),
    ("_difference", ", largest minus smallest group"),
    ("_ratio", ", smallest over largest group"),
)
_TITLES = {
    "count": "Rows",
    "rows": "Rows",
    "domain_auc": "ROC AUC of telling current rows from the reference",
    "current_share": "Current rows among those measured",
    "outside_reference_share": "Current rows unlike 99% of the reference",
    "separating_importance": "ROC AUC lost when shuffled",
    "reconstruction_error_change": "Reconstruction error, now minus reference",
    "feature_residual_change": "Residual of a feature, now minus reference",
    "mmd_squared": "Squared maximum mean discrepancy",
    "truth_rate_change": "Share truly positive at like scores, now minus reference",
    "precision_change": "Precision, now minus reference",
    "bias_change": "Bias, now minus reference",
    "relation_change": "Change of the truth at like scores or predictions",
    "relation_change_chi_square": "Change of the truth at like scores or predictions, chi-square",
    "mean_score_difference_change": "Mean score minus observed rate, now minus reference",
    "calibration_slope_change": "Calibration slope, now minus reference",
    "outside_reference_score_share": "Rows with scores the reference does not reach",
    "changed_regions": "Regions where the truth moved",
    "region_change": "Truth minus expected, now minus reference",
    "challenger_gain": "Gain of a refitted challenger",
    "challenger_gain_change": "Gain of a refitted challenger, now minus reference",
    "score_ks": "KS of the score",
    "mean_score_change": "Mean score, now minus reference",
    "mean_prediction_change": "Mean prediction, now minus reference",
    "selection_rate_change": "Selection rate, now minus reference",
    "prediction_cramers_v": "Cramér's V of the predicted classes",
    "drift_impact": "Drift times importance",
    "expected_shift": "Expected shift of the mean, from this feature alone",
    "actual_shift": "Actual shift of the mean",
    "roc_auc": "ROC AUC",
    "f1": "F1 score",
    "matthews_corrcoef": "Matthews correlation",
    "symmetric_mape": "Symmetric MAPE",
    "f1_score": "F1 score",
    "f_beta": "F-beta score",
    "cohen_kappa": "Cohen's kappa",
    "brier_score": "Brier score",
    "brier_reliability": "Brier score: reliability (0 is ideal)",
    "brier_resolution": "Brier score: resolution (more is better)",
    "brier_uncertainty": "Brier score: uncertainty (no-skill Brier score)",
    "brier_within_bins": "Brier score: terms inside bins",
    "claim_difference": "Measured minus declared",
    "impact_ratio": "Impact ratio",
    "mantel_haenszel_difference": "Selection rate against the base group, within strata",
    "mean_score_difference_difference": "Mean score minus observed rate, largest minus smallest group",
    "error_rate_against_rest": "Error rate, inside minus outside",
    "mean_absolute_error_against_rest": "Mean absolute error, inside minus outside",
    "error_rate_change": "Error rate, now minus reference",
    "accuracy_change": "Accuracy, challenger minus model",
    "roc_auc_change": "ROC AUC, challenger minus model",
    "brier_score_change": "Brier score, challenger minus model",
    "shortfall": "Selections short of parity",
    "below_four_fifths": "Groups below four fifths",
    "r_squared": "R squared",
    "mean_absolute_shap": "Mean absolute Shapley value",
    "mean_score_difference": "Mean score minus observed rate",
    "excluded_groups": "Groups too small to compare",
    "unknown_count": "Rows without a group",
    "mean_difference": "Mean, now minus reference",
    "length_mean_difference": "Mean length, now minus reference",
    "missing_share_change": "Missing share, now minus reference",
    "positive_rate_change": "Positive rate, now minus reference",
    "infinite_share_change": "Infinite share, now minus reference",
    "kl_divergence": "Kullback-Leibler divergence",
    "hellinger": "Hellinger distance",
    "energy": "Energy distance",
    "l_infinity": "Largest change of a share",
    "cramer_von_mises": "Cramér-von Mises statistic",
    "anderson_darling": "Anderson-Darling statistic",
    "cramers_v_corrected": "Cramér's V, corrected for chance",
    "chi_square_yates": "Chi square, Yates's correction",
    "g_test": "G statistic",
    "unseen_share_beyond_chance": "Unseen share, beyond what chance shows",
    "freshness": "Newest time, now minus reference",
    "lag": "Time since the newest row",
    "largest_gap_to_reference": "Largest gap, over the reference's",
    "median_gap_to_reference": "Median gap, over the reference's",
    "before_reference_end_share": "Times before the reference's newest",
    "after_as_of_share": "Times after the moment of the audit",
    "equalized_odds_difference": "Equalised odds, largest difference between groups",
    "equalized_odds_ratio": "Equalised odds, smallest ratio between groups",
}
_HEADLINES = {
    "bias.group_rates": ("selection_rate_ratio", "selection_rate_difference"),
    "bias.impact_ratio": ("impact_ratio",),
    "bias.four_fifths": ("impact_ratio",),
    "bias.error_parity": ("bias_difference", "mean_absolute_error_difference"),
    "bias.calibration_by_group": ("mean_score_difference_difference",),
    "performance.multiclass": ("accuracy", "macro_f1"),
    "performance.regression": ("root_mean_squared_error", "r_squared"),
    "performance.weak_segments": ("weak_segments",),
    "performance.overfit_segments": ("overfit_segments",),
    "performance.two_models": ("roc_auc_change", "accuracy_change", "mean_absolute_error_change"),
    "performance.reliability": ("coverage",),
    "drift.by_group": ("excluded_groups",),
    "drift.categorical": ("cramers_v", "psi"),
    "drift.missing": ("missing_share_change",),
    "drift.numeric": ("ks", "psi"),
    "drift.outcome": ("ks", "positive_rate_change", "cramers_v"),
    "drift.range": ("outside_share",),
    "drift.text": ("length_ks", "unseen_word_share"),
    "drift.time": ("freshness",),
    "drift.concept": ("truth_rate_change", "precision_change", "bias_change"),
    "drift.domain_classifier": ("domain_auc",),
    "drift.mmd": ("mmd_squared",),
    "drift.ranking": ("drift_impact",),
    "drift.reconstruction": ("reconstruction_error_change",),
    "optimize.frontier": ("accuracy_gain_at_present_disparity",),
    "optimize.frontier": ("held_out_accuracy_change", "held_out_balanced_accuracy_change"),
    "optimize.threshold": ("saving",),
    "performance.baseline": ("accuracy_over_majority",),
    "performance.calibration": ("calibration_slope",),
    "performance.claims": ("claims_refuted",),
    "performance.classification": ("roc_auc", "accuracy"),
    "performance.lift": ("gini", "ks"),
    "quality.duplicates": ("duplicate_share",),
    "quality.missing": ("missing_share",),
}
_TOKENS = {
    "mcnemar": "McNemar",
    "roc": "ROC",
    "auc": "AUC",
    "psi": "PSI",
    "ks": "KS",
    "js": "JS",
    "f1": "F1",
    "chi": "chi",
    "jensen": "Jensen",
    "shannon": "Shannon",
    "wasserstein": "Wasserstein",
    "kolmogorov": "Kolmogorov",
    "smirnov": "Smirnov",
    "cramers": "Cramér's",
    "v": "V",
}


class Interval(Protocol):
    """Anything that has a value, its interval and its denominator: a measure or a judgement."""

    @property
    def value(self) -> float | int | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def n(self) -> int | None: ...  # noqa: D102


# ---------------------------------------------------------------------------- numbers


def number(value: float | int | bool | str | None, unit: str = "", decimals: int | None = None) -> str:
    """Return a number with three significant digits (or `decimals`), percent for a share; integers whole."""
    if value is None:
        return NOTHING
    if isinstance(value, bool | str):
        return plain(value)
    if isinstance(value, int) and unit != "share":
        return _signed(f"{value:,}")
    scaled = float(value) * (100 if unit == "share" else 1)
    places = _places(scaled, unit) if decimals is None else decimals
    if scaled and (abs(scaled) < 1e-5 or abs(scaled) >= 1e15):
        return _signed(f"{scaled:.2e}")
    return _signed(f"{scaled:,.{places}f}") + ("%" if unit == "share" else "")


def p_value(value: float | None) -> str:
    """Return a p-value for reading; very small ones as "< 0.0001"."""
    return "< 0.0001" if value is not None and value < 0.0001 else number(value)


def field_text(m: Interval, field: str, unit: str = "", name: str = "") -> str:
    """Return how one field (value, low, high, n) of a measure or judgement is printed everywhere."""
    value = getattr(m, field)
    if field == "n" or value is None:
        return number(value)
    if name.endswith("p_value"):
        return p_value(value)
    text = number(value, unit, _shared_places(m, unit))
    return text if field == "value" else text.removesuffix("%")


def value_words(m: Interval, unit: str = "", name: str = "") -> str:
    """Return "0.84 [0.79, 0.88]"; an open end of an interval reads as an infinity."""
    value = field_text(m, "value", unit, name)
    if m.value is None or (m.low is None and m.high is None):
        return value
    low = f"{MINUS}∞" if m.low is None else field_text(m, "low", unit, name)
    high = "∞" if m.high is None else field_text(m, "high", unit, name)
    return f"{value} [{low}, {high}]"


def _shared_places(m: Interval, unit: str) -> int | None:
    if m.low is None or m.high is None or m.value is None:
        return None
    # Value and ends share their decimals; a value near 0 takes them from the interval's width.
    scale = max(abs(m.value), (m.high - m.low) / 2) * (100 if unit == "share" else 1)
    return _places(scale, unit)


def _places(scaled: float, unit: str) -> int:
    least = 1 if unit == "share" else 0
    if scaled == 0:
        return least
    return min(6, max(least, 2 - math.floor(math.log10(abs(scaled)))))


def _signed(text: str) -> str:
    return text.replace(",", THIN).replace("-", MINUS)


# ---------------------------------------------------------------------------- names


def outcome_word(outcome: str) -> str:
    """Return an outcome in words."""
    return _OUTCOMES.get(outcome, outcome.replace("_", " "))


def shape(outcome: str) -> str:
    """Return the shape that stands for an outcome, also without colour."""
    return SHAPES.get(outcome, "·")


def worst(outcomes: Iterable[str], default: str = "measured") -> str:
    """Return the outcome a reader must see first."""
    found = sorted(outcomes, key=lambda o: SEVERITY.index(o) if o in SEVERITY else 0)
    return found[0] if found else default


def measure_title(name: str) -> str:
    """Return a measure's name for people: `selection_rate` is "Selection rate"."""
    if name in _TITLES:
        return _TITLES[name]
    for suffix, words in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return measure_title(name.removesuffix(suffix)) + words
    tokens = [_TOKENS.get(t, t) for t in name.split("_")]
    text = plain(" ".join(tokens))
    return text[:1].upper() + text[1:]


def title_of(m: Measure | Judgement) -> str:
    """Return a measure's title, told apart from its namesake of all groups together."""
    name = m.name if isinstance(m, Measure) else m.measure
    if not m.group and "_to_overall_" in name:
        base, _, kind = name.partition("_to_overall_")
        farthest = "largest distance of a group from overall" if kind == "difference" else "group farthest from overall"
        return f"{measure_title(base)}, {farthest}"
    return measure_title(name)


def scope_words(m: Measure | Judgement) -> str:
    """Return what a measure is about: its group, else its column; then its window and where."""
    subject = group_words(m.group) if m.group else plain(m.column, 60) if m.column else ""
    rest = [window_words(m.window)] if m.window else []
    rest += [plain(m.where, 60)] if m.where else []
    return " · ".join([part for part in (subject, *rest) if part])


def limit_words(operator: str, limit: float | None, unit: str = "") -> str:
    """Return a rule's limit: "at least 0.80"."""
    if limit is None:
        return ""
    return f"{operator_words(operator)} {limit_number(limit, unit)}".strip()


def operator_words(operator: str) -> str:
    """Return a comparison in words: "at least"."""
    bare = operator.removeprefix("change ")
    return _OPERATORS.get(bare, plain(bare) if bare else "")


def limit_number(limit: float, unit: str = "") -> str:
    """Return a limit as it was set: no more digits than it was given."""
    scaled = limit * 100 if unit == "share" else limit
    digits = f"{scaled:.6g}"
    if unit != "share" and "." in digits and len(digits.split(".")[1]) == 1:
        digits += "0"
    return _signed(digits) + ("%" if unit == "share" else "")


# ---------------------------------------------------------------------------- sentences


def counts_line(record: Record) -> str:
    """Return "2 of 31 rules fail, 3 cannot tell, 1 not tested"; a rule counts once, by its worst judgement."""
    counts = rule_counts(record)
    if not counts["rules"]:
        return "no rule was judged"
    total, failed = counts["rules"], counts["fail"]
    verb = "fails" if failed == 1 else "fail"
    parts = [f"{number(failed)} of {number(total)} {'rule' if total == 1 else 'rules'} {verb}"]
    more = (("warn", "warn"), ("cannot_tell", "cannot tell"), ("not_tested", "not tested"))
    parts += [f"{number(counts[key])} {words}" for key, words in more if counts[key]]
    return ", ".join(parts)


def rule_counts(record: Record) -> dict[str, int]:
    """Return how many rules there are and how many fail, warn, cannot tell and were not tested."""
    outcomes: dict[str, list[str]] = {}
    for j in record.verdict.judgements:
        outcomes.setdefault(j.rule, []).append(j.outcome)
    each = [worst(found) for found in outcomes.values()]
    untested = each.count("not_applicable") + each.count("error") + each.count("cancelled")
    counts = {key: each.count(key) for key in ("fail", "warn", "cannot_tell", "waived", "pass")}
    return {"rules": len(each), "not_tested": untested, **counts}


def verdict_word(record: Record) -> str:
    """Return the verdict's shape and word: "■ FAIL"."""
    outcome = record.verdict.outcome
    return f"{shape(outcome)} {outcome_word(outcome).upper()}"


def verdict_line(record: Record) -> str:
    """Return the audit's verdict in one line."""
    return f"{verdict_word(record)}: {counts_line(record)}"


def judgement_title(j: Judgement) -> str:
    """Return what was judged: "Selection rate, smallest over largest group · race"."""
    if not j.measure:
        return plain(j.rule)
    change = ", change from the reference" if j.operator.startswith("change ") else ""
    return " · ".join(part for part in (title_of(j) + change, scope_words(j)) if part)


def judgement_sentence(j: Judgement, unit: str = "") -> str:
    """Return one judgement as a sentence: what, value with interval, limit, outcome and its reason."""
    head = judgement_title(j)
    if j.value is not None:
        head += f": {value_words(j, unit, j.measure)}"
    limit = limit_words(j.operator, j.limit, unit)
    parts = [head, f"limit {limit}" if limit else "", outcome_word(j.outcome)]
    sentence = ", ".join(part for part in parts if part)
    return f"{sentence}: {plain(j.reason, 400)}" if j.reason else sentence


def finding_sentence(finding: Finding) -> str:
    """Return what a finding says in one sentence, before any rule is applied."""
    if finding.status is not Status.MEASURED:
        why = plain(finding.reason, 400) if finding.reason else "no reason was recorded"
        return f"Not measured ({outcome_word(str(finding.status))}): {why}."
    if finding.check == "quality.profile":
        return f"{number(len({m.column for m in finding.measures if m.column}))} columns profiled."
    m = headline(finding)
    return measure_sentence(m) if m else "Measured, but no value is defined."


def measure_sentence(m: Measure) -> str:
    """Return one measure as a sentence."""
    about = " · ".join(part for part in (title_of(m), scope_words(m)) if part)
    size = f", n = {number(m.n)}" if m.n is not None else ""
    return f"{about}: {value_words(m, m.unit, m.name)}{size}{_no_difference(m)}."


def headline(finding: Finding) -> Measure | None:
    """Return the measure that speaks for the finding: the largest of its best-known kind, the smallest of a ratio."""
    defined = [m for m in finding.measures if m.value is not None and not m.window and not m.group]
    named = [[m for m in defined if m.name == name] for name in _HEADLINES.get(finding.check, ())]
    same = next((found for found in named if found), [m for m in defined if m.name == defined[0].name])
    if not same:
        return None
    sign = -1 if same[0].name.endswith("_ratio") else 1
    return max(same, key=lambda m: sign * abs(float(m.value or 0)))


def _no_difference(m: Measure) -> str:
    if m.low is None or m.high is None:
        return ""
    none = 1.0 if m.name.endswith("_ratio") else 0.0 if m.name.endswith("_difference") else None
    return " (no difference shown)" if none is not None and m.low <= none <= m.high else ""


def short_digest(digest: str) -> str:
    """Return the first eight hex digits of a digest in two groups: "8f3a c21d"."""
    digits = digest.rpartition(":")[2]
    return f"{digits[:4]} {digits[4:8]}"


def subject_title(record: Record) -> str:
    """Return the audit's title."""
    return plain(record.subject.get("title") or "Audit", 160)


def data_words(record: Record) -> str:
    """Return the names of current and reference data with their rows."""
    parts = []
    for key in ("current", "reference"):
        data = record.subject.get(key)
        if isinstance(data, dict):
            parts.append(_data_name(key, data))
    if len(parts) < 2:
        parts.append("no reference")
    return " · ".join(parts)


def _data_name(key: str, data: dict[str, object]) -> str:
    rows = data.get("rows")
    size = f"{number(rows)} rows" if isinstance(rows, int) else "rows unknown"
    name = data.get("name")
    if not name or name == key:
        return f"{key} data, {size}"
    return f"{plain(name, 60)}, {size}" if key == "current" else f"reference {plain(name, 60)} ({size})"
